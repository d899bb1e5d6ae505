package integrity

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rates of damage of the long plan; each is a probability for every datagram.
func rates() (out []float64) {
	for text := range strings.SplitSeq(*ratesFlag, ",") {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || percent < 0 || percent > 100 {
			panic("-rates " + *ratesFlag + ": write percents, for example 0.1,10")
		}
		out = append(out, percent/100)
	}
	return out
}

// kinds of damage to datagrams.
var kinds = []struct {
	name string
	at   func(rate float64) impairment
}{
	{"drop", func(r float64) impairment { return impairment{drop: r} }},
	{"reorder", func(r float64) impairment { return impairment{reorder: r} }},
	{"duplicate", func(r float64) impairment { return impairment{duplicate: r} }},
	{"flip", func(r float64) impairment { return impairment{flip: r} }},
}

func everything(r float64) impairment {
	return impairment{drop: r, reorder: r, duplicate: r, flip: r}
}

var codecs = []string{"mjpeg", "h264", "h265"}

// plan is what is streamed; images is how many each scenario has at least.
type plan struct{ images int }

// main is the clip that most scenarios of a codec share.
func (p plan) main(codec string) spec { return spec{codec: codec, images: p.images} }

// short runs in CI.
func (p plan) short() (all []scenario) {
	for _, codec := range codecs {
		all = append(all,
			scenario{name: codec + "/tcp", serve: throughRelay, clips: []spec{p.main(codec)}, least: 0.9},
			scenario{name: codec + "/udp/everything 1%", serve: throughRelay, udp: true, clips: []spec{p.main(codec)}, damage: everything(0.01)},
			scenario{name: codec + "/gstreamer/udp/drop 2%", serve: throughGStreamer, udp: true, clips: []spec{p.main(codec)}, damage: impairment{drop: 0.02}},
		)
	}
	all = append(all, p.styles(0.01)...)
	all = append(all, p.connections()...)
	all = append(all, p.changes()...)
	return append(all, p.parts()...)
}

// long adds every kind of damage at every rate.
func (p plan) long() (all []scenario) {
	for _, codec := range codecs {
		for _, kind := range kinds {
			for _, rate := range rates() {
				all = append(all, scenario{
					name: fmt.Sprintf("%s/udp/%s %g%%", codec, kind.name, 100*rate), serve: throughRelay, udp: true,
					clips: []spec{p.main(codec)}, damage: kind.at(rate), table: cell{codec, kind.name, rate},
				})
			}
		}
		all = append(all, scenario{name: codec + "/gstreamer/tcp", serve: throughGStreamer, clips: []spec{p.main(codec)}, least: 0.9})
	}
	for _, rate := range rates() {
		all = append(all, p.styles(rate)...)
	}
	known := map[string]bool{}
	return slices.DeleteFunc(append(all, p.short()...), func(sc scenario) bool {
		again := known[sc.name]
		known[sc.name] = true
		return again
	})
}

// longOf is a long plan of at least so many images.
func longOf(images int) []scenario {
	for length := 2 * gop; ; length++ {
		all, total := plan{length}.long(), 0
		for _, sc := range all {
			for _, s := range sc.clips {
				total += s.images
			}
		}
		if total >= images {
			return all
		}
	}
}

// styles are other ways to code H.264 and H.265.
func (p plan) styles(rate float64) (all []scenario) {
	for _, codec := range []string{"h264", "h265"} {
		for style := range styles[codec] {
			if style == "" {
				continue
			}
			all = append(all, scenario{
				name: fmt.Sprintf("%s %s/udp/drop %g%%", codec, style, 100*rate), serve: throughRelay, udp: true,
				clips: []spec{{codec: codec, style: style, images: p.images}}, damage: impairment{drop: rate},
			})
		}
	}
	slices.SortFunc(all, func(a, b scenario) int { return strings.Compare(a.name, b.name) })
	return all
}

// connections break in the middle of images.
func (p plan) connections() (all []scenario) {
	for _, codec := range codecs {
		all = append(all, scenario{name: codec + "/tcp/cut", serve: throughRelay, clips: []spec{p.main(codec)}, tcp: tcpFault{after: 300_000}})
	}
	return append(all, scenario{name: "h264/tcp/stall", serve: throughRelay, clips: []spec{p.main("h264")}, tcp: tcpFault{after: 500_000, stall: true}})
}

// changes are those of resolution, chroma subsampling and codec: with a new
// connection, and within one.
func (p plan) changes() (all []scenario) {
	const images = gop + gop/2
	form := func(codec, pixels string, width, height int) spec {
		return spec{codec: codec, pixels: pixels, width: width, height: height, images: images}
	}
	for _, codec := range []string{"h264", "h265"} {
		sizes := []spec{form(codec, "", 320, 240), form(codec, "", 640, 480), form(codec, "", 400, 304)}
		chroma := []spec{form(codec, "yuv420p", 320, 240), form(codec, "yuv444p", 320, 240), form(codec, "yuv422p", 320, 240)}
		all = append(all,
			scenario{name: codec + "/tcp/other resolution", serve: throughRelay, clips: sizes, joined: true, each: true},
			scenario{name: codec + "/tcp/other chroma", serve: throughRelay, clips: chroma, joined: true, each: true},
			scenario{name: codec + "/tcp/restarts with other resolution", serve: throughRelay, clips: sizes, each: true},
			scenario{name: codec + "/tcp/restarts with other chroma", serve: throughRelay, clips: chroma, each: true},
		)
	}
	jpegs := []spec{form("mjpeg", "yuvj420p", 320, 240), form("mjpeg", "yuvj422p", 320, 240), form("mjpeg", "yuvj420p", 640, 480)}
	for i := range jpegs {
		jpegs[i].style = "libjpeg"
	}
	mixed := []spec{form("h264", "", 320, 240), form("h265", "", 320, 240), form("mjpeg", "", 640, 480), form("h264", "yuv444p", 320, 240)}
	return append(all,
		scenario{name: "mjpeg/tcp/other resolution and chroma", serve: throughRelay, clips: jpegs, joined: true, each: true},
		scenario{name: "tcp/restarts with another codec", serve: throughRelay, clips: mixed, each: true},
		scenario{name: "udp/restarts with another codec", serve: throughRelay, udp: true, clips: mixed, each: true},
		scenario{
			name: "mjpeg/http/restarts with other resolution and chroma", serve: throughHTTP, each: true,
			clips: append(jpegs, form("mjpeg", "yuvj444p", 320, 240)),
		},
	)
}

// parts are those of Motion JPEG over HTTP.
func (p plan) parts() []scenario {
	of := func(name string, fault partFault) scenario {
		return scenario{name: "mjpeg/http/" + name, serve: throughHTTP, clips: []spec{p.main("mjpeg")}, parts: fault}
	}
	whole := of("whole", partFault{})
	whole.least = 0.9
	return []scenario{
		whole,
		of("cut", partFault{0.05, cut}),
		of("stall", partFault{0.02, stall}),
		of("truncated", partFault{0.2, cutShort}),
		of("truncated, length as sent", partFault{0.2, cutShortUnnoticed}),
		of("bytes missing", partFault{0.2, hole}),
		of("wrong length", partFault{0.2, lie}),
	}
}

// altered are scenarios in which the data are changed and every checksum and length
// is right, as if the camera had made the mistake. No receiver can notice all of
// that.
func (p plan) altered() (all []scenario) {
	for _, codec := range codecs {
		for _, rate := range []float64{0.001, 0.01} {
			all = append(all, scenario{
				name: fmt.Sprintf("%s/udp/altered %g%%", codec, 100*rate), serve: throughRelay, udp: true,
				clips: []spec{p.main(codec)}, damage: impairment{flip: rate, deliver: true}, lax: true,
			})
		}
	}
	for name, how := range map[string]damagePart{"altered": alter, "bytes missing, length as sent": holeUnnoticed} {
		all = append(all, scenario{
			name: "mjpeg/http/" + name, serve: throughHTTP, clips: []spec{p.main("mjpeg")}, parts: partFault{0.2, how}, lax: true,
		})
	}
	return all
}

// cell is a place in the table of shares.
type cell struct {
	codec, kind string
	rate        float64
}
