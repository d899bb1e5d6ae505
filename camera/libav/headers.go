package libav

// unit is what the headers of an access unit say about its picture.
type unit struct {
	coded   bool // there is a picture in it, and not parameter sets alone
	key     bool // decoding may start here
	leading bool // comes behind a key picture and refers to pictures before it (RASL)
	second  bool // is the second field of the picture before
	hidden  bool // is for reference alone and never output
	err     error
}

// headers reads the headers of one stream in decoding order. It finds what
// libavcodec conceals without a word: pictures that are missing altogether.
type headers interface {
	// parameters takes parameter sets that came outside of the stream.
	parameters(nals [][]byte)
	// sets returns the parameter sets in force.
	sets() [][]byte
	// read looks at one access unit.
	read(nals [][]byte) unit
	// write appends an access unit as libavcodec gets it, in Annex B.
	write(dst []byte, nals [][]byte) []byte
	// forget starts again at the next key picture.
	forget()
}

func newHeaders(codec string, l limit) headers {
	switch codec {
	case "h264":
		return &h264{limit: l}
	case "hevc":
		return &hevc{limit: l}
	}
	return nil
}
