package camera

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"faird/config"
	"faird/config/redact"
)

// plan is a camera URL understood: how to make its source and how the frames
// of that source are to be treated.
type plan struct {
	name    string        // the URL without secrets, for logs and errors
	every   bool          // each picture must be judged: none is dropped for a newer one
	undated bool          // pictures have no moment of exposure: they count as taken when asked for
	mixed   bool          // images of different size and format may follow each other: they come from files
	onCall  bool          // pictures come when a part, a person or another system wants one: silence is no fault
	demand  chan struct{} // tells the source that a picture is wanted; nil where it gives them by itself
	latency time.Duration // from exposure to the picture's arrival
	pause   time.Duration // the longest the source waits on purpose between pictures
	closing time.Duration // how long closing may take; 0 is closeTimeout
	// source makes a source that starts after the first skip pictures, where
	// that means anything.
	source func(c config.Camera, skip uint64) source
}

// kinds are the URL schemes and how each is understood.
var kinds = map[string]func(u *url.URL, q *query) (plan, error){
	"file":    parseFolder,
	"video":   parseVideo,
	"v4l2":    parseV4L2,
	"rtsp":    parseRTSP,
	"rtsps":   parseRTSP,
	"http":    parseHTTP,
	"https":   parseHTTP,
	"csi":     parseCSI,
	"demo":    parseDemo,
	"genicam": parseGeniCam,
	"watch":   parseWatch,
	"upload":  parseUpload,
}

const gstreamerScheme = "gstreamer"

// parse understands a camera URL. Its errors name the part and the fix.
func parse(text string) (plan, error) {
	redact.LearnURL(text)
	name := redact.URL(text)
	scheme, rest, ok := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	if text == "" || !ok {
		return plan{}, fmt.Errorf("camera url %q has no scheme: write one of %s, for example file:///data/pictures", name, schemes())
	}
	var p plan
	var err error
	if scheme == gstreamerScheme {
		p, err = parseGStreamer(rest)
	} else {
		p, err = parseURL(scheme, text)
	}
	if err != nil {
		return plan{}, redact.Error(fmt.Errorf("camera url %q: %w", name, err))
	}
	p.name = name
	return p, nil
}

func parseURL(scheme, text string) (plan, error) {
	kind := kinds[scheme]
	if kind == nil {
		return plan{}, fmt.Errorf("unknown scheme %q: use one of %s", scheme, schemes())
	}
	u, err := url.Parse(text)
	if err := unparsable(text, u, err); err != nil {
		return plan{}, err
	}
	q := newQuery(scheme, u.RawQuery)
	p, err := kind(u, q)
	if err != nil {
		return plan{}, err
	}
	return p, q.finish()
}

func schemes() string {
	names := []string{gstreamerScheme + ":"}
	for name := range kinds {
		names = append(names, name+"://")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// localPath is the path of a URL that names something on this machine.
func localPath(u *url.URL) (string, error) {
	if u.Opaque != "" || (u.Host != "" && u.Host != "localhost") || !strings.HasPrefix(u.Path, "/") {
		return "", fmt.Errorf("the path must be absolute: write %s:///like/this, with three slashes", u.Scheme)
	}
	return u.Path, nil
}
