package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/pipeline"
)

// checkOpenCV says which build is loaded and what it can read pictures with.
func (d *Doctor) checkOpenCV(context.Context) []Finding {
	names := func(list []gocv.VideoCaptureAPI) (out []string) {
		for _, api := range list {
			out = append(out, gocv.VideoRegistry.GetBackendName(api))
		}
		return out
	}
	cameras, streams := names(gocv.VideoRegistry.GetCameraBackends()), names(gocv.VideoRegistry.GetStreamBackends())
	f := ok(fmt.Sprintf("%s (gocv %s): cameras by %s; streams and files by %s",
		gocv.OpenCVVersion(), gocv.Version(), strings.Join(cameras, ", "), strings.Join(streams, ", ")))
	list := []Finding{f.with(map[string]any{"version": gocv.OpenCVVersion(), "cameras": cameras, "streams": streams})}
	for scheme, need := range map[string]gocv.VideoCaptureAPI{"rtsp": gocv.VideoCaptureFFmpeg, "v4l2": gocv.VideoCaptureV4L2} {
		if d.uses(scheme) && !gocv.VideoRegistry.HasBackend(need) {
			list = append(list, fail("this OpenCV has no "+gocv.VideoRegistry.GetBackendName(need)+", which "+scheme+":// cameras need",
				"apt install libopencv-videoio406, or run the build of the distribution's OpenCV"))
		}
	}
	return list
}

func (d *Doctor) infer() config.Infer {
	if d.config != nil {
		return d.config.Infer
	}
	return config.Default().Infer
}

// checkRuntime loads ONNX Runtime and has each provider that is asked for run
// one addition.
func (d *Doctor) checkRuntime(context.Context) []Finding {
	c := d.infer()
	l, err := infer.Load(c.Library)
	if err != nil {
		return []Finding{fail(err.Error(), "set infer.library to a libonnxruntime of "+infer.MinVersion+" or newer, or run make deps")}
	}
	list := []Finding{ok(fmt.Sprintf("%s (%s), at least %s is needed", l.Version, l.Path, infer.MinVersion)).
		with(map[string]string{"version": l.Version, "path": l.Path})}
	wanted := infer.Provider(c.Provider)
	try := []infer.Provider{infer.CPU}
	switch wanted {
	case infer.Auto, "":
		try = []infer.Provider{infer.CUDA, infer.CPU}
	case infer.CUDA, infer.TensorRT:
		try = []infer.Provider{wanted, infer.CPU}
	}
	for _, p := range try {
		list = append(list, d.checkProvider(p, wanted, c))
	}
	return list
}

func (d *Doctor) checkProvider(p, wanted infer.Provider, c config.Infer) Finding {
	err := infer.Check(p, c)
	switch {
	case err == nil:
		return ok("provider " + string(p) + " runs")
	case p == infer.CPU || p == wanted && c.IsStrict():
		return fail(err.Error(), "docs/providers.md says what the provider needs; or set infer.provider to cpu")
	case p == wanted:
		return warn(err.Error()+"; the CPU does the work", "docs/providers.md says what the provider needs")
	case hasGPU(nvidiaVersion):
		return warn("there is a GPU, and "+err.Error(), "docs/providers.md says which provider libraries go beside ONNX Runtime")
	default:
		return ok("provider " + string(p) + " does not run here, so infer.provider auto takes the CPU")
	}
}

// nvidiaVersion is where NVIDIA's driver tells its version.
const nvidiaVersion = "/proc/driver/nvidia/version"

func hasGPU(path string) bool { _, err := os.Stat(path); return err == nil }

// checkGPU says which GPU and driver there are; none is not wrong.
func (d *Doctor) checkGPU(ctx context.Context) []Finding {
	out, err := d.command(ctx, "nvidia-smi", "--query-gpu=name,driver_version,memory.total,temperature.gpu,power.draw", "--format=csv,noheader")
	switch {
	case err == nil && strings.TrimSpace(out) != "":
		var list []Finding
		for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
			list = append(list, ok("NVIDIA "+line))
		}
		return list
	case hasGPU(nvidiaVersion):
		text, _ := os.ReadFile(nvidiaVersion)
		first, _, _ := strings.Cut(string(text), "\n")
		if err == nil || notInstalled(err) {
			return []Finding{ok("driver " + strings.TrimSpace(first))}
		}
		return []Finding{warn(fmt.Sprintf("driver %s, but %v", strings.TrimSpace(first), err), "reboot after an update of the driver; dmesg | grep -i nvrm names its errors")}
	}
	if text, err := os.ReadFile("/proc/device-tree/model"); err == nil && strings.Contains(string(text), "NVIDIA") {
		return []Finding{ok(strings.Trim(string(text), "\x00\n ") + " (integrated GPU)")}
	}
	if p := d.infer().Provider; p == string(infer.CUDA) || p == string(infer.TensorRT) {
		return []Finding{fail("no NVIDIA GPU is seen, and infer.provider is "+p, "install the driver and pass the device into the container, or set infer.provider to cpu")}
	}
	return []Finding{ok("no NVIDIA GPU; the network runs on the CPU")}
}

// models are the files that the stations name, each once.
func (d *Doctor) models() (list []string) {
	seen := map[string]bool{"": true}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			list = append(list, path)
		}
	}
	for _, s := range d.stations() {
		add(s.Model)
		for _, r := range s.Regions {
			add(r.Model)
		}
	}
	return list
}

// checkModel reads a model and has it score its golden samples, as the daemon
// does before it is ready.
func (d *Doctor) checkModel(ctx context.Context, path string) []Finding {
	file, err := pipeline.VetModel(ctx, path, d.infer(), zerolog.Nop())
	if file == nil {
		return []Finding{fail(err.Error(), "train or copy the model, or name another in the station's model")}
	}
	what := fmt.Sprintf("%s, %dx%d, width %d", file.Hash[:min(len(file.Hash), 19)], file.Width, file.Height, file.BaseWidth())
	if err != nil {
		return []Finding{fail(what+": "+err.Error(), "the daemon refuses it too: train or calibrate the model again on this kind of machine, or name another")}
	}
	m, err := inspect.Open(file, d.infer(), zerolog.Nop())
	if err != nil {
		return []Finding{fail(what+": "+err.Error(), "see what onnx runtime says above")}
	}
	defer m.Close()
	if err := m.CheckGolden(ctx); err != nil {
		return []Finding{fail(what+": "+err.Error(), "the daemon refuses it too: choose another provider, or train or calibrate the model again on this kind of machine")}
	}
	what += fmt.Sprintf(", on %s in %s, %d golden samples as they should be", m.Provider(), m.Precision(), len(file.Golden))
	switch {
	case file.Calibration == nil && d.lacksThreshold(path):
		return []Finding{warn(what+", but it has no threshold", "run faird calibrate, or set the station's threshold")}
	case len(file.Golden) == 0:
		return []Finding{warn(what+": nothing shows that its scores are right here", "run faird calibrate on it, which adds golden samples")}
	}
	return []Finding{ok(what)}
}

// lacksThreshold is whether a station of the model has no threshold of its own.
func (d *Doctor) lacksThreshold(path string) bool {
	for _, s := range d.stations() {
		if s.Model == path && s.Threshold == nil {
			return true
		}
	}
	return false
}
