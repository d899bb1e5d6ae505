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

// shorten takes off the names the folder that all have in common.
func shorten(views []*view) {
	common := ""
	for i, v := range views {
		dir := filepath.Dir(v.name)
		if i == 0 {
			common = dir
		}
		for common != dir && !strings.HasPrefix(dir, strings.TrimSuffix(common, "/")+"/") && common != filepath.Dir(common) {
			common = filepath.Dir(common)
		}
	}
	for _, v := range views {
		if name, err := filepath.Rel(common, v.name); err == nil {
			v.name = name
		}
	}
}

// words say what was found, a line for each kind of finding.
func words(views []*view, r *Report, w, h int) []string {
	var lines []string
	for _, line := range []string{duplicates(views, r), sizes(views, w, h), colours(views), strangers(views, r)} {
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
		len(views), count(r.Parts, "different part"), views[most[0]].name, views[most[1]].name)
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
	usual := all[0]
	var others []string
	for _, size := range all[1:min(len(all), 1+named)] {
		others = append(others, fmt.Sprintf("%s is %dx%d", of[size][0].name, size.X, size.Y))
	}
	line := fmt.Sprintf("images have %d sizes: %d of %d are %dx%d; %s", len(all), len(of[usual]), len(views), usual.X, usual.Y,
		strings.Join(others, ", "))
	if slices.ContainsFunc(all, func(size image.Point) bool { return math.Abs(math.Log(aspect(size)/aspect(usual))) > 0.02 }) {
		line += fmt.Sprintf("; all are stretched to %dx%d, whatever their shape", w, h)
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
		return fmt.Sprintf("colour images among grey ones: %d of %d, such as %s", len(colour), len(views), colour[0].name)
	}
	return fmt.Sprintf("grey images among colour ones: %d of %d, such as %s", len(grey), len(views), grey[0].name)
}

// strangers names images that are unlike the others.
func strangers(views []*view, r *Report) string {
	if len(r.Outliers) == 0 {
		return ""
	}
	var names []string
	for _, o := range r.Outliers[:min(len(r.Outliers), named)] {
		names = append(names, fmt.Sprintf("%s (%s)", views[o.Index].name, o.Why))
	}
	if more := len(r.Outliers) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("look at %s, unlike the others: %s", count(len(r.Outliers), "image"), strings.Join(names, ", "))
}

// count is such as "1 part" or "2 parts".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
