package web

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"faird/verdict"
)

// metrics are the box as Prometheus sees it. Most are read when it asks; what
// is measured for every verdict is observed on the way.
type metrics struct {
	latency *prometheus.HistogramVec
	stages  *prometheus.HistogramVec
	score   *prometheus.HistogramVec
	publish *prometheus.HistogramVec
	handler http.Handler
}

// latencyBuckets are seconds: from a fast GPU to a box that is far too slow.
var latencyBuckets = []float64{.005, .01, .02, .035, .05, .075, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 3, 5}

// publishBuckets grow by a third to a half, so that a 99th percentile beyond one
// and a half times the median shows.
var publishBuckets = []float64{
	.002, .003, .005, .0075, .01, .015, .02, .03, .04, .05, .065, .08, .1, .125, .15, .2, .25, .3, .4, .5, .65, .8, 1, 1.5, 2, 3, 5,
}

func newMetrics(s *Server) (*metrics, error) {
	m := &metrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "faird_latency_seconds", Help: "From the exposure to the verdict's hand-over to MQTT.", Buckets: latencyBuckets,
		}, []string{"station"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "faird_stage_seconds", Help: "Time of each stage of a verdict.", Buckets: latencyBuckets,
		}, []string{"station", "stage"}),
		publish: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "faird_publish_latency_seconds", Help: "From the exposure to the broker's acknowledgement of the verdict; backlog is not counted.",
			Buckets: publishBuckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"station"}),
		score: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "faird_score_of_threshold", Help: "Score as a share of the threshold: 1 and more is fail.",
			Buckets: []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9, .95, 1, 1.05, 1.1, 1.25, 1.5, 2, 3, 5},
		}, []string{"station"}),
	}
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		m.latency, m.publish, m.stages, m.score, newCollector(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorLog: quiet(s.Log)})
	s.Feed.mu.Lock()
	s.Feed.observe = m.observe
	s.Feed.mu.Unlock()
	return m, nil
}

// observe measures one verdict. It runs on the station's loop, right after the
// verdict was handed to the publisher.
func (m *metrics) observe(v *verdict.Verdict) {
	if !v.Time.Captured.IsZero() {
		m.latency.WithLabelValues(v.Station).Observe(max(0, time.Since(v.Time.Captured.Time).Seconds()))
	}
	if v.Score == nil {
		return
	}
	for stage, ms := range map[string]float64{
		"wait": v.StagesMS.Wait, "prepare": v.StagesMS.Prepare, "restore": v.StagesMS.Restore, "score": v.StagesMS.Score,
	} {
		m.stages.WithLabelValues(v.Station, stage).Observe(ms / 1000)
	}
	if v.Threshold != nil && *v.Threshold > 0 {
		m.score.WithLabelValues(v.Station).Observe(*v.Score / *v.Threshold)
	}
}

// Published measures a verdict that the broker has acknowledged, that long after
// its picture was exposed.
func (s *Server) Published(station string, sinceExposure time.Duration) {
	s.metrics.publish.WithLabelValues(station).Observe(max(0, sinceExposure.Seconds()))
}

func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
