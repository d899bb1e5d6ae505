package pipeline

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/systemd"
)

// TestStuckLoopStopsTheFeeding holds that an inspection which never returns
// leaves the watchdog hungry, and that an idle station does not.
func TestStuckLoopStopsTheFeeding(t *testing.T) {
	before := turnDeadline
	turnDeadline = 2 * time.Second
	t.Cleanup(func() { turnDeadline = before })
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "500000")
	w := systemd.NewWatchdog(systemd.New(), zerolog.Nop())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()

	// fed reports whether the manager hears of the daemon within d.
	fed := func(d time.Duration) bool {
		buf := make([]byte, 100)
		if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Read(buf)
		return err == nil
	}
	r := newRig(t, "mqtt", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
		r.deps.Watchdog = w
	})
	for range 3 * int(turnDeadline/(500*time.Millisecond)) { // idle for three times the deadline
		if !fed(time.Second) {
			t.Fatal("an idle station is not fed for")
		}
	}
	r.Trigger(trigger("t"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	time.Sleep(turnDeadline)
	for fed(time.Millisecond) { // what was sent before the deadline
	}
	if fed(2 * time.Second) {
		t.Error("the watchdog is fed for while the judging loop is stuck")
	}
	close(r.inspector.hold)
	if !fed(5 * time.Second) {
		t.Error("the watchdog is not fed for once the loop turns again")
	}
}
