package sparkplug

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// sentSince lists the topics of what was published after the first n messages.
func sentSince(r *rig, n int) []string {
	var out []string
	for _, p := range packetsOf[*packets.PublishPacket](r.tap)[n:] {
		out = append(out, p.TopicName)
	}
	return out
}

func published(r *rig) int { return len(packetsOf[*packets.PublishPacket](r.tap)) }

func TestVerdictIsOneMessage(t *testing.T) {
	r := up(t, config.Sparkplug{})
	n := published(r)
	v := newVerdict("cap", 41, verdict.Fail)
	v.Trigger = &verdict.Trigger{ID: "t-1", Part: "A-1009"}
	r.Verdict(v, r.feed.commit(v))
	r.delivered()
	eventually(t, "the verdict", func() bool { return len(r.host.ids("cap", false)) == 1 })
	if got := sentSince(r, n); !slices.Equal(got, []string{"spBv1.0/plant1/DDATA/edge7/cap"}) {
		t.Errorf("published on %v, want one DDATA", got)
	}
	for name, want := range map[string]any{
		"Verdict/ID": v.ID, "Verdict/Result": "fail", "Verdict/Reason": nil, "Verdict/Score": 0.1, "Verdict/Threshold": 0.14,
		"Verdict/Sequence": int64(41), "Verdict/Trigger": "t-1", "Verdict/Part": "A-1009", "Verdict/Regions": int64(0),
		"Verdict/Captured": v.Time.Captured.UnixMilli(), "Verdict/Model": "sha256:m", "Verdict/Clock": "synchronised",
	} {
		if got := r.host.tag("cap", name); got.value != want || got.quality != 192 || got.at.UnixMilli() != v.Time.Decided.UnixMilli() {
			t.Errorf("%s is %+v, want %v, good, as of its decision", name, got, want)
		}
	}
	r.host.content()
}

func TestOnlyWhatChangesIsSent(t *testing.T) {
	r := up(t, config.Sparkplug{})
	n := published(r)
	for range 5 {
		r.SetStation("cap", state(true))
		r.SetStation("lid", state(true))
		time.Sleep(50 * time.Millisecond)
	}
	r.SetStations([]string{"cap", "lid"})
	time.Sleep(1200 * time.Millisecond) // over a tick
	if got := sentSince(r, n); len(got) > 0 {
		t.Errorf("nothing changed, but this was published: %v", got)
	}
	s := state(true)
	s.Provider = "cuda"
	r.SetStation("lid", s)
	eventually(t, "the change", func() bool { return r.host.tag("lid", "Provider").value == "cuda" })
	data := r.host.all("DDATA")
	if len(data) != 1 || data[0].device != "lid" || len(data[0].payload.GetMetrics()) != 1 {
		t.Errorf("%v, want the one metric that changed", data)
	}
	r.host.content()
}

func TestCountsAreSentOnceASecond(t *testing.T) {
	r := up(t, config.Sparkplug{})
	n := published(r)
	began := time.Now()
	for i := range 200 {
		s := state(true)
		s.Counts.Pass = uint64(i + 1)
		r.SetStation("cap", s)
		time.Sleep(2 * time.Millisecond)
	}
	eventually(t, "the newest count", func() bool { return r.host.tag("cap", "Counts/Pass").value == int64(200) })
	if got, most := len(sentSince(r, n)), 2+int(time.Since(began)/time.Second); got > most {
		t.Errorf("%d messages for counts in %s, want at most %d", got, time.Since(began), most)
	}
	r.host.content()
}

func TestQualityOfValues(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.decide("cap", verdict.Pass)
	eventually(t, "the verdict", func() bool { return r.host.tag("cap", "Verdict/Result").value == "pass" })
	if q := r.host.tag("cap", "Verdict/Score").quality; q != 192 {
		t.Errorf("the score of a pass has the quality %d, want 192", q)
	}
	r.SetStation("cap", state(false))
	eventually(t, "stale values", func() bool { return r.host.tag("cap", "Verdict/Score").quality == 500 })
	if got := r.host.tag("cap", "Verdict/Result"); got.value != "pass" || got.quality != 500 {
		t.Errorf("%+v of a station that is not ready, want the value as it was, stale", got)
	}
	r.decide("cap", verdict.NoRead)
	eventually(t, "the no_read", func() bool { return r.host.tag("cap", "Verdict/Result").value == "no_read" })
	if got := r.host.tag("cap", "Verdict/Score"); got.value != nil || got.quality != 0 {
		t.Errorf("the score of a no_read is %+v, want null, bad", got)
	}
	if got := r.host.tag("cap", "Verdict/Reason"); got.value != "no_frame" || got.quality != 192 {
		t.Errorf("the reason of a no_read is %+v, want no_frame, good", got)
	}
	r.host.content()
}

func TestRebirth(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.decide("cap", verdict.Fail)
	r.delivered()
	for range 2 {
		births := len(r.host.all("NBIRTH"))
		devices := len(r.host.all("DBIRTH"))
		n := published(r)
		r.host.write("", write(rebirth, true))
		eventually(t, "the births", func() bool {
			return len(r.host.all("NBIRTH")) == births+1 && len(r.host.all("DBIRTH")) == devices+2
		})
		kinds := sentSince(r, n)
		if !strings.Contains(kinds[0], "NBIRTH") || !strings.Contains(kinds[1], "DBIRTH") || !strings.Contains(kinds[2], "DBIRTH") {
			t.Errorf("sent %v, want births and nothing between", kinds)
		}
	}
	if got := r.host.tag("", "bdSeq").value; got != int64(0) {
		t.Errorf("bdSeq %v, want that of the CONNECT", got)
	}
	if got := r.host.tag("cap", "Verdict/Result"); got.value != "fail" || got.quality != 192 {
		t.Errorf("%+v, want the current verdict", got)
	}
	id := r.decide("cap", verdict.Pass)
	eventually(t, "data after the rebirth", func() bool { return r.host.tag("cap", "Verdict/ID").value == id })
	r.host.content()
}

// Sequence numbers and aliases hold while rebirths are asked for in the midst of data.
func TestRebirthWhileDataFlows(t *testing.T) {
	r := up(t, config.Sparkplug{})
	var ids []string
	for i := range 100 {
		ids = append(ids, r.decide("cap", verdict.Pass))
		if i%20 == 0 {
			r.host.write("", write(rebirth, true))
		}
		time.Sleep(time.Millisecond)
	}
	r.delivered()
	eventually(t, "every verdict", func() bool { return len(r.host.ids("cap", false)) >= 100 })
	if got := r.host.ids("cap", false); !slices.Equal(got, ids) {
		t.Errorf("%d verdicts came, want the %d decided, in order", len(got), len(ids))
	}
	r.host.content()
}

func TestDevicesComeAndGo(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.SetStations([]string{"cap", "seal"})
	eventually(t, "the death of lid", func() bool { return !r.host.online("lid") })
	if got := r.host.tag("lid", "Ready"); !got.stale {
		t.Errorf("%+v of a dead device, want it stale", got)
	}
	v := newVerdict("seal", 1, verdict.Pass) // decided before its state is known
	r.Verdict(v, r.feed.commit(v))
	time.Sleep(50 * time.Millisecond)
	r.SetStation("seal", state(true))
	eventually(t, "the verdict of seal", func() bool { return slices.Contains(r.host.ids("seal", false), v.ID) })
	eventually(t, "commands of seal", func() bool {
		var topics []string
		for _, p := range packetsOf[*packets.SubscribePacket](r.tap) {
			topics = append(topics, p.Topics...)
		}
		return slices.Contains(topics, "spBv1.0/plant1/DCMD/edge7/seal")
	})
	lost := newVerdict("lid", 1, verdict.Pass) // of a device that is dead: it waits
	r.Verdict(lost, r.feed.commit(lost))
	time.Sleep(100 * time.Millisecond)
	if r.feed.len() != 1 {
		t.Errorf("%d verdicts wait, want the one of the dead device", r.feed.len())
	}
	r.SetStation("lid", state(true))
	r.SetStations([]string{"cap", "seal", "lid"})
	eventually(t, "the verdict of lid, late", func() bool { return slices.Contains(r.host.ids("lid", true), lost.ID) })
	r.delivered()
	r.host.content()
}

func TestNodeData(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.answer(publish.Reply{ID: "1", OK: true})
	eventually(t, "the reply", func() bool { v, _ := r.host.tag("", nodeReply).value.(string); return strings.Contains(v, `"id":"1"`) })
	data := r.host.all("NDATA")
	if len(data) != 1 || len(data[0].payload.GetMetrics()) != 1 {
		t.Errorf("%v, want one metric", data)
	}
	r.host.content()
}
