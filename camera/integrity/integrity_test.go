package integrity

import "testing"

func TestIntegrity(t *testing.T) {
	for _, sc := range []scenario{
		{name: "h264/tcp", serve: throughRelay, clips: []spec{{codec: "h264", images: 300}}, least: 0.9},
		{name: "mjpeg/tcp", serve: throughRelay, clips: []spec{{codec: "mjpeg", images: 300}}, least: 0.9},
		{name: "h265/tcp", serve: throughRelay, clips: []spec{{codec: "h265", images: 300}}, least: 0.9},
		{name: "h264/udp", serve: throughRelay, over: "?transport=udp", clips: []spec{{codec: "h264", images: 300}}},
		{name: "mjpeg/udp", serve: throughRelay, over: "?transport=udp", clips: []spec{{codec: "mjpeg", images: 300}}},
		{name: "h264/udp/1%", serve: throughRelay, udp: impairment{drop: 0.01}, over: "?transport=udp", clips: []spec{{codec: "h264", images: 300}}},
	} {
		t.Run(sc.name, func(t *testing.T) {
			sc.run(t)
		})
	}
}
