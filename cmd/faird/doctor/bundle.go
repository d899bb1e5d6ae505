package doctor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"faird/config/redact"
	"faird/store"
)

const (
	bundleLines    = "2000" // of the journal
	bundleVerdicts = 200
)

// part is a file of the bundle.
type part struct {
	name string
	text []byte
}

// Bundle writes the file for whoever helps, with secrets masked in every byte of
// it. What cannot be had is said in its place.
func (d *Doctor) Bundle(ctx context.Context, path string, r *Diagnosis) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("bundle: %w: name another file with --bundle", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pack(file, d.parts(ctx, r)); err != nil {
		return fmt.Errorf("bundle %s: %w", path, err)
	}
	return nil
}

func pack(w io.Writer, parts []part) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	now := time.Now()
	for _, p := range parts {
		body := []byte(redact.Text(string(p.text)))
		if strings.Contains(p.name, ".json") {
			body = redact.JSON(p.text)
		}
		h := &tar.Header{Name: "faird-doctor/" + p.name, Mode: 0o600, Size: int64(len(body)), ModTime: now}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(body); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func (d *Doctor) parts(ctx context.Context, r *Diagnosis) []part {
	var text, asJSON bytes.Buffer
	_, _ = r.Print(&text), r.Encode(&asJSON) // to memory
	list := []part{
		{"report.txt", text.Bytes()},
		{"report.json", asJSON.Bytes()},
		{"versions.txt", d.versions()},
		{"system.txt", d.system(ctx)},
		{"unit.txt", d.told(ctx, "systemctl", "cat", service, "--no-pager")},
		{"journal.txt", d.told(ctx, "journalctl", "-u", service, "-n", bundleLines, "-o", "short-iso-precise", "--no-pager")},
		{"environment.txt", environment(os.Environ())},
	}
	if d.config == nil {
		return append(list, part{"config.yaml", []byte("# the config cannot be read; report.txt says why\n")})
	}
	list = append(list, part{"config.yaml", []byte("# " + d.config.Hash() + "\n" + d.config.Show())})
	return append(list, d.history(ctx)...)
}

func (d *Doctor) versions() []byte {
	return fmt.Appendf(nil, "faird %s (%s)\n%s %s/%s\nOpenCV %s, gocv %s\n", d.options.Version, d.options.Commit,
		runtime.Version(), runtime.GOOS, runtime.GOARCH, gocv.OpenCVVersion(), gocv.Version())
}

// system is the machine, as far as faults come from it.
func (d *Doctor) system(ctx context.Context) []byte {
	var b bytes.Buffer
	for _, path := range []string{"/etc/os-release", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo", "/proc/pressure/io", "/proc/pressure/memory"} {
		text, err := os.ReadFile(path)
		if err != nil {
			text = []byte(err.Error() + "\n")
		}
		fmt.Fprintf(&b, "== %s\n%s\n", path, text)
	}
	for _, c := range []string{"df -h", "ip -brief address", "timedatectl", "lsusb"} {
		words := strings.Fields(c)
		fmt.Fprintf(&b, "== %s\n%s\n", c, d.told(ctx, words[0], words[1:]...))
	}
	return b.Bytes()
}

// told is what a program prints, or why it does not.
func (d *Doctor) told(ctx context.Context, name string, arguments ...string) []byte {
	out, err := d.command(ctx, name, arguments...)
	if err != nil {
		out += err.Error() + "\n"
	}
	return []byte(out)
}

// environment is the names of faird's variables; their values are in the config.
func environment(list []string) []byte {
	var b bytes.Buffer
	for _, line := range list {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "FAIRD_") || strings.HasSuffix(name, "_DIRECTORY") {
			b.WriteString(name + "\n")
		}
	}
	return b.Bytes()
}

// history is the state of the database, what the daemon says of itself, and the
// newest verdicts.
func (d *Doctor) history(ctx context.Context) []part {
	p, err := store.Peek(ctx, d.config.Store, bundleVerdicts)
	state := struct {
		store.Peeked
		Running bool            `json:"daemon_running"`
		Ready   json.RawMessage `json:"ready,omitempty"`
		Error   string          `json:"error,omitempty"`
	}{Peeked: p, Running: d.running()}
	if err != nil {
		state.Error = err.Error()
	}
	if state.Running && d.config.Web.Listen != "" {
		ctx, cancel := context.WithTimeout(ctx, commandTimeout)
		defer cancel()
		if text, err := d.ready(ctx); err == nil && json.Valid(text) {
			state.Ready = text
		}
	}
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		text = []byte(err.Error())
	}
	var lines bytes.Buffer
	for _, v := range p.Verdicts {
		lines.Write(append(v, '\n'))
	}
	return []part{{"state.json", append(text, '\n')}, {"verdicts.jsonl", lines.Bytes()}}
}

func readAtMost(r io.Reader, most int64) ([]byte, error) { return io.ReadAll(io.LimitReader(r, most)) }
