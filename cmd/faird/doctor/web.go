package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"faird/web/account"
)

// checkWeb looks at the operator's page: address, TLS, users, and where the
// daemon runs whether it is ready.
func (d *Doctor) checkWeb(ctx context.Context) []Finding {
	w := d.config.Web
	if w.Listen == "" {
		return []Finding{ok("there is no page: web.listen is empty")}
	}
	list := []Finding{d.listenable("the page at "+w.Listen, w.Listen, "web.listen")}
	if w.TLS.Cert != "" {
		list = append(list, certificate("web.tls.cert", w.TLS.Cert, time.Now()))
		list = append(list, privateKey("web.tls.key", w.TLS.Key)...)
		if _, err := tls.LoadX509KeyPair(w.TLS.Cert, w.TLS.Key); err != nil {
			list = append(list, fail("web.tls: "+err.Error(), "give a certificate and the key that belongs to it"))
		}
	}
	list = append(list, d.checkUsers())
	if d.running() {
		list = append(list, d.checkReady(ctx))
	}
	return list
}

func (d *Doctor) checkUsers() Finding {
	users, tokens, err := account.Open(d.config.Web.Users).List()
	switch {
	case err != nil:
		return fail(err.Error(), "mend or remove "+d.config.Web.Users+", or run this as faird's user")
	case len(users) == 0 && !d.config.Web.Anyone():
		return warn("there is no user, so nobody can look at the page", "faird user add NAME --role admin")
	case len(users) == 0:
		return warn("there is no user, so nobody can mark verdicts or move thresholds", "faird user add NAME --role admin")
	}
	return ok(fmt.Sprintf("%d user(s), %d token(s)", len(users), len(tokens)))
}

// checkReady asks the running daemon.
func (d *Doctor) checkReady(ctx context.Context) Finding {
	const within = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	text, err := d.ready(ctx)
	if err != nil {
		return fail("the daemon runs, and its page does not answer: "+err.Error(), "see its log: journalctl -u faird -n 50")
	}
	var r struct {
		Ready bool
		Why   []string
	}
	switch err := json.Unmarshal(text, &r); {
	case err != nil:
		return fail("what answers at "+d.config.Web.Listen+" is not faird", "ss -ltnp names the program")
	case !r.Ready:
		return fail("the daemon is not ready: "+strings.Join(r.Why, "; "), "mend what it names")
	}
	return ok("the daemon runs and is ready")
}

// ready is the daemon's answer on /readyz, bounded in bytes.
func (d *Doctor) ready(ctx context.Context) ([]byte, error) {
	scheme, host := "http", d.config.Web.Listen
	if d.config.Web.TLS.Cert != "" {
		scheme = "https"
	}
	if name, port, err := net.SplitHostPort(host); err == nil && (name == "" || net.ParseIP(name).IsUnspecified()) {
		host = net.JoinHostPort("127.0.0.1", port)
	}
	// Its certificate is for another name than this address, and nothing secret is sent.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // see above
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+host+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return readAtMost(answer.Body, 1<<20)
}
