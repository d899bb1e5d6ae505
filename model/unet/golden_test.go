package unet_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faird/fair/golden"
	"faird/fair/npy"
	"faird/model/unet"
)

var c8 = unet.Network{Width: 8, Channels: 1}

// goldenFile is a file of the golden set: the full one, or the copy in testdata.
func goldenFile(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{golden.Folder(t, "FAIRD_GOLDEN", "golden"), "testdata"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("%s is missing: set FAIRD_GOLDEN to the folder of golden arrays", name)
	return ""
}

func goldenArray(t *testing.T, name string) []float32 {
	t.Helper()
	_, data, err := npy.Read(goldenFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// named are arrays by the names of PyTorch's parameters.
type named map[string]npy.Array

func goldenArrays(t *testing.T, name string) named {
	t.Helper()
	arrays, err := npy.ReadZip(goldenFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return arrays
}

// flat puts arrays in the order of a list.
func (a named) flat(t *testing.T, list []unet.Parameter) []float32 {
	t.Helper()
	out := make([]float32, unet.Length(list))
	for _, p := range list {
		v, ok := a[p.Name]
		if !ok || !slices.Equal(v.Shape, p.Shape) {
			t.Fatalf("%s: golden shape %v, ours %v", p.Name, v.Shape, p.Shape)
		}
		copy(p.Of(out), v.Data)
	}
	return out
}

// weights are PyTorch's with the biases of the convolutions before a norm, which
// this network has not, taken into the running means.
func (a named) weights(t *testing.T, n unet.Network) unet.Weights {
	t.Helper()
	w := unet.Weights{Parameters: a.flat(t, n.Parameters()), Statistics: a.flat(t, n.Statistics())}
	for _, p := range n.Statistics() {
		if !strings.HasSuffix(p.Name, ".1.running_mean") && !strings.HasSuffix(p.Name, ".4.running_mean") {
			continue
		}
		conv := map[string]string{"1": ".0.bias", "4": ".3.bias"}[strings.Split(p.Name, ".")[1]]
		for i, b := range a[strings.Split(p.Name, ".")[0]+conv].Data {
			p.Of(w.Statistics)[i] -= b
		}
	}
	return w
}

// goldenStep is the training step of the golden batch, inputs set.
func goldenStep(t *testing.T) *program {
	t.Helper()
	onnx, err := unet.Step{Network: c8, Batch: 2, Height: 64, Width: 64, Inspect: true}.Build()
	if err != nil {
		t.Fatal(err)
	}
	p := compile(t, onnx)
	start := goldenArrays(t, "unet_c8_initial.npz").weights(t, c8)
	p.set(unet.InPicture, goldenArray(t, "unet_c8_train_x.npy"))
	p.set(unet.InTarget, goldenArray(t, "unet_c8_train_y.npy"))
	p.set(unet.InParameters, start.Parameters)
	p.set(unet.InStatistics, start.Statistics)
	p.step(1)
	return p
}

// step runs the training step t at the golden learning rate.
func (p *program) step(t int) {
	size, root := unet.AdamFactors(1e-3, t)
	p.set(unet.InSize, []float32{size})
	p.set(unet.InRoot, []float32{root})
	p.run()
}

// advance makes the state of the last step the input of the next.
func (p *program) advance() {
	for _, name := range []string{unet.InParameters, unet.InMoment1, unet.InMoment2, unet.InStatistics} {
		p.set(name, p.get(name+unet.Next))
	}
}

func TestGoldenParametersOfThePaper(t *testing.T) {
	biases := 0
	for _, p := range (unet.Network{Width: 32, Channels: 1}).Parameters() {
		if strings.HasSuffix(p.Name, ".1.bias") || strings.HasSuffix(p.Name, ".4.bias") {
			biases += p.Size() // of the norm; the convolution's, left out here, is as long
		}
	}
	if n := unet.Length((unet.Network{Width: 32, Channels: 1}).Parameters()) + biases; n != 4_322_307 {
		t.Errorf("%d parameters, the paper's network has 4,322,307", n)
	}
}

func TestGoldenTrainingOutput(t *testing.T) {
	p := goldenStep(t)
	want := goldenArray(t, "unet_c8_train_out.npy")
	if e := largest(p.get(unet.OutRestored), want); e > 1e-4 {
		t.Errorf("training output is off by %.2g, tolerance 1e-4", e)
	}
}

func TestGoldenGradients(t *testing.T) {
	p := goldenStep(t)
	list := c8.Parameters()
	want, worst := goldenArrays(t, "unet_c8_gradients.npz").flat(t, list), 0.0
	for _, q := range list {
		e := distance(q.Of(p.get(unet.OutGradient)), q.Of(want))
		worst = max(worst, e)
		if e > 1e-3 {
			t.Errorf("gradient of %s is off by %.2g of its norm, tolerance 1e-3", q.Name, e)
		}
	}
	t.Logf("worst of %d gradients: %.2g of its norm", len(list), worst)
}

func TestGoldenAdamSteps(t *testing.T) {
	p := goldenStep(t)
	start := slices.Clone(p.in[unet.InParameters].Data())
	for i, want := range goldenLosses(t) {
		if i > 0 {
			p.advance()
			p.step(i + 1)
		}
		got := p.get(unet.OutLoss)
		for k, w := range []float64{want.Loss, want.MSE, want.SSIM} {
			if math.Abs(float64(got[k])-w) > 2e-5 {
				t.Errorf("step %d: loss, MSE, SSIM are %v, want %+v", i+1, got, want)
				break
			}
		}
	}
	after := goldenArrays(t, "unet_c8_after3.npz")
	want := after.flat(t, c8.Parameters())
	var off, moved float64
	for i, v := range p.get(unet.InParameters + unet.Next) {
		off += math.Pow(float64(v)-float64(want[i]), 2)
		moved += math.Pow(float64(want[i])-float64(start[i]), 2)
	}
	e := math.Sqrt(off / moved)
	t.Logf("three steps are off by %.2g of the whole update", e)
	if e > 1e-3 {
		t.Errorf("three steps are off by %.2g of the whole update, tolerance 1e-3", e)
	}

	// PyTorch's biases before a norm drift by up to the learning rate a step,
	// on rounding noise alone, and shift the running means they feed.
	stats := after.weights(t, c8).Statistics
	if e := largest(p.get(unet.InStatistics+unet.Next), stats); e > 3.5e-3 {
		t.Errorf("running statistics are off by %.2g", e)
	}
}

type losses struct{ Loss, MSE, SSIM float64 }

func goldenLosses(t *testing.T) []losses {
	t.Helper()
	data, err := os.ReadFile(goldenFile(t, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Train struct{ Losses []losses }
	}
	if err := json.Unmarshal(data, &expected); err != nil || len(expected.Train.Losses) != 3 {
		t.Fatalf("expected.json: %v, %d losses", err, len(expected.Train.Losses))
	}
	return expected.Train.Losses
}

// The exported network's output comes from the initial weights.
func TestGoldenInference(t *testing.T) {
	want := goldenArray(t, "unet_c8_infer_out.npy")
	picture := goldenArray(t, "image0_bhpf2_d30.npy")
	for _, file := range []string{"unet_c8_initial.npz", "unet_c8_after3.npz"} {
		onnx, err := c8.Inference(goldenArrays(t, file).weights(t, c8), 256, 256)
		if err != nil {
			t.Fatal(err)
		}
		p := compile(t, onnx)
		p.set(unet.InPicture, picture)
		p.run()
		t.Logf("%s: largest difference %.2g", file, largest(p.get(unet.OutRestored), want))
	}
}
