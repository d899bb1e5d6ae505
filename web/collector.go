package web

import (
	"github.com/prometheus/client_golang/prometheus"

	"faird/pipeline"
	"faird/publish"
)

// collector reads the box's figures when Prometheus asks.
type collector struct{ server *Server }

func newCollector(s *Server) collector { return collector{s} }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("faird_"+name, help, labels, nil)
}

var (
	infoDesc      = desc("info", "The box; always 1.", "site", "box", "version")
	verdictsDesc  = desc("verdicts_total", "Verdicts since the start.", "station", "verdict")
	framesDesc    = desc("frames_total", "Frames read from the camera.", "station")
	droppedDesc   = desc("frames_dropped_total", "Frames never judged, because a fresher one came.", "station")
	faultsDesc    = desc("frame_faults_total", "Frames that could not be judged, by kind of fault.", "station", "fault")
	readyDesc     = desc("station_ready", "1 while the station judges.", "station")
	cameraDesc    = desc("camera_connected", "1 while the camera gives frames.", "station")
	fpsDesc       = desc("camera_fps", "Frames a second, measured.", "station")
	thresholdDesc = desc("threshold", "Scores from here on fail.", "station")
	modelDesc     = desc("model_info", "The model in use; always 1.", "station", "model", "provider", "threshold_from")

	shadowDesc    = desc("shadow_works", "1 while the model in shadow judges, 0 where it cannot; absent without one.", "station", "name", "model")
	judgedDesc    = desc("shadow_judged_total", "Pictures that the model in shadow has judged.", "station")
	leftOutDesc   = desc("shadow_skipped_total", "Pictures left out, because the line needed the time.", "station")
	otherwiseDesc = desc("shadow_otherwise_total", "Pictures that the model in shadow has judged otherwise than the station.", "station")
	trainingDesc  = desc("training", "1 while a model is trained beside the line.")

	brokerDesc     = desc("broker_connected", "1 while the broker is connected.")
	reconnectsDesc = desc("broker_reconnects_total", "Connections to the broker lost.")
	builtinDesc    = desc("builtin_broker_serves", "1 while the built-in broker serves clients: a message of its own comes back over its listener.")
	tripDesc       = desc("builtin_broker_round_trip_seconds", "Of the built-in broker's last look at itself: connect, subscribe, publish, receive.")
	acceptDesc     = desc("builtin_broker_accept_failures_total", "Connections that the built-in broker could not accept.")
	limitDesc      = desc("builtin_broker_limit", "The built-in broker's limits (mqtt.builtin.limits), in bytes, seconds or numbers.", "limit")
	usedDesc       = desc("builtin_broker_used", "How much is in use of those limits that bound what is kept.", "limit")
	reachedDesc    = desc("builtin_broker_limit_reached_total", "How often each limit was reached.", "limit")
	outboxDesc     = desc("outbox_verdicts", "Verdicts that wait for the broker.")
	outboxAgeDesc  = desc("outbox_oldest_timestamp_seconds", "When the oldest of them was decided; 0 where none waits.")
	givenUpDesc    = desc("outbox_dropped_total", "Undelivered verdicts given up.")
	refusesDesc    = desc("store_refuses", "1 while the disk refuses verdicts.")
	storeDesc      = desc("store_bytes", "Bytes of the database in use.")
	storeMaxDesc   = desc("store_max_bytes", "Bytes the database may have.")

	picturesDesc   = desc("archive_pictures", "Verdicts whose pictures are kept.")
	archiveDesc    = desc("archive_bytes", "Bytes of the pictures.")
	archiveMaxDesc = desc("archive_max_bytes", "Bytes the pictures may have.")
	skippedDesc    = desc("archive_skipped_total", "Pictures worth keeping that were not.")
	freeDesc       = desc("disk_free_bytes", "Free bytes of the disk the data is on.")
	totalDesc      = desc("disk_bytes", "Bytes of that disk.")
	floorDesc      = desc("disk_floor_bytes", "Free bytes that pictures never take.")
	watchersDesc   = desc("page_listeners", "Browsers that listen for events.")
)

// Describe implements prometheus.Collector; the metrics are not checked ahead.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s, g := c.server, gather{out}
	g.gauge(infoDesc, 1, s.Identity.Site, s.Identity.Box, s.Identity.Version)
	for name, st := range s.Stations.States() {
		g.station(name, st)
		if t, err := s.Trials.Trial(name); err == nil && t.Shadow != nil {
			g.shadow(name, *t.Shadow)
		}
	}
	g.gauge(trainingDesc, one(s.trains()))
	b := s.Broker.Status()
	g.gauge(brokerDesc, one(b.Connected))
	g.counter(reconnectsDesc, float64(b.Reconnects))
	if b := s.Broker.Builtin(); b != nil {
		g.builtin(b)
	}
	t := s.Store.Stats()
	g.gauge(outboxDesc, float64(t.OutboxRows))
	oldest := 0.0
	if !t.Oldest.IsZero() {
		oldest = float64(t.Oldest.UnixMilli()) / 1000
	}
	g.gauge(outboxAgeDesc, oldest)
	g.counter(givenUpDesc, float64(t.Dropped.Total()))
	g.gauge(refusesDesc, one(t.Err != ""))
	g.gauge(storeDesc, float64(t.Bytes))
	g.gauge(storeMaxDesc, float64(t.MaxBytes))
	g.gauge(watchersDesc, float64(s.Feed.listeners()))
	if s.Archive == nil {
		return
	}
	a := s.Archive.Stats()
	g.gauge(picturesDesc, float64(a.Pictures))
	g.gauge(archiveDesc, float64(a.Bytes))
	g.gauge(archiveMaxDesc, float64(a.MaxBytes))
	g.counter(skippedDesc, float64(s.Pictures.Skipped()))
	g.gauge(freeDesc, float64(a.Free))
	g.gauge(totalDesc, float64(a.Total))
	g.gauge(floorDesc, float64(a.Floor))
}

type gather struct{ out chan<- prometheus.Metric }

func (g gather) gauge(d *prometheus.Desc, v float64, labels ...string) {
	g.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (g gather) counter(d *prometheus.Desc, v float64, labels ...string) {
	g.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func (g gather) station(name string, st publish.StationState) {
	n := st.Counts
	g.counter(verdictsDesc, float64(n.Pass), name, "pass")
	g.counter(verdictsDesc, float64(n.Fail), name, "fail")
	g.counter(verdictsDesc, float64(n.Review), name, "review")
	g.counter(verdictsDesc, float64(n.NoRead), name, "no_read")
	g.counter(framesDesc, float64(n.Frames), name)
	g.counter(droppedDesc, float64(n.Dropped), name)
	for check, count := range n.Faults.Each {
		g.counter(faultsDesc, float64(count), name, string(check))
	}
	g.gauge(readyDesc, one(st.Ready), name)
	g.gauge(cameraDesc, one(st.Camera.Connected), name)
	g.gauge(fpsDesc, st.Camera.FPS, name)
	if st.Threshold != nil {
		g.gauge(thresholdDesc, *st.Threshold, name)
	}
	g.gauge(modelDesc, 1, name, st.Model, st.Provider, st.ThresholdFrom)
}

func (g gather) builtin(b *publish.BuiltinStatus) {
	g.gauge(builtinDesc, one(b.Err == ""))
	g.gauge(tripDesc, b.RoundTrip.Seconds())
	g.counter(acceptDesc, float64(b.AcceptFailures))
	for _, l := range b.Limits {
		g.gauge(limitDesc, l.Max, l.Limit)
		g.counter(reachedDesc, float64(l.Reached), l.Limit)
		if l.Kept {
			g.gauge(usedDesc, l.Now, l.Limit)
		}
	}
}

// shadow of a station; the counters begin anew with each model.
func (g gather) shadow(station string, s pipeline.ShadowState) {
	g.gauge(shadowDesc, one(s.Why == ""), station, s.Name, s.Model)
	if s.Why != "" {
		return
	}
	g.counter(judgedDesc, float64(s.Judged), station)
	g.counter(leftOutDesc, float64(s.Skipped), station)
	g.counter(otherwiseDesc, float64(s.Otherwise), station)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
