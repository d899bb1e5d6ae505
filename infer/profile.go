package infer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// usage counts the kernels of one run by the provider that ran them.
type usage map[string]int

// profiledRun makes one run and has ONNX Runtime report it. The graph must
// have been opened with a profile; afterwards profiling is off.
func (g *Graph) profiledRun(ctx context.Context, inputs, outputs []*Tensor) (usage, error) {
	runErr := g.Run(ctx, inputs, outputs)
	name, err := endProfiling(g.raw)
	if err := errors.Join(runErr, err); err != nil {
		return nil, err
	}
	report, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the report of the first run: %w", err)
	}
	return parseProfile(report)
}

// parseProfile reads ONNX Runtime's report: an array of events, of which
// those of kind Node with a provider are kernels that ran.
func parseProfile(report []byte) (usage, error) {
	var events []struct {
		Kind string          `json:"cat"`
		Args json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(report, &events); err != nil {
		return nil, fmt.Errorf("the report of the first run is not what ONNX Runtime writes: %w", err)
	}
	u := usage{}
	for _, e := range events {
		var args struct {
			Provider string `json:"provider"`
		}
		if e.Kind == "Node" && json.Unmarshal(e.Args, &args) == nil && args.Provider != "" {
			u[args.Provider]++
		}
	}
	if len(u) == 0 {
		return nil, errors.New("ONNX Runtime reports no kernel of the first run, so what ran is unknown")
	}
	return u, nil
}

// main is the provider that ran the most kernels; on a tie, not the CPU.
func (u usage) main() Provider {
	best, most := CPU, u["CPUExecutionProvider"]
	for name, n := range u {
		if n > most || n == most && best == CPU {
			best, most = providerOf(name), n
		}
	}
	return best
}

// only says whether nothing but p ran.
func (u usage) only(p Provider) bool {
	for name := range u {
		if providerOf(name) != p {
			return false
		}
	}
	return len(u) > 0
}

// String lists the counts: "CPUExecutionProvider 3, CUDAExecutionProvider 40".
func (u usage) String() string {
	parts := make([]string, 0, len(u))
	for name, n := range u {
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

func providerOf(name string) Provider {
	if p, ok := reported[name]; ok {
		return p
	}
	return Provider(name)
}

// profileFolder makes a folder for a profile and returns the file prefix to
// give to ONNX Runtime, and what removes it all.
func profileFolder() (prefix string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "faird-profile-")
	if err != nil {
		return "", nil, fmt.Errorf("a folder for the report of the first run: %w", err)
	}
	return filepath.Join(dir, "run"), func() { _ = os.RemoveAll(dir) }, nil
}
