package sparkplug

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	pb "faird/publish/sparkplug/sparkplugpb"
	"faird/verdict"
)

// death is the payload of NDEATH: the bdSeq of this connection's CONNECT, and
// no sequence number, since the broker may be who sends it (section 6.4.25).
func (s *session) death() []byte {
	now := time.Now()
	payload, err := proto.Marshal(&pb.Payload{
		Timestamp: proto.Uint64(millis(now)),
		Metrics: []*pb.Payload_Metric{{
			Name: proto.String(bdSeq), Timestamp: proto.Uint64(millis(now)), Datatype: proto.Uint32(uint32(pb.DataType_Int64)),
			Value: &pb.Payload_Metric_LongValue{LongValue: uint64(s.bdSeq)},
		}},
	})
	if err != nil {
		panic("sparkplug: a death certificate does not marshal: " + err.Error())
	}
	return payload
}

// birth opens the session, or answers a request for rebirth: the node's
// certificate and those of all its devices, before anything else is sent.
func (s *session) birth(ctx context.Context) error {
	devices := s.present()
	fresh := slices.DeleteFunc(slices.Clone(devices), func(name string) bool { return s.born[name] != nil })
	if err := s.listen(ctx, fresh, true); err != nil {
		return err
	}
	s.seq = 0
	now := time.Now()
	s.mu.Lock()
	s.node = s.nodeNow(now)
	list := []metric{
		{name: bdSeq, kind: pb.DataType_Int64, value: int64(s.bdSeq), at: now},
		{name: rebirth, kind: pb.DataType_Boolean, value: false, at: now},
	}
	encoded := s.encode("", append(list, s.node...), true, false)
	s.mu.Unlock()
	s.publish(s.topics.of(nbirth), encoded)
	s.figures = now
	s.born = map[string]*device{}
	for _, name := range devices {
		s.deviceBirth(name)
	}
	s.opened()
	s.log.Info().Uint8("bdSeq", s.bdSeq).Strs("devices", devices).Msg("Sparkplug births sent")
	return nil
}

// opened has live verdicts taken, and tells the drain who is alive.
func (s *session) opened() {
	alive := map[string]bool{}
	for name := range s.born {
		alive[name] = true
	}
	s.alive.Store(&alive)
	s.rescan.Store(true)
	s.mu.Lock()
	s.queue.open = true
	s.status.Born = true
	s.mu.Unlock()
}

// present lists the stations that can be born: in the config, state known.
func (s *session) present() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, name := range s.names {
		if row := s.stations[name]; row != nil && row.state != nil {
			out = append(out, name)
		}
	}
	return out
}

// listen subscribes to the commands of devices before they are born, or ends that.
func (s *session) listen(ctx context.Context, devices []string, on bool) error {
	if len(devices) == 0 {
		return nil
	}
	filters := map[string]byte{}
	for _, name := range devices {
		filters[s.topics.device(dcmd, name)] = 1
	}
	if on {
		return s.hearOf(ctx, filters)
	}
	return s.wait(ctx, s.line.Client.Unsubscribe(slices.Collect(maps.Keys(filters))...), "unsubscription")
}

// follow lets devices be born and die as stations come and go.
func (s *session) follow(ctx context.Context) error {
	present := s.present()
	var come, gone []string
	for _, name := range present {
		if s.born[name] == nil {
			come = append(come, name)
		}
	}
	for name := range s.born {
		if !slices.Contains(present, name) {
			gone = append(gone, name)
		}
	}
	if len(come)+len(gone) == 0 {
		return nil
	}
	for _, name := range gone {
		s.deviceDeath(name)
	}
	err := s.listen(ctx, gone, false)
	if err == nil {
		err = s.listen(ctx, come, true)
	}
	if err != nil {
		return err
	}
	for _, name := range come {
		s.deviceBirth(name)
	}
	s.opened()
	return nil
}

// deviceBirth sends every metric that the device will ever report on.
func (s *session) deviceBirth(name string) {
	s.recall(name)
	now := time.Now()
	s.mu.Lock()
	row := s.stations[name]
	d := &device{sent: map[string]metric{}, verdict: row.verdict, ready: row.state.Ready, stale: !row.state.Ready}
	list := row.metrics(d, now)
	row.dirty = false
	for _, m := range list {
		d.sent[m.name] = m
	}
	encoded := s.encode(name, list, true, false)
	s.mu.Unlock()
	s.born[name] = d
	s.publish(s.topics.device(dbirth, name), encoded)
}

// recall looks up a station's newest verdict from before this process.
func (s *session) recall(name string) {
	s.mu.Lock()
	known := s.stations[name].verdict != nil
	s.mu.Unlock()
	if known {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), idle)
	defer cancel()
	payload, err := s.feed.Last(ctx, name)
	var v verdict.Verdict
	if err == nil && payload != nil {
		err = json.Unmarshal(payload, &v)
	}
	if err != nil {
		s.log.Warn().Err(err).Str("station", name).Msg("the newest verdict cannot be read")
	}
	if err != nil || payload == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.stations[name]; row.verdict == nil {
		row.verdict = verdictMetrics(&v)
	}
}

func (s *session) deviceDeath(name string) {
	delete(s.born, name)
	s.publish(s.topics.device(ddeath, name), nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.names, name) {
		delete(s.stations, name)
	}
}

// metrics is all of a station as its device has it; under Node.mu.
func (r *station) metrics(d *device, now time.Time) []metric {
	v := d.verdict
	if v == nil {
		v = verdictMetrics(nil)
	}
	if d.stale {
		v = staleSince(v, now)
	}
	list := append(slices.Clone(v), stateMetrics(*r.state, now)...)
	for i := range list {
		if list[i].name == reply {
			list[i].value = word(r.reply)
		}
	}
	return list
}

// nodeNow is the node's own metrics; under Node.mu.
func (s *session) nodeNow(now time.Time) []metric {
	list := nodeMetrics(s.id, s.feed.Waiting(), now)
	for i := range list {
		if list[i].name == nodeReply {
			list[i].value = word(s.reply)
		}
	}
	return list
}

// encode is the metrics of a payload, in order of time; under Node.mu.
func (s *session) encode(device string, list []metric, birth, historical bool) []*pb.Payload_Metric {
	out := make([]*pb.Payload_Metric, 0, len(list))
	for _, m := range inTime(slices.Clone(list)) {
		out = append(out, m.encode(s.aliases.of(device, m.name), birth, historical))
	}
	return out
}
