package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"faird/config"
	"faird/config/redact"
	"faird/publish"
)

// leaf of the topic on which a message is sent to and fro, below the box's prefix.
const echoLeaf = "doctor/echo"

func (d *Doctor) identity() publish.Identity {
	return publish.Identity{Site: d.config.Site, Box: d.config.Box, Version: d.options.Version}
}

// checkBroker connects as the box does, asks for what it subscribes to, and has
// a message of its own come back.
func (d *Doctor) checkBroker(ctx context.Context) []Finding {
	c := d.config.MQTT
	if c.Broker == "" {
		return d.checkBuiltin(ctx, c.Builtin)
	}
	list := certificates("mqtt.tls", c.TLS, time.Now())
	a, err := publish.ExternalAccess(c, d.identity())
	if err != nil {
		return append(list, fail(err.Error(), "correct the keys of mqtt it names"))
	}
	topic := func(leaf string) string { return publish.BoxTopic(d.identity(), leaf) }
	filters := []string{topic("+/trigger"), topic("+/ack")}
	if c.Commands {
		filters = append(filters, topic("command"), topic("+/command"))
	}
	tried, err := publish.Try(ctx, a, filters, topic(echoLeaf))
	return append(list, d.brokerFindings(a, tried, err, topic("#"))...)
}

// brokerFindings puts into words how a broker was found.
func (d *Doctor) brokerFindings(a publish.Access, t publish.Tried, err error, prefix string) (list []Finding) {
	for i, c := range t.Chain {
		if f := expiry(fmt.Sprintf("the broker's certificate %d (%s)", i+1, c.Subject.CommonName), c, time.Now()); i == 0 || f.Status != LevelOK {
			list = append(list, f)
		}
	}
	for _, topic := range t.Refused {
		list = append(list, fail(fmt.Sprintf("user %q may not subscribe to %s", a.User, topic), "allow the user to read and write "+prefix+" in the broker's access list"))
	}
	where := redact.URL(a.Broker)
	switch {
	case errors.Is(err, publish.ErrNotEchoed):
		return append(list, fail(fmt.Sprintf("%s: user %q may connect, but a message that it sent does not come back: %v", where, a.User, err),
			"allow the user to read and write "+prefix+" in the broker's access list"))
	case err != nil:
		return append(list, fail(where+": "+err.Error(), "mend what it names; docs/mqtt.md says what a broker must allow"))
	}
	what := fmt.Sprintf("%s takes the box in %v", where, t.Connect.Round(time.Millisecond))
	if t.Echo > 0 {
		what += fmt.Sprintf(", and a message of quality 1 comes back in %v", t.Echo.Round(100*time.Microsecond))
	}
	if t.TLS == "" {
		if !local(a.Broker) && a.Password != "" {
			list = append(list, warn(where+" is not encrypted, and the password goes over the network", "use ssl:// and mqtt.tls"))
		}
		return append(list, ok(what+", not encrypted"))
	}
	return append(list, ok(what+", "+t.TLS))
}

// local is whether a broker is on this machine.
func local(broker string) bool {
	_, host, _ := strings.Cut(broker, "://")
	host, _, _ = net.SplitHostPort(host)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkBuiltin says whether the daemon's own broker runs and answers, or could.
func (d *Doctor) checkBuiltin(ctx context.Context, b config.Builtin) []Finding {
	what := fmt.Sprintf("the built-in broker at %s, %d user(s)", b.Listen, len(b.Users))
	list := []Finding{d.listenable(what, b.Listen, "mqtt.builtin.listen")}
	if d.running() && list[0].Status == LevelOK {
		list = []Finding{d.answers(ctx, what, b)}
	}
	if b.TLS.Cert != "" {
		list = append(list, certificate("mqtt.builtin.tls.cert", b.TLS.Cert, time.Now()))
		if why := config.WhyNotPrivate(b.TLS.Key); why != "" {
			list = append(list, fail("mqtt.builtin.tls.key: "+why, "chmod o-rwx "+b.TLS.Key))
		}
		if _, err := tls.LoadX509KeyPair(b.TLS.Cert, b.TLS.Key); err != nil {
			list = append(list, fail("mqtt.builtin.tls: "+err.Error(), "give a certificate and the key that belongs to it"))
		}
	}
	if b.TLS.ClientCA != "" {
		list = append(list, certificate("mqtt.builtin.tls.client_ca", b.TLS.ClientCA, time.Now()))
	}
	for _, s := range d.stations() {
		may := slices.ContainsFunc(b.Users, func(u config.User) bool { return u.Triggers().For(s.Name) })
		if s.Trigger.Mode == "mqtt" && !may {
			list = append(list, warn("station "+s.Name+" waits for triggers by MQTT, and no user may write any", "add one with write: true, or trigger: "+s.Name+", to mqtt.builtin.users"))
		}
	}
	return list
}

// answers has the running broker say something: that its address is taken says
// nothing of whether it accepts connections.
func (d *Doctor) answers(ctx context.Context, what string, b config.Builtin) Finding {
	took, err := publish.Answers(ctx, b.Listen, b.TLS.Cert != "")
	if err != nil {
		return fail(what+": the daemon runs, and no client is answered: "+err.Error(), "see the daemon's log, and /readyz; too many open files is the usual reason")
	}
	return ok(fmt.Sprintf("%s: it answers in %v", what, took.Round(100*time.Microsecond)))
}

// listenable says whether an address is free, or taken by the daemon itself.
func (d *Doctor) listenable(what, address, key string) Finding {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	switch {
	case err == nil:
		l.Close()
		if d.running() {
			return fail(what+": the daemon runs, and nothing listens there", "see the daemon's log; it takes a new address at a restart only")
		}
		return ok(what + ": the address is free for it")
	case errors.Is(err, syscall.EADDRINUSE) && d.running():
		return ok(what + ": the address is in use, and the daemon runs")
	case errors.Is(err, syscall.EADDRINUSE):
		return fail(what+": the address is taken by another program", "ss -ltnp names it; stop it, or choose another in "+key)
	default:
		return fail(what+": "+err.Error(), "choose an address of this machine in "+key)
	}
}

// checkSparkplug tries the edge node's broker; a birth is not sent, since host
// applications would believe it.
func (d *Doctor) checkSparkplug(ctx context.Context) []Finding {
	s := d.config.Sparkplug
	group, node := s.Group, s.Node
	if group == "" {
		group = d.config.Site
	}
	if node == "" {
		node = d.config.Box
	}
	who := fmt.Sprintf("group %s, node %s", group, node)
	if s.Broker == "" && d.config.MQTT.Broker == "" {
		return []Finding{ok(who + ", at the built-in broker")}
	}
	list := certificates("sparkplug.tls", s.TLS, time.Now())
	a, err := publish.ExternalAccess(d.config.MQTT, d.identity())
	if s.Broker != "" {
		a.Section, a.Broker, a.User, a.Password, a.TLS, err = "sparkplug", s.Broker, s.Username, string(s.Password), s.TLS, nil
		a.ClientID = "faird-" + d.config.Site + "-" + d.config.Box + "-sparkplug-doctor"
	}
	if err != nil {
		return append(list, fail(err.Error(), "correct the keys of mqtt it names"))
	}
	filters := []string{"spBv1.0/" + group + "/NCMD/" + node, "spBv1.0/" + group + "/DCMD/" + node + "/#"}
	if s.PrimaryHost != "" {
		filters = append(filters, "spBv1.0/STATE/"+s.PrimaryHost)
	}
	tried, err := publish.Try(ctx, a, filters, "")
	list = append(list, d.brokerFindings(a, tried, err, "spBv1.0/"+group+"/#")...)
	last := &list[len(list)-1]
	last.Finding = who + ": " + last.Finding
	return list
}

// soon is how long before its end a certificate is warned of.
const soon = 30 * 24 * time.Hour

// expiry says until when a certificate holds.
func expiry(what string, c *x509.Certificate, now time.Time) Finding {
	until := c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.After(c.NotAfter):
		return fail(what+" expired on "+until, "replace it")
	case now.Before(c.NotBefore):
		return fail(what+" is valid only from "+c.NotBefore.UTC().Format(time.RFC3339), "set the clock, or replace it")
	case now.Add(soon).After(c.NotAfter):
		return warn(fmt.Sprintf("%s expires on %s, in %d day(s)", what, until, int(c.NotAfter.Sub(now).Hours()/24)), "replace it; the daemon reads it anew by itself")
	default:
		return ok(what + " is valid until " + until)
	}
}
