package libav

import (
	"io"

	"faird/camera/imagefile"

	"gocv.io/x/gocv"
)

// mjpeg decodes Motion JPEG with the strict decoder for still images: libavcodec's
// own fills in what it cannot decode and says so nowhere but in its log.
type mjpeg struct {
	images *imagefile.Decoder
	packet *packet
	ended  bool
}

func newMJPEG(maxPixels int) *mjpeg { return &mjpeg{images: imagefile.NewDecoder(maxPixels)} }

func (m *mjpeg) send(p packet) {
	if !p.hidden {
		m.packet = &p
	}
}

// End says that nothing follows.
func (m *mjpeg) End() { m.ended = true }

// Receive decodes the packet sent last.
func (m *mjpeg) Receive(dst *gocv.Mat) (Picture, error) {
	p := m.packet
	switch {
	case p == nil && m.ended:
		return Picture{}, io.EOF
	case p == nil:
		return Picture{}, ErrAgain
	}
	m.packet = nil
	out := Picture{PTS: p.pts, Key: true}
	if p.err != nil || dst == nil {
		return out, p.err
	}
	h, err := m.images.DecodeJPEG(p.data, dst)
	if err == nil {
		out.Form = Form{Width: h.Width, Height: h.Height, PixelFormat: h.Pixels, FullRange: true, Matrix: "smpte170m"} // JFIF: BT.601, full range
	}
	return out, err
}

func (m *mjpeg) Close() error { return m.images.Close() }
