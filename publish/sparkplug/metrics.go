package sparkplug

import (
	"time"

	"faird/publish"
	pb "faird/publish/sparkplug/sparkplugpb"
	"faird/verdict"
)

// Names of the metrics that are more than figures.
const (
	bdSeq       = "bdSeq"
	rebirth     = "Node Control/Rebirth"
	nodeCommand = "Node Control/Command"
	nodeReply   = "Node Control/Reply"

	threshold = "Threshold"
	review    = "Review"
	modelName = "Model"
	pause     = "Device Control/Pause"
	save      = "Device Control/Save Pictures"
	command   = "Device Control/Command"
	reply     = "Device Control/Reply"

	counts = "Counts/"
	feed   = "Feed/"
)

// verdictMetrics are a verdict as its device's metrics. A nil verdict is none
// yet: all null and stale.
func verdictMetrics(v *verdict.Verdict) []metric {
	if v == nil {
		none := verdictMetrics(&verdict.Verdict{})
		for i := range none {
			none[i].value, none[i].at, none[i].quality = nil, time.Now(), stale
		}
		return none
	}
	score := good
	if v.Score == nil {
		score = bad
	}
	var trigger verdict.Trigger
	if v.Trigger != nil {
		trigger = *v.Trigger
	}
	list := []metric{
		{name: "Verdict/ID", kind: pb.DataType_String, value: word(v.ID)},
		{name: "Verdict/Result", kind: pb.DataType_String, value: word(string(v.Verdict))},
		{name: "Verdict/Reason", kind: pb.DataType_String, value: word(string(v.Reason))},
		{name: "Verdict/Detail", kind: pb.DataType_String, value: word(v.Detail)},
		{name: "Verdict/Score", kind: pb.DataType_Double, value: maybe(v.Score), quality: score},
		{name: "Verdict/Threshold", kind: pb.DataType_Double, value: maybe(v.Threshold)},
		{name: "Verdict/Review", kind: pb.DataType_Double, value: maybe(v.Review)},
		{name: "Verdict/Regions", kind: pb.DataType_Int32, value: int64(len(v.Regions))},
		{name: "Verdict/Sequence", kind: pb.DataType_Int64, value: int64(v.Sequence)},
		{name: "Verdict/Trigger", kind: pb.DataType_String, value: word(trigger.ID)},
		{name: "Verdict/Part", kind: pb.DataType_String, value: word(trigger.Part)},
		{name: "Verdict/Captured", kind: pb.DataType_DateTime, value: moment(v.Time.Captured.Time)},
		{name: "Verdict/Clock", kind: pb.DataType_String, value: word(string(v.Time.Clock))},
		{name: "Verdict/Model", kind: pb.DataType_String, value: word(v.Model)},
		{name: "Verdict/Durable", kind: pb.DataType_Boolean, value: v.Durable},
	}
	for i := range list {
		list[i].at = v.Time.Decided.Time
		if list[i].quality == 0 {
			list[i].quality = good
		}
	}
	return list
}

// staleSince is the same values, not to be trusted any more.
func staleSince(list []metric, at time.Time) []metric {
	out := make([]metric, len(list))
	for i, m := range list {
		m.quality, m.at = stale, at
		out[i] = m
	}
	return out
}

// stateMetrics are a station's state as its device's metrics.
func stateMetrics(s publish.StationState, at time.Time) []metric {
	c := s.Counts
	list := []metric{
		{name: "Ready", kind: pb.DataType_Boolean, value: s.Ready},
		{name: "Why", kind: pb.DataType_String, value: word(s.Why)},
		{name: threshold, kind: pb.DataType_Double, value: maybe(s.Threshold)},
		{name: "Threshold From", kind: pb.DataType_String, value: word(s.ThresholdFrom)},
		{name: review, kind: pb.DataType_Double, value: maybe(s.Review)},
		{name: modelName, kind: pb.DataType_String, value: word(s.Model)},
		{name: "Provider", kind: pb.DataType_String, value: word(s.Provider)},
		{name: "Trigger Mode", kind: pb.DataType_String, value: word(s.Trigger)},
		{name: "Camera/Connected", kind: pb.DataType_Boolean, value: s.Camera.Connected},
		{name: "Camera/Error", kind: pb.DataType_String, value: word(s.Camera.Error)},
		{name: pause, kind: pb.DataType_Boolean, value: s.Paused},
		{name: save, kind: pb.DataType_UInt32, value: int64(0)},
		{name: command, kind: pb.DataType_String, value: nil},
		{name: reply, kind: pb.DataType_String, value: nil},
		{name: counts + "Pass", kind: pb.DataType_UInt64, value: int64(c.Pass)},
		{name: counts + "Fail", kind: pb.DataType_UInt64, value: int64(c.Fail)},
		{name: counts + "Review", kind: pb.DataType_UInt64, value: int64(c.Review)},
		{name: counts + "No Read", kind: pb.DataType_UInt64, value: int64(c.NoRead)},
		{name: counts + "Frames", kind: pb.DataType_UInt64, value: int64(c.Frames)},
		{name: counts + "Dropped", kind: pb.DataType_UInt64, value: int64(c.Dropped)},
	}
	for i := range list {
		list[i].at = at
	}
	return list
}

// nodeMetrics are the box's own, without the birth's bdSeq and Rebirth.
func nodeMetrics(id publish.Identity, w verdict.Waiting, at time.Time) []metric {
	list := []metric{
		{name: "Properties/Site", kind: pb.DataType_String, value: id.Site},
		{name: "Properties/Box", kind: pb.DataType_String, value: id.Box},
		{name: "Properties/Version", kind: pb.DataType_String, value: word(id.Version)},
		{name: nodeCommand, kind: pb.DataType_String, value: nil},
		{name: nodeReply, kind: pb.DataType_String, value: nil},
		{name: "Storage Error", kind: pb.DataType_String, value: word(w.Error)},
		{name: feed + "Waiting", kind: pb.DataType_Int64, value: w.Rows},
		{name: feed + "Dropped", kind: pb.DataType_Int64, value: int64(w.Dropped)},
	}
	for i := range list {
		list[i].at = at
	}
	return list
}
