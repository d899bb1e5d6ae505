package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"faird/config"
	"faird/publish"
	"faird/publish/mosquitto"
	"faird/store"
	"faird/verdict"
)

// delivery is the store, the publisher and mosquitto, as the daemon joins them.
type delivery struct {
	b         *testing.B
	broker    *mosquitto.Broker
	store     *store.Store
	publisher *publish.Publisher
	sequence  atomic.Uint64
}

// nobody is asked for anything.
type nobody struct{ publish.Handler }

// newDelivery has waiting verdicts in the outbox of station s0 before it connects.
func newDelivery(b *testing.B, waiting int) *delivery {
	b.Helper()
	d := &delivery{b: b, broker: mosquitto.New(b)}
	var err error
	if d.store, err = store.Open(config.Store{Path: b.TempDir()}, zerolog.Nop()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.store.Close() })
	var filling sync.WaitGroup
	for range 64 { // many at once share their transactions
		filling.Go(func() {
			for range waiting / 64 {
				d.commit("s0")
			}
		})
	}
	filling.Wait()
	c := config.MQTT{Broker: d.broker.URL()}
	if d.publisher, err = publish.New(c, publish.Identity{Site: "plant1", Box: "edge7"}, d.store, nobody{}, zerolog.Nop()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.publisher.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	until(b, 20*time.Second, "connected", func() bool { return d.publisher.Status().Connected })
	return d
}

func (d *delivery) commit(station string) (*verdict.Verdict, int64) {
	score, limit := 0.2301, 0.14
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: station,
		Sequence: d.sequence.Add(1), Trigger: &verdict.Trigger{ID: ulid.Make().String(), Part: "A-1009"},
		Verdict: verdict.Fail, Score: &score, Threshold: &limit,
		Regions: []verdict.Region{{X: 512, Y: 130, W: 44, H: 31, Area: 812, Peak: 0.2301, Structure: 0.93, Colour: 0.07}},
		Time: verdict.Times{
			Captured: verdict.Time{Time: time.Now()}, Decided: verdict.Time{Time: time.Now()},
			Clock: verdict.Synchronised, Exposure: verdict.Measured,
		},
		StagesMS: verdict.Stages{Wait: 1.1, Prepare: 1.6, Restore: 108.2, Score: 1.9},
		Model:    "sha256:265c138d394e82b4941e9cb9f77f9a6fe59558ecf84ceb1cc0ae634aeff45c4a",
		Config:   "sha256:f5a2b525ed53039c67805cd80240b9d344faabd72fee116b90fffbd9579ecef5", Provider: "cpu",
	}
	key, err := d.store.Commit(context.Background(), v)
	if err != nil {
		d.b.Error(err)
	}
	return v, key
}

// cpu is the processor time of this process so far, and of mosquitto.
func (d *delivery) cpu() (own, broker time.Duration) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		d.b.Fatal(err)
	}
	own = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	stat, err := processTicks(d.broker.PID())
	if err != nil {
		d.b.Fatal(err)
	}
	return own, stat
}

// processTicks is the processor time of another process, to a hundredth of a second.
func processTicks(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var ticks time.Duration
	for _, f := range fields[11:13] { // utime and stime, proc(5)
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond, nil
}

// BenchmarkOutbox is verdicts a second from sixteen stations through the outbox
// on disk to mosquitto, until each has left the outbox, with what processor time
// one costs: on two cores 2,000 a second leave 1,000 µs for both processes.
func BenchmarkOutbox(b *testing.B) {
	d := newDelivery(b, 0)
	own, broker := d.cpu()
	b.ResetTimer()
	const stations = 16
	var working sync.WaitGroup
	for n := range stations {
		working.Go(func() {
			for range b.N / stations {
				for d.publisher.Status().Live > 1000 {
					time.Sleep(time.Millisecond)
				}
				v, key := d.commit(fmt.Sprint("s", n))
				d.publisher.Verdict(v, key)
			}
		})
	}
	working.Wait()
	until(b, time.Minute, "an empty outbox", func() bool { return d.store.Stats().OutboxRows == 0 })
	b.StopTimer()
	ownNow, brokerNow := d.cpu()
	done := float64(max(1, b.N/stations*stations))
	b.ReportMetric(done/b.Elapsed().Seconds(), "verdicts/s")
	b.ReportMetric(float64((ownNow-own).Microseconds())/done, "cpu-µs/verdict")
	b.ReportMetric(float64((brokerNow-broker).Microseconds())/done, "broker-µs/verdict")
}

// BenchmarkReplay is a station's new verdicts while a backlog of 100,000 of its
// own is sent, and without one: how long publishing keeps the station, and how
// long a new verdict takes from its commit to a subscriber.
func BenchmarkReplay(b *testing.B) {
	for _, waiting := range []int{0, 100_000} {
		b.Run(fmt.Sprint("waiting=", waiting), func(b *testing.B) { replay(b, waiting) })
	}
}

func replay(b *testing.B, waiting int) {
	d := newDelivery(b, waiting)
	came := make(chan string, 100)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(d.broker.URL()).SetClientID("plc"))
	if t := c.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		b.Fatal(t.Error())
	}
	defer c.Disconnect(50)
	if t := c.Subscribe("faird/plant1/edge7/s0/last", 1, func(_ mqtt.Client, m mqtt.Message) {
		var v verdict.Verdict
		if err := json.Unmarshal(m.Payload(), &v); err == nil {
			came <- v.ID
		}
	}); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		b.Fatal(t.Error())
	}
	before := d.store.Stats().OutboxRows
	var handing, committing, arriving []time.Duration
	for b.Loop() {
		began := time.Now()
		v, key := d.commit("s0")
		committed := time.Now()
		d.publisher.Verdict(v, key)
		handed := time.Now()
		for id := ""; id != v.ID; {
			select {
			case id = <-came:
			case <-time.After(20 * time.Second):
				b.Fatal("a new verdict did not come")
			}
		}
		committing, handing, arriving = append(committing, committed.Sub(began)), append(handing, handed.Sub(committed)), append(arriving, time.Since(committed))
	}
	after := d.store.Stats().OutboxRows
	if waiting > 0 {
		if after == 0 {
			b.Error("the backlog was sent before the last new verdict: its delay is not measured")
		}
		b.ReportMetric(float64(before-after)/b.Elapsed().Seconds(), "replayed/s")
	}
	for name, took := range map[string][]time.Duration{"commit": committing, "publish": handing, "arrive": arriving} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, name+"-max-ms")
	}
}
