package libav

import "fmt"

// Picture says what was delivered.
type Picture struct {
	PTS  int64 // as it was given with the access unit
	Key  bool  // decoding could have started with it
	Form Form
}

// Form is what is to be the same for all pictures of a stream. Values can be
// compared.
type Form struct {
	Width, Height int
	PixelFormat   string // FFmpeg's name, "yuv420p" for both ranges
	FullRange     bool   // luma from 0 to 255 instead of 16 to 235
	Matrix        string // FFmpeg's name of the colour matrix; "unknown" is converted as BT.601
}

func (f Form) String() string {
	r := "limited"
	if f.FullRange {
		r = "full"
	}
	return fmt.Sprintf("%dx%d %s, %s range, matrix %s", f.Width, f.Height, f.PixelFormat, r, f.Matrix)
}
