package imagefolder

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Skipped counts the entries of a folder that are not images of parts, by
// reason.
type Skipped struct{ groups []group }

type group struct {
	Reason
	n       int
	example string // name of the first one below the folder that is listed
}

func (s *Skipped) add(r Reason, name string) {
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.Reason == r })
	if i < 0 {
		s.groups = append(s.groups, group{r, 1, name})
		return
	}
	s.groups[i].n++
}

// Add adds what another listing skipped.
func (s *Skipped) Add(other *Skipped) {
	for _, g := range other.groups {
		s.add(g.Reason, g.example)
		i := slices.IndexFunc(s.groups, func(own group) bool { return own.Reason == g.Reason })
		s.groups[i].n += g.n - 1
	}
}

// Entries is how many were skipped. A folder counts as one, whatever it holds.
func (s *Skipped) Entries() int {
	n := 0
	for _, g := range s.groups {
		n += g.n
	}
	return n
}

// Of is String as a line about a folder, "" if nothing was skipped.
func (s *Skipped) Of(dir string) string {
	if len(s.groups) == 0 {
		return ""
	}
	return fmt.Sprintf("left out of %s: %s", dir, s)
}

// String says in one line what was skipped and why, "" if nothing was: "2 hidden
// files (such as ._001.png), 1 hidden folder (.ipynb_checkpoints)".
func (s *Skipped) String() string {
	groups := slices.Clone(s.groups)
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(b.n, a.n) })
	parts := make([]string, len(groups))
	for i, g := range groups {
		if _, word, _ := strings.Cut(g.one, " "); g.n == 1 {
			parts[i] = fmt.Sprintf("1 %s (%s)", word, g.example)
		} else {
			parts[i] = fmt.Sprintf("%d %s (such as %s)", g.n, g.many, g.example)
		}
	}
	return strings.Join(parts, ", ")
}
