package fit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Identity is what a checkpoint belongs to: every option and every picture that
// the result depends on, by name. A checkpoint is only resumed under the same,
// but for the names that Load is told may differ.
type Identity map[string]string

// Checkpoint says where and how often the state is saved.
type Checkpoint struct {
	Path     string // "" saves nothing
	Every    time.Duration
	Identity Identity
}

// The file: a line that names the format, the header's length (uint32), the
// header as JSON, the vectors (float32, little endian) in the header's order,
// and the SHA-256 of everything before.
const checkpointFormat = "faird checkpoint 1\n"

const maxHeader = 1 << 20

type header struct {
	Identity Identity      `json:"identity"`
	Step     int           `json:"step"`
	Spent    time.Duration `json:"spent_ns"`
	Lengths  []vector      `json:"vectors"`
}

type vector struct {
	Name   string `json:"name"`
	Length int    `json:"length"`
}

// Save writes the state to a file that is either the old one or whole: a
// temporary file, synced, then renamed. A state that holds anything but numbers
// is refused, so that the last checkpoint stays a good one.
func Save(path string, id Identity, s *State) error {
	if !s.finite() {
		return fmt.Errorf("%w: the weights after step %d are no numbers; %s keeps the last good ones", ErrDiverged, s.Step, path)
	}
	if err := replace(path, func(w io.Writer) error { return encode(w, id, s) }); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return nil
}

func encode(w io.Writer, id Identity, s *State) error {
	h := header{Identity: id, Step: s.Step, Spent: s.Spent}
	vectors := s.vectors()
	for _, name := range slices.Sorted(maps.Keys(vectors)) {
		h.Lengths = append(h.Lengths, vector{name, len(*vectors[name])})
	}
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<20)
	front := append([]byte(checkpointFormat), binary.LittleEndian.AppendUint32(nil, uint32(len(head)))...)
	_, err = buffered.Write(append(front, head...))
	for _, v := range h.Lengths {
		err = errors.Join(err, binary.Write(buffered, binary.LittleEndian, *vectors[v.Name]))
	}
	if err = errors.Join(err, buffered.Flush()); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// Load reads a checkpoint of the same identity, but for the names in may.
func Load(path string, id Identity, may ...string) (*State, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s, err := decode(data, id, may)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return s, nil
}

var errDamaged = errors.New("the file is damaged or cut short; start again without it")

func decode(data []byte, id Identity, may []string) (*State, error) {
	body, ok := bytes.CutPrefix(data, []byte(checkpointFormat))
	if !ok {
		return nil, errors.New("not a checkpoint of this version of faird")
	}
	if len(body) < 4+sha256.Size {
		return nil, errDamaged
	}
	end := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, errDamaged
	}
	body = body[:len(body)-sha256.Size]
	n := int(binary.LittleEndian.Uint32(body))
	if n > maxHeader || n > len(body)-4 {
		return nil, errDamaged
	}
	var h header
	if err := json.Unmarshal(body[4:4+n], &h); err != nil {
		return nil, errDamaged
	}
	if err := h.Identity.same(id, may); err != nil {
		return nil, err
	}
	return h.vectors(body[4+n:])
}

func (h header) vectors(body []byte) (*State, error) {
	s := &State{Step: h.Step, Spent: h.Spent, Identity: h.Identity}
	into := s.vectors()
	for _, v := range h.Lengths {
		to, known := into[v.Name]
		if !known || v.Length < 0 || v.Length > len(body)/4 {
			return nil, errDamaged
		}
		*to = make([]float32, v.Length)
		if _, err := binary.Decode(body, binary.LittleEndian, *to); err != nil {
			return nil, errDamaged
		}
		body = body[4*v.Length:]
	}
	if len(body) != 0 {
		return nil, errDamaged
	}
	return s, nil
}

// same says in what a checkpoint's identity differs from the one asked for.
func (i Identity) same(want Identity, may []string) error {
	var differ []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if i[k] != want[k] && !slices.Contains(may, k) {
			differ = append(differ, fmt.Sprintf("%s is %q there and %q here", k, i[k], want[k]))
		}
	}
	if differ != nil || len(i) != len(want) {
		return fmt.Errorf("it belongs to another training (%s): give the same options and pictures, or start again without it", strings.Join(differ, ", "))
	}
	return nil
}
