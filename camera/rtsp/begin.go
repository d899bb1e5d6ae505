package rtsp

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// beginsPicture says whether an RTP payload holds the beginning of a picture: a
// NAL unit that comes before the slices, or the first slice itself (H.264, 7.3.3:
// first_mb_in_slice is 0, which is coded as a single 1 bit; H.265, 7.3.6.1:
// first_slice_segment_in_pic_flag). Of Motion JPEG the depacketizer knows.
func beginsPicture(codec string, payload []byte) bool {
	switch codec {
	case "h264":
		return beginsH264(payload)
	case "hevc":
		return beginsH265(payload)
	}
	return true
}

const firstSlice = 0x80

func beginsH264(p []byte) bool {
	if len(p) < 2 {
		return false
	}
	switch typ := h264.NALUType(p[0] & 0x1f); typ {
	case h264.NALUTypeSTAPA: // header, size, first NAL unit
		return len(p) > 3 && beginsH264(p[3:])
	case h264.NALUTypeFUA: // the indicator, the header, and what follows the NAL unit's own header
		start, inner := p[1]&0x80 != 0, h264.NALUType(p[1]&0x1f)
		return start && len(p) > 2 && (leadsH264(inner) || p[2]&firstSlice != 0)
	default:
		return leadsH264(typ) || p[1]&firstSlice != 0
	}
}

func leadsH264(typ h264.NALUType) bool {
	switch typ {
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeSEI, h264.NALUTypeSPS, h264.NALUTypePPS:
		return true
	}
	return false
}

func beginsH265(p []byte) bool {
	if len(p) < 3 {
		return false
	}
	switch typ := h265.NALUType(p[0] >> 1 & 0x3f); typ {
	case h265.NALUType_AggregationUnit: // header, size, first NAL unit
		return len(p) > 4 && beginsH265(p[4:])
	case h265.NALUType_FragmentationUnit:
		start, inner := p[2]&0x80 != 0, h265.NALUType(p[2]&0x3f)
		return start && len(p) > 3 && (leadsH265(inner) || p[3]&firstSlice != 0)
	default:
		return leadsH265(typ) || p[2]&firstSlice != 0
	}
}

func leadsH265(typ h265.NALUType) bool {
	switch typ {
	case h265.NALUType_VPS_NUT, h265.NALUType_SPS_NUT, h265.NALUType_PPS_NUT, h265.NALUType_AUD_NUT, h265.NALUType_PREFIX_SEI_NUT:
		return true
	}
	return false
}
