package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
)

// desk is a publisher that carries out commands and has no broker.
type desk struct {
	*Publisher
	t *testing.T

	mu       sync.Mutex
	begun    []string
	answered []string // station, command, and what was wrong
}

// Command is a handler that takes for ever for a model and obeys its context.
func (d *desk) Command(ctx context.Context, station string, c Command) Reply {
	d.mu.Lock()
	d.begun = append(d.begun, station+" "+c.Command)
	d.mu.Unlock()
	if c.Command == CommandModel {
		<-ctx.Done()
		return Reply{Error: "still loading"}
	}
	return Reply{OK: true}
}

func (d *desk) Trigger(string, Trigger) {}
func (d *desk) Ack(string, Ack)         {}

// newDesk works until the test ends; within a bubble.
func newDesk(t *testing.T) *desk {
	d := &desk{t: t}
	var err error
	if d.Publisher, err = New(config.MQTT{Broker: "tcp://127.0.0.1:1", Commands: true}, testBox, nil, d, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.runCommands(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return d
}

func (d *desk) ask(station, id, command string) {
	d.t.Helper()
	limit := 0.5
	c := Command{ID: id, Command: command, Model: "m.onnx", Count: 1}
	if command == CommandThreshold {
		c.Threshold = Limit{Given: true, Value: &limit}
	}
	d.Do(station, c, func(r Reply) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.answered = append(d.answered, strings.TrimSpace(station+" "+command+" "+r.Error))
	})
	synctest.Wait()
}

// take returns what has been answered by now and was not taken before.
func (d *desk) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	answered := d.answered
	d.answered = nil
	return answered
}

// wants holds that these have been answered by now, in this order, and no others.
func (d *desk) wants(answered ...string) {
	d.t.Helper()
	if got := d.take(); !slices.Equal(got, answered) {
		d.t.Fatalf("answered %q\nwant %q", got, answered)
	}
}

// A model that loads holds up the commands of its own station that came after it,
// a pause excepted, until its time is over; no other station's.
func TestCommandsOfOtherStationsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ask("lid", "1", CommandModel)
		for _, c := range []string{CommandThreshold, CommandPause, CommandResume, CommandSave} {
			d.ask("cap", "", c)
			d.wants("cap " + c)
		}
		d.ask("lid", "", CommandPause)
		d.wants("lid pause")
		d.ask("lid", "", CommandThreshold)
		d.ask("lid", "", CommandResume)
		d.ask("lid", "", CommandPause) // what was asked for first would undo it
		d.wants()
		time.Sleep(modelTimeout)
		d.wants("lid model still loading", "lid threshold", "lid resume", "lid pause")
	})
}

// A command of the box follows those of every station, and goes before them.
func TestCommandsOfTheBoxKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ask("lid", "", CommandModel)
		d.ask("", "", CommandPause)
		d.wants("pause")
		d.ask("", "", CommandResume)
		d.ask("cap", "", CommandSave)
		d.wants()
		time.Sleep(modelTimeout)
		d.wants("lid model still loading", "resume", "cap save")
	})
}

// Each command is answered within its time, however many before it take all of
// theirs.
func TestCommandsAreAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ask("lid", "", CommandModel)
		d.ask("lid", "", CommandModel)
		time.Sleep(modelTimeout / 2)
		d.ask("lid", "", CommandModel)
		d.wants()
		time.Sleep(modelTimeout / 2)
		late := fmt.Sprintf("lid model not done: the command before it took longer than the %s in which this one is to be answered: send it again", modelTimeout)
		d.wants("lid model still loading", late)
		time.Sleep(modelTimeout / 2)
		d.wants("lid model still loading")
	})
}

// A command that comes again while it is carried out is answered with it.
func TestACommandThatComesAgainMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ask("lid", "1", CommandModel)
		d.ask("lid", "1", CommandModel)
		d.ask("lid", "2", CommandModel)
		d.ask("lid", "1", CommandPause)
		if got := d.take(); len(got) != 1 || !strings.Contains(got[0], "another command") {
			t.Fatalf("answered %q", got)
		}
		time.Sleep(modelTimeout)
		if got := d.take(); len(got) != 3 || got[0] != got[1] {
			t.Fatalf("answered %q", got)
		}
		if len(d.begun) != 1 {
			t.Errorf("begun %q, want the first alone", d.begun)
		}
		d.ask("lid", "1", CommandModel)
		d.wants("lid model still loading")
	})
}

// One station's commands leave room for the others'.
func TestAFullStationLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for range commandQueue {
			d.ask("lid", "", CommandModel)
		}
		d.wants()
		d.ask("lid", "", CommandThreshold)
		d.wants("lid threshold " + errCommandsWait.Error())
		d.ask("cap", "", CommandThreshold)
		d.wants("cap threshold")
		if n := d.Status().Inbound.Refused; n != 1 {
			t.Errorf("%d are counted as refused", n)
		}
		for i := range waitingLimit {
			d.ask(fmt.Sprint("other", i), "", CommandModel)
		}
		d.take()
		d.ask("cap", "", CommandSave)
		d.wants("cap save " + errCommandsWait.Error())
	})
}
