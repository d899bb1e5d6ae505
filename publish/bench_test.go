package publish

import (
	"slices"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// BenchmarkDelivery is verdicts a second through an outbox in memory to
// mosquitto, three messages each, until the last is acknowledged.
func BenchmarkDelivery(b *testing.B) {
	m := mosquitto.New(b)
	x := newBox(b, config.MQTT{Broker: m.URL()}, true)
	x.run(b).connected(b)
	b.ResetTimer()
	for i := range b.N {
		for x.Status().Live > liveLimit/2 {
			time.Sleep(time.Millisecond)
		}
		x.decide(newVerdict("cap", uint64(i+1), verdict.Pass))
	}
	if err := x.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verdicts/s")
}

// BenchmarkVerdict is what handing a verdict over costs the station while a
// backlog is being drained.
func BenchmarkVerdict(b *testing.B) {
	m := mosquitto.New(b)
	x := newBox(b, config.MQTT{Broker: m.URL()}, true)
	for i := range uint64(20000) {
		x.outbox.commit(newVerdict("old", i+1, verdict.Pass))
	}
	x.initial = 20000
	x.run(b).connected(b)
	v := newVerdict("cap", 1, verdict.Fail)
	var took []time.Duration
	for b.Loop() {
		key := x.outbox.commit(v)
		began := time.Now()
		x.Verdict(v, key)
		took = append(took, time.Since(began))
		time.Sleep(time.Millisecond) // a fast line
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkBacklogDelay is how long a new verdict takes to its subscriber while
// a backlog of 100,000 is being drained, its own station's.
func BenchmarkBacklogDelay(b *testing.B) {
	const waiting = 100_000
	m := mosquitto.New(b)
	x := newBox(b, config.MQTT{Broker: m.URL()}, true)
	came := make(chan struct{})
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(m.URL()).SetClientID("plc"))
	wait(b, c.Connect())
	defer c.Disconnect(50)
	// The result comes after the verdict itself, and the backlog has none.
	wait(b, c.Subscribe(prefix+"cap/result", 1, func(mqtt.Client, mqtt.Message) { came <- struct{}{} }))
	for i := range uint64(waiting) {
		x.outbox.commit(newVerdict("cap", i+1, verdict.Pass))
	}
	x.initial = waiting
	x.run(b).connected(b)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		x.decide(newVerdict("cap", uint64(waiting+i+1), verdict.Fail))
		<-came
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	b.ReportMetric(float64(x.outbox.len()), "left")
}
