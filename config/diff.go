package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Aspect is a set of what can differ in a station, by what applying it costs.
type Aspect uint

// What can differ in a station.
const (
	Thresholds    Aspect = 1 << iota // threshold, review
	Mask                             // ignore_mask, or the picture in that file
	ROI                              // roi
	Triggering                       // trigger
	OnStorage                        // on_storage
	Source                           // camera
	Model                            // model, or the bytes of that file
	Valid                            // validity
	Geometry                         // rotate, flip, tiles, align, regions, or a file they name
	Acknowledging                    // ack
	Handshaking                      // handshake
	Charts                           // drift
	Shadowing                        // shadow
)

var aspectNames = []string{"thresholds", "ignore_mask", "roi", "trigger", "on_storage", "camera", "model", "validity", "geometry", "ack", "handshake", "drift", "shadow"}

// String lists the aspects.
func (a Aspect) String() string {
	var names []string
	for i, name := range aspectNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Has says whether any of the aspects of b is among those of a.
func (a Aspect) Has(b Aspect) bool { return a&b != 0 }

// Changes is what differs between two configs.
type Changes struct {
	Log     bool            // log.level, log.format
	Restart []string        // keys outside stations and log: only a restart applies them
	Added   []string        // stations
	Removed []string        // stations
	Changed []StationChange // in the order of the new config
}

// StationChange is what differs in a station that both configs have.
type StationChange struct {
	Name    string
	Aspects Aspect
}

// Empty says that nothing differs.
func (c Changes) Empty() bool {
	return !c.Log && len(c.Restart)+len(c.Added)+len(c.Removed)+len(c.Changed) == 0
}

// Diff says what has to be done to go from one config to another. Masks and
// models count as changed too when the files at their paths were.
func Diff(old, now *Config) Changes {
	c := Changes{Log: old.Log != now.Log, Restart: restart(old, now)}
	for i := range now.Stations {
		s := &now.Stations[i]
		before := old.Station(s.Name)
		if before == nil {
			c.Added = append(c.Added, s.Name)
		} else if a := aspects(old, now, before, s); a != 0 {
			c.Changed = append(c.Changed, StationChange{s.Name, a})
		}
	}
	for i := range old.Stations {
		if name := old.Stations[i].Name; now.Station(name) == nil {
			c.Removed = append(c.Removed, name)
		}
	}
	return c
}

func aspects(old, now *Config, a, b *Station) Aspect {
	var set Aspect
	for aspect, differs := range map[Aspect]bool{
		Thresholds: !equal(a.Threshold, b.Threshold) || !equal(a.Review, b.Review),
		Mask:       a.IgnoreMask != b.IgnoreMask || rewritten(old, now, b.IgnoreMask),
		ROI:        !equal(a.ROI, b.ROI),
		Triggering: a.Trigger != b.Trigger,
		OnStorage:  a.OnStorage != b.OnStorage,
		Source:     a.Camera != b.Camera,
		Model:      a.Model != b.Model || rewritten(old, now, b.Model),
		Geometry:   !sameGeometry(a, b) || rewrittenGeometry(old, now, b),
		Valid:      !a.Validity.Equal(b.Validity),
		Charts:     a.Drift != b.Drift,
		Shadowing:  a.Shadow != b.Shadow,

		Acknowledging: a.Ack != b.Ack,
		Handshaking:   a.Handshake != b.Handshake,
	} {
		if differs {
			set |= aspect
		}
	}
	return set
}

func sameGeometry(a, b *Station) bool {
	return a.Rotate == b.Rotate && a.Flip == b.Flip && equal(a.Tiles, b.Tiles) && equal(a.Align, b.Align) &&
		reflect.DeepEqual(a.Regions, b.Regions)
}

func rewrittenGeometry(old, now *Config, s *Station) bool {
	files := []string{}
	if s.Align != nil {
		files = append(files, s.Align.Reference)
	}
	for _, r := range s.Regions {
		files = append(files, r.IgnoreMask, r.Model)
	}
	return slices.ContainsFunc(files, func(path string) bool { return rewritten(old, now, path) })
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// rewritten says whether the file at a path changed between two loads.
func rewritten(old, now *Config, path string) bool {
	if old.source == nil || now.source == nil {
		return false
	}
	a, had := old.source.files[path]
	b, has := now.source.files[path]
	return had && has && a != b
}

// restart lists the keys that differ and are read only at the start.
func restart(old, now *Config) []string {
	a, b := startKeys(old), startKeys(now)
	var keys []string
	for key := range maps.Keys(merged(a, b)) {
		if !reflect.DeepEqual(a[key], b[key]) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func merged(a, b map[string]any) map[string]any {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func startKeys(c *Config) map[string]any {
	m := values(reflect.ValueOf(*c))
	delete(m, "log")
	flat := flatten(m, "")
	for i, u := range c.MQTT.Builtin.Users {
		flat[fmt.Sprintf("mqtt.builtin.users[%d]", i)] = u
	}
	return flat
}

func flatten(m map[string]any, at string) map[string]any {
	flat := map[string]any{}
	for key, value := range m {
		if sub, ok := value.(map[string]any); ok {
			maps.Copy(flat, flatten(sub, join(at, key)))
		} else {
			flat[join(at, key)] = value
		}
	}
	return flat
}
