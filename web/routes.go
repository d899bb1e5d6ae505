package web

import (
	"net/http"

	"faird/web/account"
)

// route is one operation of the API; openapi.yaml has the same ones, which a
// test holds.
type route struct {
	method, path string
	need         account.Role // to be asked for it
	handle       func(*Server, http.ResponseWriter, *http.Request) error
}

var routes = []route{
	{"POST", "/api/login", account.None, (*Server).login},
	{"POST", "/api/logout", account.None, (*Server).logout},
	{"GET", "/api/session", account.None, (*Server).session},
	{"GET", "/api/state", account.Viewer, (*Server).state},
	{"GET", "/api/events", account.Viewer, (*Server).events},
	{"GET", "/api/stations/{station}/live/{view}", account.Viewer, (*Server).livePicture},
	{"GET", "/api/stations/{station}/scores", account.Viewer, (*Server).scores},
	{"GET", "/api/stations/{station}/threshold", account.Viewer, (*Server).threshold},
	{"PUT", "/api/stations/{station}/threshold", account.Operator, (*Server).setThreshold},
	{"DELETE", "/api/stations/{station}/threshold", account.Operator, (*Server).clearThreshold},
	{"GET", "/api/stations/{station}/threshold/preview", account.Viewer, (*Server).previewThreshold},
	{"POST", "/api/stations/{station}/pause", account.Operator, (*Server).pause},
	{"POST", "/api/stations/{station}/resume", account.Operator, (*Server).resume},
	{"GET", "/api/models", account.Viewer, (*Server).models},
	{"GET", "/api/stations/{station}/shadow", account.Viewer, (*Server).trial},
	{"PUT", "/api/stations/{station}/shadow", account.Operator, (*Server).setShadow},
	{"DELETE", "/api/stations/{station}/shadow", account.Operator, (*Server).clearShadow},
	{"POST", "/api/stations/{station}/promote", account.Operator, (*Server).promote},
	{"POST", "/api/stations/{station}/undo", account.Operator, (*Server).undo},
	{"GET", "/api/history", account.Viewer, (*Server).history},
	{"GET", "/api/verdicts/{id}", account.Viewer, (*Server).verdict},
	{"GET", "/api/verdicts/{id}/{view}", account.Viewer, (*Server).storedPicture},
	{"PUT", "/api/verdicts/{id}/mark", account.Operator, (*Server).mark},
	{"DELETE", "/api/verdicts/{id}/mark", account.Operator, (*Server).unmark},
	{"GET", "/api/review", account.Viewer, (*Server).review},
	{"GET", "/api/review/export", account.Operator, (*Server).export},
	{"GET", "/api/training", account.Viewer, (*Server).training},
	{"POST", "/api/training", account.Operator, (*Server).startTraining},
	{"DELETE", "/api/training", account.Operator, (*Server).cancelTraining},
	{"GET", "/api/audit", account.Admin, (*Server).audit},
	{"GET", "/api/openapi.yaml", account.None, (*Server).openapi},
	{"GET", "/metrics", account.Viewer, (*Server).serveMetrics},
	{"GET", "/healthz", account.None, (*Server).healthz},
	{"GET", "/readyz", account.None, (*Server).readyz},
}

// routed is the API and, for everything else, the page's files.
func (s *Server) routed() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, s.operation(r))
	}
	mux.Handle("GET /static/", http.HandlerFunc(s.file))
	mux.Handle("GET /{$}", http.HandlerFunc(s.file))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &problem{http.StatusNotFound, "not_found", "there is nothing at " + r.URL.Path})
	})
	return mux
}

// operation asks for the right, then carries out.
func (s *Server) operation(o route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.identify(r)
		if err == nil {
			err = s.allow(r, who, o)
		}
		if err == nil {
			err = o.handle(s, w, r.WithContext(withIdentity(r.Context(), who)))
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}
