package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"strings"
	"testing"

	"faird/config"
)

// What a library prints to Go's standard log becomes a line of the daemon's own.
func TestLibrariesDoNotPrintBetweenTheLines(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, flags := os.Stderr, log.Flags()
	t.Cleanup(func() {
		log.SetFlags(flags)
		log.SetOutput(stderr)
		_ = r.Close()
	})
	os.Stderr = w
	newLog(config.Log{Format: "json"})
	os.Stderr = stderr
	log.Printf("Unsolicited response\nreceived")
	_ = w.Close()
	lines := bufio.NewScanner(r)
	for n := 0; lines.Scan() || n == 0; n++ {
		var line struct{ Level, Message string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level != "debug" || !strings.HasPrefix(line.Message, "Unsolicited") {
			t.Errorf("%q: %v", lines.Text(), err)
		}
	}
}
