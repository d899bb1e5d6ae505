// Package systemd tells the service manager how the daemon is: started,
// reloading, stopping, and alive as long as its loops turn. It also holds the
// unit file and the system user. It never decides what the daemon does, and
// outside systemd everything in it is a no-op.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// sendTimeout bounds one message; the manager's socket takes it at once
// unless the manager itself hangs.
const sendTimeout = time.Second

// Notifier speaks the sd_notify protocol. A nil Notifier, and one made
// outside systemd, sends nothing. A message that the manager does not take
// stops nothing: the first of a row is logged, once NewWatchdog has given a
// log. Safe for concurrent use.
type Notifier struct {
	socket   string        // path, or "@name" in the abstract name space; "" is no manager
	watchdog time.Duration // within which the manager wants a WATCHDOG=1; 0 is off
	err      error         // what was wrong with the environment; logged by NewWatchdog
	started  atomic.Bool   // READY=1 was sent

	mu   sync.Mutex
	log  zerolog.Logger
	deaf bool // the last message was not taken
}

// New takes the manager's socket from NOTIFY_SOCKET and the watchdog's
// time-out from WATCHDOG_USEC, where WATCHDOG_PID is this process or unset.
func New() *Notifier {
	n := &Notifier{socket: os.Getenv("NOTIFY_SOCKET"), log: zerolog.Nop()}
	n.watchdog, n.err = daemon.SdWatchdogEnabled(false)
	if n.err != nil {
		n.err = fmt.Errorf("watchdog is off, set WATCHDOG_USEC to microseconds and WATCHDOG_PID to a process id: %w", n.err)
	}
	return n
}

// Watchdog is the time within which the manager wants to hear from the
// watchdog; 0 means that it does not.
func (n *Notifier) Watchdog() time.Duration {
	if n == nil || n.socket == "" {
		return 0
	}
	return n.watchdog
}

// Ready says that start-up, or a reload, is done, and sets the status line.
func (n *Notifier) Ready(status string) {
	if n != nil {
		n.started.Store(true)
	}
	n.tell(daemon.SdNotifyReady + "\nSTATUS=" + oneLine(status))
}

// Status sets the line that `systemctl status` shows.
func (n *Notifier) Status(status string) { n.tell("STATUS=" + oneLine(status)) }

// Reloading says that the config is being read again; Ready ends it, also
// where the new config was refused.
func (n *Notifier) Reloading() {
	n.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the daemon is finishing its frames and will exit.
func (n *Notifier) Stopping() { n.tell(daemon.SdNotifyStopping) }

// Extend asks for at least d from now for starting or stopping. It must be
// sent again before d is over if the work is not done by then.
func (n *Notifier) Extend(d time.Duration) {
	n.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()))
}

func (n *Notifier) starting() bool { return n != nil && !n.started.Load() }

func (n *Notifier) feed() { n.tell(daemon.SdNotifyWatchdog) }

func (n *Notifier) logTo(log zerolog.Logger) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = log
	if n.err != nil {
		log.Warn().Err(n.err).Msg("systemd environment")
	}
}

func (n *Notifier) tell(message string) {
	if n == nil || n.socket == "" {
		return
	}
	err := n.send(message)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil && !n.deaf {
		n.log.Error().Err(err).Msg("service manager does not listen")
	}
	n.deaf = err != nil
}

// send dials for each message, so that a manager that was replaced in the
// meantime is found again.
func (n *Notifier) send(message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify service manager, check NOTIFY_SOCKET: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	if _, err := conn.Write([]byte(message)); err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	return nil
}

// oneLine keeps text from being read as further assignments of the protocol.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}
