package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy is what a browser may load: this page's own files and nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded does what every request and answer needs.
func (s *Server) guarded(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if s.cert != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !s.ours(r.Host) {
			s.fail(w, r, &problem{http.StatusMisdirectedRequest, "misdirected", "this page is not called " + r.Host + ": name it in web.host"})
			return
		}
		if err := cross.Check(r); err != nil {
			s.fail(w, r, &problem{http.StatusForbidden, "csrf", "the request comes from another site"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a request's Host may be this page's. On loopback a name
// of somebody else's that resolves to 127.0.0.1 must not reach it (DNS
// rebinding), and where web.host is set only that name and addresses are taken.
func (s *Server) ours(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if s.Config.Host != "" && strings.EqualFold(host, s.Config.Host) || strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if s.Config.Loopback() {
		return err == nil && addr.IsLoopback()
	}
	return err == nil || s.Config.Host == ""
}

// clientAddr is where a request comes from; behind a proxy, the proxy.
func clientAddr(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
