// Command results turns the text of go test -bench into JSON: of each benchmark
// and unit the median, least and most of its runs. It reads standard input and
// measures nothing.
//
//	go run ./bench/results <new.txt >new.json
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// report is the JSON.
type report struct {
	About      map[string]string `json:"about"` // goos, goarch, cpu, as go test tells them
	Benchmarks []*benchmark      `json:"benchmarks"`
}

type benchmark struct {
	Package string             `json:"package"`
	Name    string             `json:"name"` // with -N, the number of processors
	Runs    int                `json:"runs"`
	Figures map[string]*figure `json:"figures"` // by unit
}

type figure struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	all    []float64
}

func main() {
	r, err := read(os.Stdin)
	if err == nil {
		err = write(os.Stdout, r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func write(out io.Writer, r *report) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// read fails where a package failed or nothing was measured.
func read(in io.Reader) (*report, error) {
	r := &report{About: map[string]string{}}
	pkg := ""
	for lines := bufio.NewScanner(in); lines.Scan(); {
		line := lines.Text()
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case key == "pkg":
			pkg = value
		case key == "goos" || key == "goarch" || key == "cpu":
			r.About[key] = value
		case strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL"):
			return nil, fmt.Errorf("a benchmark failed: %s", line)
		case strings.HasPrefix(line, "Benchmark"):
			r.add(pkg, strings.Fields(line))
		}
	}
	if len(r.Benchmarks) == 0 {
		return nil, fmt.Errorf("no benchmark on standard input")
	}
	for _, b := range r.Benchmarks {
		for _, f := range b.Figures {
			f.close()
		}
	}
	return r, nil
}

// add takes a line: name, iterations, and pairs of a value and its unit.
func (r *report) add(pkg string, fields []string) {
	if len(fields) < 4 {
		return
	}
	at := slices.IndexFunc(r.Benchmarks, func(b *benchmark) bool { return b.Package == pkg && b.Name == fields[0] })
	if at < 0 {
		at = len(r.Benchmarks)
		r.Benchmarks = append(r.Benchmarks, &benchmark{Package: pkg, Name: fields[0], Figures: map[string]*figure{}})
	}
	b := r.Benchmarks[at]
	b.Runs++
	for k := 2; k+1 < len(fields); k += 2 {
		v, err := strconv.ParseFloat(fields[k], 64)
		if err != nil {
			continue
		}
		unit := fields[k+1]
		if b.Figures[unit] == nil {
			b.Figures[unit] = &figure{}
		}
		b.Figures[unit].all = append(b.Figures[unit].all, v)
	}
}

func (f *figure) close() {
	s := slices.Sorted(slices.Values(f.all))
	f.Least, f.Most, f.Median = s[0], s[len(s)-1], s[len(s)/2]
	if len(s)%2 == 0 {
		f.Median = (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
}
