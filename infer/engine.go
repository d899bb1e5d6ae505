package infer

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// engineKey says for which model and library an engine was built.
func engineKey(modelHash, version string) string {
	_, digits, _ := strings.Cut(modelHash, ":")
	return short(digits) + "-ort" + version
}

// machineKey says on what an engine was built: GPU, driver and TensorRT. An
// engine of another is refused at best, and wrong at worst.
func machineKey() string {
	var text strings.Builder
	files, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information")
	for _, f := range append(files, "/proc/driver/nvidia/version", "/etc/nv_tegra_release") {
		if b, err := os.ReadFile(f); err == nil {
			text.Write(hardware(b))
		}
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	text.WriteString(mapped(string(maps), "libnvinfer"))
	sum := sha256.Sum256([]byte(text.String()))
	return short(hex.EncodeToString(sum[:]))
}

// hardware keeps of a driver's page what stays the same from boot to boot.
func hardware(page []byte) []byte {
	var kept []byte
	for line := range strings.Lines(string(page)) {
		if key, _, found := strings.Cut(line, ":"); !found || key == "Model" || key == "NVRM version" || strings.HasPrefix(key, "# R") {
			kept = append(kept, line...)
		}
	}
	return kept
}

var libraryFile = regexp.MustCompile(`\S*/(lib[a-z_]+\.so\S*)`)

// mapped finds the file name, with its version, of a library in /proc/self/maps.
func mapped(maps, name string) string {
	for _, m := range libraryFile.FindAllStringSubmatch(maps, -1) {
		if strings.HasPrefix(m[1], name+".so") {
			return m[1]
		}
	}
	return ""
}

func short(digits string) string { return digits[:min(16, len(digits))] }
