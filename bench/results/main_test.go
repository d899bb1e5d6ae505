package main

import (
	"strings"
	"testing"
)

const measured = `goos: linux
goarch: amd64
pkg: faird/inspect
cpu: AMD EPYC
BenchmarkScore-2   	     900	   1300000 ns/op	       0 B/op	       0 allocs/op
BenchmarkScore-2   	     900	   1100000 ns/op	       0 B/op	       0 allocs/op
BenchmarkScore-2   	     900	   9000000 ns/op	       0 B/op	       0 allocs/op
PASS
ok  	faird/inspect	3.1s
pkg: faird/cmd/faird
BenchmarkOutbox 	    2000	    500000 ns/op	      2000 verdicts/s
BenchmarkOutbox 	    2000	    300000 ns/op	      3000 verdicts/s
`

func TestRead(t *testing.T) {
	r, err := read(strings.NewReader(measured))
	if err != nil {
		t.Fatal(err)
	}
	if r.About["cpu"] != "AMD EPYC" || len(r.Benchmarks) != 2 {
		t.Fatalf("%+v", r)
	}
	score, outbox := r.Benchmarks[0], r.Benchmarks[1]
	if score.Package != "faird/inspect" || score.Name != "BenchmarkScore-2" || score.Runs != 3 {
		t.Errorf("%+v", score)
	}
	if f := score.Figures["ns/op"]; f.Median != 1.3e6 || f.Least != 1.1e6 || f.Most != 9e6 {
		t.Errorf("%+v", f)
	}
	if f := outbox.Figures["verdicts/s"]; outbox.Package != "faird/cmd/faird" || f.Median != 2500 {
		t.Errorf("%+v, %+v", outbox, f)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "goos: linux\nPASS\n",
		"failed":         measured + "--- FAIL: BenchmarkX\n",
		"failed package": measured + "FAIL\tfaird/store [build failed]\n",
	} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
