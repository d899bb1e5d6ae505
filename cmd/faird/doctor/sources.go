package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"faird/camera/aravis"
	"faird/camera/gst"
)

// elements of GStreamer that cameras need, and what for.
var gstElements = []struct{ name, serves string }{
	{"appsink", "every pipeline"},
	{"videoconvert", "every pipeline"},
	{"rtspsrc", "RTSP over UDP"},
	{"jpegdec", "Motion JPEG over UDP"},
	{"avdec_h264", "H.264 over UDP"},
	{"openh264dec", "H.264 over UDP"},
	{"v4l2src", "USB cameras by pipeline"},
	{"aravissrc", "GenICam cameras by pipeline"},
	{"nvarguscamerasrc", "csi:// on a Jetson"},
}

func (d *Doctor) checkGStreamer(context.Context) []Finding {
	if err := gst.Load(); err != nil {
		if d.uses("gstreamer", "csi") {
			return []Finding{fail(err.Error(), "apt install gstreamer1.0-plugins-base gstreamer1.0-plugins-good")}
		}
		return []Finding{warn(err.Error(), "csi:// and gstreamer: cameras, and RTSP over UDP, need it")}
	}
	var has, lacks []string
	for _, e := range gstElements {
		if gst.Has(e.name) {
			has = append(has, e.name)
		} else {
			lacks = append(lacks, e.name+" ("+e.serves+")")
		}
	}
	f := ok("has " + strings.Join(has, ", "))
	if lacks != nil {
		f.Finding += "; has not " + strings.Join(lacks, ", ")
	}
	return []Finding{f.with(map[string][]string{"has": has, "lacks": lacks})}
}

func (d *Doctor) checkV4L2(context.Context) []Finding {
	devices := v4l2Devices("/sys/class/video4linux", "/dev")
	if devices == nil {
		if d.uses("v4l2") {
			return []Finding{fail("no video device", "check the cable, and that the camera's driver is loaded: dmesg | tail")}
		}
		return []Finding{ok("no video device")}
	}
	return devices
}

// v4l2Devices finds the kernel's video devices.
func v4l2Devices(sys, dev string) (list []Finding) {
	paths, _ := filepath.Glob(filepath.Join(sys, "video*"))
	for _, p := range paths {
		device := filepath.Join(dev, filepath.Base(p))
		name, err := os.ReadFile(filepath.Join(p, "name"))
		what := fmt.Sprintf("%s: %s", device, strings.TrimSpace(string(name)))
		switch access := unix.Access(device, unix.R_OK|unix.W_OK); {
		case err != nil:
			continue
		case errors.Is(access, unix.EACCES):
			list = append(list, warn(what+": this user may not open it", "add faird's user to the group video"))
		case access != nil:
			list = append(list, warn(fmt.Sprintf("%s: %v", what, access), "the device file is missing: is /dev passed into the container?"))
		default:
			list = append(list, ok(what))
		}
	}
	return list
}

// leastSocketBuffer holds a 5-megapixel 8-bit picture.
const leastSocketBuffer = 5 << 20

func (d *Doctor) checkGeniCam(context.Context) []Finding {
	devices, err := aravis.List()
	if err != nil {
		if d.uses("genicam") {
			return []Finding{fail(err.Error(), "apt install libaravis-0.8-0")}
		}
		return []Finding{ok("no Aravis, which genicam:// alone needs")}
	}
	if len(devices) == 0 {
		return []Finding{ok("no GigE Vision or USB3 Vision camera answers")}
	}
	var list []Finding
	network := false
	for _, c := range devices {
		network = network || c.Protocol == "GigEVision"
		list = append(list, ok(fmt.Sprintf("genicam://%s: %s %s, %s, serial number %s, at %s", strings.ReplaceAll(c.ID, " ", "%20"), c.Vendor, c.Model, c.Protocol, c.Serial, c.Address)).with(c))
	}
	if limit := socketBufferLimit(); network && limit < leastSocketBuffer {
		list = append(list, warn(fmt.Sprintf("the kernel lets a socket hold %d bytes, less than a large picture: packets are lost when the machine is busy", limit),
			fmt.Sprintf("sysctl -w net.core.rmem_max=%d, and for good in /etc/sysctl.d/", 4*leastSocketBuffer)))
	}
	return list
}

func socketBufferLimit() int {
	text, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		return leastSocketBuffer
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return leastSocketBuffer
	}
	return n
}
