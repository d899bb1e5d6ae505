package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// soakAll are the lanes of faults, which run beside each other.
const soakAll = "broker,disk,camera,clock,config"

// lanes has those that are named: one alone shows which wears the box out.
func (s *soak) lanes(names string) (lanes []*lane) {
	all := map[string]*lane{
		"broker": {faults: []fault{s.brokerDies, s.brokerStops, s.isCut, s.isStalled(true), s.isMute}, pause: time.Second},
		"disk":   {faults: []fault{s.writesFail, s.diskFull}, pause: 4 * time.Second},
		"camera": {faults: []fault{s.cameraGone, s.cameraHangs, s.cameraBabbles}, pause: 3 * time.Second},
		"clock": {faults: []fault{
			s.clockJumps("clock set by less than a minute", -time.Minute, time.Minute), s.clockJumps("clock set back by days", -20*day, -day),
			s.clockJumps("clock set forward by years", 400*day, 800*day),
		}, pause: 2 * time.Second},
		"config": {faults: []fault{s.reloads, s.misspells, s.swaps("model swapped", s.other), s.swaps("model refused", s.wrong)}, pause: 2 * time.Second},
	}
	for i, name := range strings.Split(soakAll, ",") {
		if l := all[name]; slices.Contains(strings.Split(names, ","), name) {
			l.dice = rand.New(rand.NewPCG(s.seed, uint64(i)))
			lanes = append(lanes, l)
		}
	}
	if len(lanes) == 0 {
		s.t.Fatalf("-faults=%s names none of %s", names, soakAll)
	}
	return lanes
}

func (s *soak) cameraGone(ctx context.Context, dice *rand.Rand) (string, error) {
	s.camera.off()
	nap(ctx, dice, 200*time.Millisecond, 3*time.Second)
	return "camera without power", s.camera.on()
}

func (s *soak) cameraHangs(ctx context.Context, dice *rand.Rand) (string, error) {
	s.camera.hangs.Store(true)
	defer s.camera.hangs.Store(false)
	nap(ctx, dice, 200*time.Millisecond, 3*time.Second)
	return "camera hangs", nil
}

func (s *soak) cameraBabbles(ctx context.Context, dice *rand.Rand) (string, error) {
	s.camera.babbles.Store(true)
	defer s.camera.babbles.Store(false)
	nap(ctx, dice, 200*time.Millisecond, 2*time.Second)
	return "camera sends half pictures", nil
}

const day = 24 * time.Hour

// clockJumps sets the clock to somewhere between two distances from the truth,
// where it stays until the next jump. A verdict that waits may be 30 days old
// (store.max_age), so that no clock is set back by more.
func (s *soak) clockJumps(what string, least, most time.Duration) fault {
	return func(ctx context.Context, dice *rand.Rand) (string, error) {
		if s.clock == nil {
			nap(ctx, dice, time.Second, 2*time.Second)
			return what + " (not tried)", nil
		}
		err := s.clock.set(least + time.Duration(dice.Int64N(int64(most-least))))
		nap(ctx, dice, 300*time.Millisecond, 3*time.Second)
		return what, err
	}
}

// reloads has another config taken, and with it stations come and go, cameras
// and triggers change, models go in shadow.
func (s *soak) reloads(ctx context.Context, dice *rand.Rand) (string, error) {
	text := s.work(dice)
	if err := s.put(text, dice.IntN(2) == 0); err != nil {
		return "", err
	}
	nap(ctx, dice, 500*time.Millisecond, 3*time.Second)
	return "config reloaded", nil
}

// misspells has a config refused.
func (s *soak) misspells(ctx context.Context, dice *rand.Rand) (string, error) {
	wrong := []string{"\nno_such_key: 1\n", "\n  - [\n", "\nsite: other\n"}
	text, err := os.ReadFile(s.conf)
	if err == nil {
		err = s.put(string(text)+wrong[dice.IntN(len(wrong))], true)
	}
	nap(ctx, dice, 300*time.Millisecond, 2*time.Second)
	if err == nil {
		err = s.put(string(text), dice.IntN(2) == 0)
	}
	return "config with a mistake", err
}

// put writes the config as an editor does, and may say so.
func (s *soak) put(text string, tell bool) error {
	next := filepath.Join(filepath.Dir(s.conf), "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, s.conf); err != nil || !tell {
		return err
	}
	return syscall.Kill(s.pid, syscall.SIGHUP)
}

// swaps orders another model for a station, as a PLC does.
func (s *soak) swaps(what, model string) fault {
	return func(ctx context.Context, dice *rand.Rand) (string, error) {
		station := fmt.Sprint("s", dice.IntN(soakStations))
		s.orders++
		order, err := json.Marshal(map[string]string{"id": fmt.Sprint("o-", s.orders), "command": "model", "model": model, "by": "soak"})
		if err != nil {
			return what, err
		}
		s.order(station, order)
		nap(ctx, dice, 300*time.Millisecond, 2*time.Second)
		return what, nil
	}
}

// order sends a command, if there is a broker just now.
func (s *soak) order(station string, payload []byte) {
	const patience = 2 * time.Second
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + s.broker.addr).SetClientID("orders").SetConnectTimeout(patience))
	if t := c.Connect(); t.WaitTimeout(patience) && t.Error() == nil {
		c.Publish("faird/plant1/edge7/"+station+"/command", 1, false, payload).WaitTimeout(patience)
	}
	c.Disconnect(50)
}
