package infer

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"faird/model"
)

// A session's own memory is had, used and given back; that of a GPU is the same
// but for its name, which only a session with a GPU knows.
func TestTensorsInASessionsMemory(t *testing.T) {
	g := openAddition(t)
	closed := false
	data, free, err := g.allocate("Cpu", 4)
	if err != nil {
		t.Fatal(err)
	}
	in, err := newTensor([]int64{4}, data, func() error { closed = true; return free() })
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.NewTensor(4)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if !slices.Equal(in.Data(), make([]float32, 4)) {
		t.Errorf("new memory holds %v", in.Data())
	}
	copy(in.Data(), []float32{1, 2, 3, 4})
	if err := g.Run(context.Background(), []*Tensor{in}, []*Tensor{out}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Data(), []float32{2, 4, 6, 8}) {
		t.Errorf("the sum is %v", out.Data())
	}
	// The memory outlives the graph's closing, and the session with it.
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	in.Data()[3] = 7
	if err := in.Close(); err != nil || !closed {
		t.Errorf("closing the tensor: %v, given back: %v", err, closed)
	}
	if g.users != 0 {
		t.Errorf("%d hold the session still", g.users)
	}
	if _, _, err := g.allocate("Cpu", 4); err == nil {
		t.Error("a closed graph gave memory")
	}
}

func TestMemoryThatIsNotThere(t *testing.T) {
	g := openAddition(t)
	defer g.Close()
	g.pinned = cudaPinned
	if hasPinned(g) {
		t.Skip("this machine has a GPU's memory")
	}
	if g.users != 1 { // its own call
		t.Errorf("%d hold the session", g.users)
	}
}

// A runner does without, and says so.
func TestRunnerWithoutPinnedMemory(t *testing.T) {
	g := openAddition(t)
	defer g.Close()
	if g.pinned = cudaPinned; hasPinned(g) {
		t.Skip("this machine has a GPU's memory")
	}
	var log bytes.Buffer
	s := &Session{file: &model.File{Spec: model.Spec{Width: 8, Height: 4, Channels: 1}}, provider: CPU, log: zerolog.New(&log)}
	r, err := s.runner(g, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Input()) != 2*8*4 || len(r.Output()) != 2*3*8*4 {
		t.Errorf("%d numbers in, %d out", len(r.Input()), len(r.Output()))
	}
	if !strings.Contains(log.String(), "the slower way") {
		t.Errorf("the log says %q", log.String())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if g.users != 1 {
		t.Errorf("%d hold the session", g.users)
	}
}

func hasPinned(g *Graph) bool {
	x, err := g.NewTensor(4)
	return err == nil && x.Close() == nil
}

func openAddition(t *testing.T) *Graph {
	t.Helper()
	onnx, err := proto.Marshal(addition())
	if err != nil {
		t.Fatal(err)
	}
	g, err := OpenGraph(onnx, GraphOptions{})
	if err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	return g
}
