package sparkplug

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	pb "faird/publish/sparkplug/sparkplugpb"
)

// quality says how far a value is to be trusted, as the property Quality does
// (section 6.4.9); zero is a metric without it.
type quality uint32

const (
	bad   quality = 1 // 0 in the payload: there is no value
	good  quality = 192
	stale quality = 500
)

// metric is one value of the node or of a device.
type metric struct {
	name    string
	kind    pb.DataType
	value   any // bool, int64, float64, string, or nil: null
	at      time.Time
	quality quality
}

// maybe is the value behind a pointer, nil where there is none.
func maybe(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

// word is a text, nil where it is empty.
func word(s string) any {
	if s == "" {
		return nil
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// millis is a time as Sparkplug has it: milliseconds since 1970, UTC.
func millis(t time.Time) uint64 { return uint64(t.UnixMilli()) }

// moment is a time as a metric's value, nil where it is not known.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// same is whether a host would see no difference.
func (m metric) same(n metric) bool { return m.value == n.value && m.quality == n.quality }

// encode is the metric in a payload: with name, alias and datatype in a birth,
// else with the alias alone. Alias 0 is none.
func (m metric) encode(alias uint64, birth, historical bool) *pb.Payload_Metric {
	out := &pb.Payload_Metric{Timestamp: proto.Uint64(millis(m.at))}
	if alias > 0 {
		out.Alias = proto.Uint64(alias)
	}
	if birth || alias == 0 {
		out.Name = proto.String(m.name)
	}
	if birth {
		out.Datatype = proto.Uint32(uint32(m.kind))
	}
	if historical {
		out.IsHistorical = proto.Bool(true)
	}
	if m.quality != 0 {
		out.Properties = m.quality.property()
	}
	m.fill(out)
	return out
}

// fill sets the value in the form of its datatype (table in section 6.4.16).
func (m metric) fill(out *pb.Payload_Metric) {
	switch v := m.value.(type) {
	case bool:
		out.Value = &pb.Payload_Metric_BooleanValue{BooleanValue: v}
	case float64:
		out.Value = &pb.Payload_Metric_DoubleValue{DoubleValue: v}
	case string:
		out.Value = &pb.Payload_Metric_StringValue{StringValue: v}
	case int64:
		if m.kind == pb.DataType_Int32 || m.kind == pb.DataType_UInt32 {
			out.Value = &pb.Payload_Metric_IntValue{IntValue: uint32(v)}
			return
		}
		out.Value = &pb.Payload_Metric_LongValue{LongValue: uint64(v)}
	default:
		out.IsNull = proto.Bool(true)
	}
}

func (q quality) property() *pb.Payload_PropertySet {
	code := uint32(q)
	if q == bad {
		code = 0
	}
	return &pb.Payload_PropertySet{
		Keys: []string{"Quality"},
		Values: []*pb.Payload_PropertyValue{{
			Type:  proto.Uint32(uint32(pb.DataType_Int32)),
			Value: &pb.Payload_PropertyValue_IntValue{IntValue: code},
		}},
	}
}

// inTime orders metrics by their times, as the payload of a birth or of data
// must have them (section 5.13).
func inTime(metrics []metric) []metric {
	slices.SortStableFunc(metrics, func(a, b metric) int { return a.at.Compare(b.at) })
	return metrics
}

// aliases numbers metrics over the whole node, the same for as long as the
// process lives. The zero value is ready.
type aliases struct{ numbers map[label]uint64 }

// label is what a metric is known by; device is "" for the node's own.
type label struct{ device, name string }

func (a *aliases) of(device, name string) uint64 {
	if a.numbers == nil {
		a.numbers = map[label]uint64{}
	}
	if name == rebirth { // section 6.4.6: hosts ask for it without knowing a birth
		return 0
	}
	at := label{device, name}
	if a.numbers[at] == 0 {
		a.numbers[at] = uint64(len(a.numbers) + 1)
	}
	return a.numbers[at]
}

// name finds a device's metric by its number, "" where it has none such.
func (a *aliases) name(device string, number uint64) string {
	for l, n := range a.numbers {
		if n == number && l.device == device {
			return l.name
		}
	}
	return ""
}
