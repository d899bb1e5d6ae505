package gallery

import "faird/verdict"

// collection is how many more pictures of a station somebody asked for.
type collection struct {
	left  int
	every bool // whatever the verdict; else passes alone
}

// Collect has the archive keep the station's next n pictures, of passed parts
// alone or of any, in place of what was asked for before; 0 ends it. What the
// archive cannot take in time is left out, as ever.
func (g *Gallery) Collect(station string, n int, every bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.collections == nil {
		g.collections = map[string]*collection{}
	}
	g.collections[station] = &collection{n, every}
}

// wanted counts v down where somebody asked for its picture; the gallery's lock
// is held.
func (g *Gallery) wanted(v *verdict.Verdict, why string) string {
	c := g.collections[v.Station]
	if c == nil || c.left <= 0 || g.archive == nil || v.Score == nil || !c.every && v.Verdict != verdict.Pass {
		return why
	}
	c.left--
	if why == "" {
		why = "collect"
	}
	return why
}
