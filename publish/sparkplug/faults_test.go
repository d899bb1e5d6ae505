package sparkplug

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/verdict"
)

var (
	faultsFor = flag.Duration("faults", 8*time.Second, "TestEverythingArrivesWhateverHappens: how long faults go on")
	faultSeed = flag.Uint64("seed", 0, "TestEverythingArrivesWhateverHappens: seed of the faults; 0 takes one and prints it")
)

func dice(t *testing.T) *rand.Rand {
	seed := *faultSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay the dice with: go test ./publish/sparkplug -run %s -v -faults %s -seed %d", t.Name(), *faultsFor, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// plantAtWork decides verdicts and has a primary host that comes and goes.
type plantAtWork struct {
	*rig
	hosts []*scada
	clock int64 // of the host's STATE messages
}

// online lets the host, or a new one after the broker forgot it, say that it is there.
func (p *plantAtWork) online(renew bool) {
	if renew {
		p.host = newScada(p.t, "tcp://"+p.mq.Addr, "scada")
		p.hosts = append(p.hosts, p.host)
	}
	p.clock++
	p.host.state(true, p.clock)
}

// fault does one thing that may happen to a box, and mends it.
func (p *plantAtWork) fault(r *rand.Rand) {
	pause := time.Duration(r.IntN(400)) * time.Millisecond
	switch r.IntN(6) {
	case 0: // the broker dies, with all it had to hand on
		p.mq.Kill()
		time.Sleep(pause)
		p.mq.Start()
		p.online(true)
	case 1: // the connection is cut
		p.tap.cut()
	case 2: // the connection stalls, and what is in it is lost
		p.tap.stall(true)
		time.Sleep(pause)
		p.tap.cut()
		p.tap.stall(false)
	case 3: // the host is away
		p.host.state(false, p.clock)
		time.Sleep(pause)
		p.online(false)
	case 4: // the host is dead, which the broker says only later
		p.host.client.Disconnect(0)
		time.Sleep(pause)
		herald := newScada(p.t, "tcp://"+p.mq.Addr, "scada")
		herald.state(false, p.clock)
		herald.client.Disconnect(20)
		eventually(p.t, "the node heard it", func() bool { return !p.Status().Born })
		p.online(true)
	case 5: // the disk
		p.feed.refuse(errDisk)
		time.Sleep(pause)
		p.feed.refuse(nil)
	}
	time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
}

func TestEverythingArrivesWhateverHappens(t *testing.T) {
	random := dice(t)
	p := &plantAtWork{rig: newRig(t, config.Sparkplug{PrimaryHost: "scada", Grace: time.Second})}
	p.hosts = []*scada{p.host}
	p.online(false)
	p.run().alive()

	var ids []string
	sequence := map[string]int{}
	ctx, stop := context.WithTimeout(context.Background(), *faultsFor)
	defer stop()
	var deciding sync.WaitGroup
	deciding.Go(func() {
		for ctx.Err() == nil {
			id := p.decide("cap", verdict.Pass)
			sequence[id] = len(ids)
			ids = append(ids, id)
			time.Sleep(4 * time.Millisecond)
		}
	})
	for ctx.Err() == nil {
		p.fault(random)
	}
	deciding.Wait()
	for end := time.Now().Add(2*time.Minute + 2**faultsFor); p.feed.len() > 0 && time.Now().Before(end); { // a busy machine is slow to catch up
		time.Sleep(50 * time.Millisecond)
	}
	p.delivered()

	came := map[string]bool{}
	for _, h := range p.hosts {
		live := h.ids("cap", false)
		for i, id := range live {
			came[id] = true
			if i > 0 && sequence[id] <= sequence[live[i-1]] {
				t.Errorf("the live verdict %d came after %d", sequence[id], sequence[live[i-1]])
			}
		}
		for _, id := range h.ids("cap", true) {
			came[id] = true
		}
		h.look(func() bool {
			for _, problem := range h.problems {
				t.Error(problem)
			}
			return true
		})
	}
	lost := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return came[id] })
	if len(lost) > 0 || len(ids) < 100 {
		t.Errorf("%d of %d verdicts never came", len(lost), len(ids))
	}
	if len(came) > len(ids) {
		t.Errorf("%d verdicts came, %d were decided", len(came), len(ids))
	}
	t.Logf("%d verdicts, %d hosts, %d connections", len(ids), len(p.hosts), len(packetsOf[*packets.ConnectPacket](p.tap)))
}
