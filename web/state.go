package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"faird/pipeline"
	"faird/pipeline/gallery"
	"faird/publish"
	"faird/store"
	"faird/verdict"
)

// stateJSON is the box as the page shows it.
type stateJSON struct {
	Site     string        `json:"site"`
	Box      string        `json:"box"`
	Version  string        `json:"version"`
	Time     verdict.Time  `json:"time"`
	Started  verdict.Time  `json:"started"`
	Stations []stationJSON `json:"stations"`
	Broker   brokerJSON    `json:"broker"`
	Outbox   outboxJSON    `json:"outbox"`
	Store    storeJSON     `json:"store"`
	Archive  archiveJSON   `json:"archive"`
	Disk     diskJSON      `json:"disk"`
}

type stationJSON struct {
	Name          string              `json:"name"`
	Ready         bool                `json:"ready"`
	Why           string              `json:"why"`
	Starting      bool                `json:"starting"`
	Paused        bool                `json:"paused"`
	Camera        publish.CameraState `json:"camera"`
	Model         string              `json:"model"`
	Provider      string              `json:"provider"`
	Trigger       string              `json:"trigger"`
	Threshold     *float64            `json:"threshold"`
	ThresholdFrom string              `json:"threshold_from"`
	Review        *float64            `json:"review"`
	Counts        publish.Counts      `json:"counts"`
	Rate          float64             `json:"rate"`
	Drift         []publish.Drift     `json:"drift"`
	Last          *eventJSON          `json:"last"`
}

type brokerJSON struct {
	Connected  bool         `json:"connected"`
	URL        string       `json:"url"`
	Builtin    bool         `json:"builtin"`
	Since      verdict.Time `json:"since"`
	Error      string       `json:"error"`
	Reconnects uint64       `json:"reconnects"`
}

type outboxJSON struct {
	Rows    int64        `json:"rows"`
	Bytes   int64        `json:"bytes"`
	Oldest  verdict.Time `json:"oldest"`
	Dropped uint64       `json:"dropped"`
}

type storeJSON struct {
	Bytes    int64  `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	Error    string `json:"error"`
}

type archiveJSON struct {
	Pictures int64  `json:"pictures"`
	Bytes    int64  `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	Skipped  uint64 `json:"skipped"`
	Error    string `json:"error"`
}

type diskJSON struct {
	Free  int64 `json:"free"`
	Total int64 `json:"total"`
	Floor int64 `json:"floor"`
}

// eventJSON is a verdict as browsers get it.
type eventJSON struct {
	Key     int64            `json:"key"`
	Verdict *verdict.Verdict `json:"verdict"`
	View    *viewJSON        `json:"view"`
	Counts  publish.Counts   `json:"counts"`
}

// viewJSON is a verdict's pictures: their addresses, "" for what there is not,
// and how they lie over each other.
type viewJSON struct {
	Width    int        `json:"width"`
	Height   int        `json:"height"`
	Field    store.Rect `json:"field"`
	Thumb    string     `json:"thumb"`
	Picture  string     `json:"picture"`
	Restored string     `json:"restored"`
	Map      string     `json:"map"`
}

func (s *Server) state(w http.ResponseWriter, _ *http.Request) error { return ok(w, s.describe()) }

// describe is the state as of now; nothing in it waits.
func (s *Server) describe() stateJSON {
	out := stateJSON{
		Site: s.Identity.Site, Box: s.Identity.Box, Version: s.Identity.Version,
		Time: verdict.Time{Time: time.Now()}, Started: verdict.Time{Time: s.started},
		Stations: []stationJSON{},
	}
	states := s.Stations.States()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		out.Stations = append(out.Stations, s.describeStation(name, states[name]))
	}
	b := s.Broker.Status()
	out.Broker = brokerJSON{b.Connected, b.Broker, b.Builtin, verdict.Time{Time: b.Since}, b.Err, b.Reconnects}
	t := s.Store.Stats()
	out.Outbox = outboxJSON{t.OutboxRows, t.OutboxBytes, verdict.Time{Time: t.Oldest}, t.Dropped.Total()}
	out.Store = storeJSON{t.Bytes, t.MaxBytes, t.Err}
	if s.Archive != nil {
		a := s.Archive.Stats()
		out.Archive = archiveJSON{a.Pictures, a.Bytes, a.MaxBytes, s.Pictures.Skipped(), a.Err}
		out.Disk = diskJSON{a.Free, a.Total, a.Floor}
	}
	return out
}

func (s *Server) describeStation(name string, st publish.StationState) stationJSON {
	last, perMinute := s.Feed.past(name)
	out := stationJSON{
		Name: name, Ready: st.Ready, Why: st.Why, Starting: st.Why == pipeline.Starting, Paused: st.Paused, Camera: st.Camera, Model: st.Model, Provider: st.Provider,
		Trigger: st.Trigger, Threshold: st.Threshold, ThresholdFrom: st.ThresholdFrom, Review: st.Review, Counts: st.Counts,
		Rate: perMinute, Drift: append([]publish.Drift{}, st.Drift...),
	}
	if last != nil {
		e := s.describeEvent(last)
		e.Counts = st.Counts
		out.Last = &e
	}
	return out
}

func (s *Server) describeEvent(e *event) eventJSON {
	out := eventJSON{Key: e.key, Verdict: e.verdict, Counts: s.Stations.States()[e.verdict.Station].Counts}
	if e.view != nil {
		v := describeView(*e.view, "/api/stations/"+e.verdict.Station+"/live/", "?id="+e.verdict.ID)
		out.View = &v
	}
	return out
}

func describeView(v gallery.View, before, after string) viewJSON {
	out := viewJSON{Width: v.Width, Height: v.Height, Field: v.Field, Thumb: before + "thumb" + after, Picture: before + "picture" + after}
	if v.Judged {
		out.Map = before + "map" + after
	}
	if v.Restored {
		out.Restored = before + "restored" + after
	}
	return out
}
