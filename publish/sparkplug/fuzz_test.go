package sparkplug

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/config"
	"faird/publish"
	pb "faird/publish/sparkplug/sparkplugpb"
)

// FuzzReceive holds that no message makes a node fall over, and that what it
// hands on as a command is one.
func FuzzReceive(f *testing.F) {
	seed := func(metrics ...*pb.Payload_Metric) {
		payload, err := proto.Marshal(&pb.Payload{Metrics: metrics})
		if err != nil {
			f.Fatal(err)
		}
		f.Add("cap", payload)
		f.Add("", payload)
	}
	seed()
	seed(&pb.Payload_Metric{Name: proto.String(rebirth), Value: &pb.Payload_Metric_BooleanValue{BooleanValue: true}})
	seed(&pb.Payload_Metric{Name: proto.String(threshold), Value: &pb.Payload_Metric_DoubleValue{DoubleValue: 0.1}},
		&pb.Payload_Metric{Name: proto.String(review), IsNull: proto.Bool(true)})
	seed(&pb.Payload_Metric{Name: proto.String(save), Value: &pb.Payload_Metric_LongValue{LongValue: 1 << 63}})
	seed(&pb.Payload_Metric{Alias: proto.Uint64(3), Value: &pb.Payload_Metric_StringValue{StringValue: "x"}})
	f.Add("cap", []byte("text"))
	f.Fuzz(func(t *testing.T, device string, payload []byte) {
		w := &wire{}
		n, err := New(config.Sparkplug{}, testBox, &memoryFeed{}, w, nop)
		if err != nil {
			t.Fatal(err)
		}
		n.SetStations([]string{"cap"})
		topic := n.topics.of(ncmd)
		if device != "" {
			topic = n.topics.device(dcmd, device)
		}
		n.receive(&incoming{topic: topic, payload: payload})
		for _, c := range w.obeyed() {
			switch c.Command {
			case publish.CommandThreshold, publish.CommandModel, publish.CommandPause, publish.CommandResume, publish.CommandSave:
			default:
				t.Errorf("%q is handed on as a command", c.Command)
			}
			if c.Check(device) != nil {
				t.Errorf("%+v is handed on", c)
			}
		}
	})
}

// FuzzState holds the same of a host application's STATE.
func FuzzState(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"online":true,"timestamp":1}`, `{"online":1}`, `{"online":false,"timestamp":-9223372036854775808}`, "OFFLINE", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var h host
		if err := h.hear(payload); err != nil && h.online {
			t.Error("a message that is ignored brings the host online")
		}
	})
}
