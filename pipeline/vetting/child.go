package vetting

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"faird/config"
	"faird/inspect"
	"faird/model"
)

// Command is the argument that makes the program a child: see [BeChild].
const Command = "vet-model"

// marker is set in the environment of a child.
const marker = "FAIRD_VETTING"

// order is the line that a child is given before the bytes of the file.
type order struct {
	Name    string `json:"name"` // of the file, for errors
	Bytes   int    `json:"bytes"`
	Library string `json:"library"`
	Threads int    `json:"threads"` // as config.Infer's
	Data    uint64 `json:"data"`    // bytes of memory that it may write to
	CPU     uint64 `json:"cpu"`     // seconds
}

// answer is the line that a child gives.
type answer struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Golden bool   `json:"golden,omitempty"` // the golden samples have other scores here
}

// maxLine bounds an order and an answer.
const maxLine = 64 << 10

// BeChild does nothing in a process that was not started as a child, and never
// returns in one that was. A program that examines models, tests included, calls it
// first.
func BeChild() {
	if len(os.Args) != 2 || os.Args[1] != Command || os.Getenv(marker) == "" {
		return
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve examines one model.
func serve(in io.Reader, out io.Writer) error {
	from := bufio.NewReaderSize(in, maxLine)
	line, err := from.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("the order to examine a model: %w", err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("the order to examine a model: %w", err)
	}
	if err := o.limit(); err != nil {
		return fmt.Errorf("the limits of a process that examines a model: %w", err)
	}
	if o.Bytes < 0 || o.Bytes > model.MaxBytes {
		return fmt.Errorf("a model of %d bytes cannot be examined", o.Bytes)
	}
	data := make([]byte, o.Bytes)
	if _, err := io.ReadFull(from, data); err != nil {
		return fmt.Errorf("the model to be examined: %w", err)
	}
	a := answer{OK: true}
	if err := o.examine(data); err != nil {
		a = answer{Error: string(bytes.ReplaceAll([]byte(err.Error()), []byte("\n"), []byte("; "))), Golden: errors.Is(err, inspect.ErrGolden)}
		a.Error = a.Error[:min(len(a.Error), maxLine/8)] // which JSON may make six times as long
	}
	return json.NewEncoder(out).Encode(a)
}

// limit bounds what this process may take. The address space is not bounded: Go and
// ONNX Runtime reserve far more of it than they use.
func (o order) limit() error {
	const report = 64 << 20 // of ONNX Runtime's on its first run
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: o.Data, unix.RLIMIT_CPU: o.CPU, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: report,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// examine loads the model as the daemon does, on the CPU, and scores its golden
// samples.
func (o order) examine(data []byte) error {
	f, err := model.ParseAs(o.Name, data)
	if err != nil {
		return err
	}
	c := config.Default().Infer
	c.Provider, c.Library, c.Threads = "cpu", o.Library, o.Threads
	m, err := inspect.Open(f, c, zerolog.Nop())
	if err != nil {
		return err
	}
	return m.CheckGolden(context.Background()) // what it leaves open ends with the process
}
