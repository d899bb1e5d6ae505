package examine

import (
	"cmp"
	"fmt"
	"image"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// named is how many outliers a line names.
const named = 3

// words say what was found, a line for each kind of finding.
func words(views []*view, r *Report, w, h int) []string {
	var lines []string
	for _, line := range []string{duplicates(views, r), sizes(views, w, h), colours(views), strangers(r)} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// duplicates says how many parts the images show, if fewer than there are images.
func duplicates(views []*view, r *Report) string {
	if r.Parts == len(views) {
		return ""
	}
	members := make([][]int, r.Parts)
	for i, p := range r.Part {
		members[p] = append(members[p], i)
	}
	most := slices.MaxFunc(members, func(a, b []int) int { return cmp.Compare(len(a), len(b)) })
	return fmt.Sprintf("%d images show %s: near-duplicates count once, such as %s and %s",
		len(views), count(r.Parts, "different part"), base(views[most[0]]), base(views[most[1]]))
}

// sizes says that the images do not have one size, and whether they are distorted.
func sizes(views []*view, w, h int) string {
	of := map[image.Point][]*view{}
	for _, v := range views {
		if v.size != (image.Point{}) {
			of[v.size] = append(of[v.size], v)
		}
	}
	if len(of) < 2 {
		return ""
	}
	all := slices.SortedFunc(maps.Keys(of), func(a, b image.Point) int {
		return cmp.Or(cmp.Compare(len(of[b]), len(of[a])), cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y))
	})
	usual, other := all[0], all[1]
	line := fmt.Sprintf("images have %d sizes: %d of %d are %dx%d, %s is %dx%d", len(all), len(of[usual]), len(views), usual.X, usual.Y,
		base(of[other][0]), other.X, other.Y)
	for _, size := range all {
		if a, b := aspect(size), aspect(usual); math.Abs(math.Log(a/b)) > 0.02 {
			return line + fmt.Sprintf("; shapes differ, and all are stretched to %dx%d", w, h)
		}
	}
	return line
}

func aspect(p image.Point) float64 { return float64(p.X) / float64(p.Y) }

// colours says that there are grey images among colour, or the reverse.
func colours(views []*view) string {
	var grey, colour []*view
	for _, v := range views {
		switch {
		case v.stats.Dark > almostAll || v.stats.Saturated > almostAll: // has no colour to show
		case v.grey:
			grey = append(grey, v)
		default:
			colour = append(colour, v)
		}
	}
	switch {
	case len(grey) == 0 || len(colour) == 0:
		return ""
	case len(grey) > len(colour):
		return fmt.Sprintf("%d of %d images have colour, the others are grey: such as %s", len(colour), len(views), base(colour[0]))
	}
	return fmt.Sprintf("%d of %d images are grey, the others have colour: such as %s", len(grey), len(views), base(grey[0]))
}

// strangers names images that are unlike the others.
func strangers(r *Report) string {
	if len(r.Outliers) == 0 {
		return ""
	}
	var names []string
	for _, o := range r.Outliers[:min(len(r.Outliers), named)] {
		names = append(names, fmt.Sprintf("%s (%s)", filepath.Base(o.Name), o.Why))
	}
	if more := len(r.Outliers) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("look at %s, unlike the others: %s", count(len(r.Outliers), "image"), strings.Join(names, ", "))
}

func base(v *view) string { return filepath.Base(v.name) }

// count is such as "1 part" or "2 parts".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
