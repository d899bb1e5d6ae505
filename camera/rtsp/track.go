package rtsp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"
)

// track is the video that is played.
type track struct {
	format format.Format
	codec  string
}

// depacketize makes encoded pictures of RTP packets in order. It returns nil
// while more packets are needed. After an error or a gap it is of no more use.
type depacketize func(*rtp.Packet) ([]byte, error)

// choose picks the first track of a codec that can be decoded and checked.
func choose(session *description.Session) (*description.Media, track, error) {
	var others []string
	for _, media := range session.Medias {
		for _, f := range media.Formats {
			switch f.(type) {
			case *format.H264:
				return media, track{f, "h264"}, nil
			case *format.H265:
				return media, track{f, "hevc"}, nil
			case *format.MJPEG:
				return media, track{f, "mjpeg"}, nil
			}
			others = append(others, f.Codec())
		}
	}
	if others == nil {
		return nil, track{}, errors.New("the camera offers no video: check the path")
	}
	return nil, track{}, fmt.Errorf("the camera offers %s: set it to H.264, H.265 or Motion JPEG", strings.Join(others, ", "))
}

// independent says whether each picture can be decoded by itself.
func (t track) independent() bool { return t.codec == "mjpeg" }

func (t track) extradata() []byte {
	switch f := t.format.(type) {
	case *format.H264:
		return annexB([][]byte{f.SPS, f.PPS})
	case *format.H265:
		return annexB([][]byte{f.VPS, f.SPS, f.PPS})
	}
	return nil
}

// depacketizer makes one that has seen nothing.
func (t track) depacketizer() (depacketize, error) {
	switch f := t.format.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		return func(p *rtp.Packet) ([]byte, error) {
			units, err := d.Decode(p)
			return annexB(units), unless(err, rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious)
		}, err
	case *format.H265:
		d, err := f.CreateDecoder()
		return func(p *rtp.Packet) ([]byte, error) {
			units, err := d.Decode(p)
			return annexB(units), unless(err, rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious)
		}, err
	case *format.MJPEG:
		d, err := f.CreateDecoder()
		return func(p *rtp.Packet) ([]byte, error) {
			image, err := d.Decode(p)
			return image, unless(err, rtpmjpeg.ErrMorePacketsNeeded, rtpmjpeg.ErrNonStartingPacketAndNoPrevious)
		}, err
	}
	return nil, fmt.Errorf("no depacketizer for %s", t.codec)
}

// unless drops an error that only says to go on.
func unless(err error, ignored ...error) error {
	for _, i := range ignored {
		if errors.Is(err, i) {
			return nil
		}
	}
	return err
}

var startCode = []byte{0, 0, 0, 1}

// annexB joins NAL units to a byte stream (H.264 and H.265, Annex B); nil of none.
func annexB(units [][]byte) []byte {
	size := 0
	for _, u := range units {
		size += len(startCode) + len(u)
	}
	out := make([]byte, 0, size)
	for _, u := range units {
		if len(u) > 0 {
			out = append(append(out, startCode...), u...)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
