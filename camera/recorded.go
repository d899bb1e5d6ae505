package camera

import (
	"regexp"
	"slices"
	"strings"
)

// fromFiles are the schemes whose pictures were taken before they are read.
var fromFiles = []string{"file", "video", "watch", "upload"}

// noiseless are GStreamer's elements that give pictures without a sensor.
var noiseless = regexp.MustCompile(`\b(multi)?filesrc\b|\bvideotestsrc\b|\bsplitmuxsrc\b`)

// Recorded says whether the same picture may come from a camera URL again and
// again with nothing being wrong: there is no sensor whose noise would make each
// one different.
func Recorded(url string) bool {
	scheme, rest, _ := strings.Cut(url, ":")
	if scheme = strings.ToLower(scheme); scheme == gstreamerScheme {
		return noiseless.MatchString(rest)
	}
	return slices.Contains(fromFiles, scheme)
}
