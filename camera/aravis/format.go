package aravis

import "fmt"

// Format is a pixel format's number in the GenICam Pixel Format Naming
// Convention (PFNC) 2.
type Format uint32

// The formats that faird can make 8-bit BGR of.
const (
	Mono8        Format = 0x01080001
	Mono10       Format = 0x01100003
	Mono12       Format = 0x01100005
	Mono14       Format = 0x01100025
	Mono16       Format = 0x01100007
	BayerGR8     Format = 0x01080008
	BayerRG8     Format = 0x01080009
	BayerGB8     Format = 0x0108000a
	BayerBG8     Format = 0x0108000b
	BayerGR10    Format = 0x0110000c
	BayerRG10    Format = 0x0110000d
	BayerGB10    Format = 0x0110000e
	BayerBG10    Format = 0x0110000f
	BayerGR12    Format = 0x01100010
	BayerRG12    Format = 0x01100011
	BayerGB12    Format = 0x01100012
	BayerBG12    Format = 0x01100013
	RGB8         Format = 0x02180014
	BGR8         Format = 0x02180015
	YUV422UYVY   Format = 0x0210001f
	YUV422YUYV   Format = 0x02100032
	YCbCr422UYVY Format = 0x02100043
	YCbCr422YUYV Format = 0x0210003b
)

// Bits is how many bits of memory a pixel takes.
func (f Format) Bits() int { return int(f>>16) & 0xff }

func (f Format) String() string {
	if name, ok := names[f]; ok {
		return name
	}
	return fmt.Sprintf("pixel format 0x%08x", uint32(f))
}

var names = map[Format]string{
	Mono8: "Mono8", Mono10: "Mono10", Mono12: "Mono12", Mono14: "Mono14", Mono16: "Mono16",
	BayerGR8: "BayerGR8", BayerRG8: "BayerRG8", BayerGB8: "BayerGB8", BayerBG8: "BayerBG8",
	BayerGR10: "BayerGR10", BayerRG10: "BayerRG10", BayerGB10: "BayerGB10", BayerBG10: "BayerBG10",
	BayerGR12: "BayerGR12", BayerRG12: "BayerRG12", BayerGB12: "BayerGB12", BayerBG12: "BayerBG12",
	RGB8: "RGB8", BGR8: "BGR8",
	YUV422UYVY: "YUV422_8_UYVY", YUV422YUYV: "YUV422_8", YCbCr422UYVY: "YCbCr422_8_CbYCrY", YCbCr422YUYV: "YCbCr422_8",
}
