package camera

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// csiLatency covers the Jetson's image processor at 30 pictures a second.
const csiLatency = 150 * time.Millisecond

// parseCSI understands csi://0?width=&height=&fps=&flip=: the camera on a
// Jetson's CSI connector, through NVIDIA's own GStreamer elements.
func parseCSI(u *url.URL, q *query) (plan, error) {
	sensor, err := strconv.Atoi(u.Host)
	if err != nil || sensor < 0 || sensor > 15 || u.Path != "" {
		return plan{}, fmt.Errorf("sensor %q: write csi://0 for the first CSI connector, csi://1 for the next", u.Host+u.Path)
	}
	want := mode{
		width:  q.whole("width", 1920, 16, 16384),
		height: q.whole("height", 1080, 16, 16384),
		fps:    float64(q.whole("fps", 30, 1, 1000)),
	}
	g := gstreamer{pipeline: csiPipeline(sensor, q.whole("flip", 0, 0, 7), want)}
	return plan{
		latency: q.duration("latency", csiLatency, maxLatency),
		closing: gstreamerClosing,
		source:  checking(want, g.make),
	}, nil
}

// csiPipeline takes the sensor's mode that fits from NVIDIA's argus, brings it out
// of the GPU's memory (NVMM) and to BGR, and keeps the newest picture. flip is
// nvvidconv's: 2 is upside down.
func csiPipeline(sensor, flip int, m mode) string {
	return fmt.Sprintf("nvarguscamerasrc sensor-id=%d ! "+
		"video/x-raw(memory:NVMM),width=(int)%d,height=(int)%d,framerate=(fraction)%d/1,format=(string)NV12 ! "+
		"nvvidconv flip-method=%d ! video/x-raw,format=(string)BGRx ! "+
		"videoconvert ! video/x-raw,format=(string)BGR ! appsink name="+sinkName+" drop=true max-buffers=1 sync=false",
		sensor, m.width, m.height, int(m.fps), flip)
}
