package infer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// tuningsMost bounds what is kept; the oldest goes.
const tuningsMost = 64

// tuningKey says of what model and machine a measurement is.
type tuningKey struct {
	Model     string `json:"model"`
	Processor string `json:"processor"` // see processor
	Cores     int    `json:"cores"`
	Provider  string `json:"provider"`
	Library   string `json:"library"`   // ONNX Runtime's version
	Operators int    `json:"operators"` // operatorsVersion
}

// operatorsVersion grows when our own operators become faster, after which splits
// are measured anew.
const operatorsVersion = 1

// tuning is one measurement.
type tuning struct {
	tuningKey
	Rates []Rate `json:"rates"`
}

// recall returns what was measured for the key, nil where nothing was.
func recall(path string, key tuningKey) ([]Rate, error) {
	all, err := tunings(path)
	for _, t := range all {
		if t.tuningKey == key && valid(t.Rates, key.Cores) {
			return t.Rates, nil
		}
	}
	return nil, err
}

// valid holds where every split fits so many cores.
func valid(rates []Rate, cores int) bool {
	for _, r := range rates {
		if r.Threads < 1 || r.Lanes < 1 || r.Threads+r.Lanes-1 > cores || !(r.Alone > 0) || !(r.Full > 0) {
			return false
		}
	}
	return len(rates) > 0
}

func tunings(path string) (all []tuning, _ error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// tuningsMu lets models that load side by side keep what each was measured to do.
var tuningsMu sync.Mutex

// remember writes a measurement in the place of an older one.
func remember(path string, key tuningKey, rates []Rate) error {
	if path == "" {
		return nil
	}
	tuningsMu.Lock()
	defer tuningsMu.Unlock()
	all, _ := tunings(path) // of a damaged file nothing is kept
	all = slices.DeleteFunc(all, func(t tuning) bool { return t.tuningKey == key })
	all = append(all, tuning{key, rates})
	all = all[max(0, len(all)-tuningsMost):]
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// processor tells one kind of processor from another.
func processor() string {
	page, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return processorOf(string(page))
}

// processorOf keeps of the first processor's lines what makes a kind: x86's
// names, and Arm's.
func processorOf(cpuinfo string) string {
	var kind strings.Builder
	name := ""
	first, _, _ := strings.Cut(cpuinfo, "\n\n")
	for line := range strings.Lines(first) {
		key, value, _ := strings.Cut(line, ":")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); key {
		case "model name":
			name = value
			fallthrough
		case "vendor_id", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "CPU variant", "Features":
			kind.WriteString(key + "=" + value + "\n")
		}
	}
	sum := sha256.Sum256([]byte(kind.String()))
	return strings.TrimSpace(name + " " + short(hex.EncodeToString(sum[:])))
}
