package inspect_test

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/model"
)

// noisy is a colour picture in which every pixel counts.
func noisy(t testing.TB, w, h int) gocv.Mat {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	picture := canvas(t, w, h, gocv.MatTypeCV8UC3)
	data, err := picture.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = byte(r.UintN(256))
	}
	return picture
}

// Pictures of every supported type score as the 8-bit colour picture that they stand for.
func TestPictureTypes(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	colour := noisy(t, 100, 90)
	grey, greyAsColour := gocv.NewMat(), gocv.NewMat()
	defer grey.Close()
	defer greyAsColour.Close()
	if err := errors.Join(gocv.CvtColor(colour, &grey, gocv.ColorBGRToGray), gocv.CvtColor(grey, &greyAsColour, gocv.ColorGrayToBGR)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		source, same gocv.Mat
		kind         gocv.MatType
	}{
		{"grey", grey, greyAsColour, gocv.MatTypeCV8U},
		{"16-bit grey", grey, greyAsColour, gocv.MatTypeCV16U},
		{"16-bit colour", colour, colour, gocv.MatTypeCV16U},
	} {
		picture := gocv.NewMat()
		factor := float32(1)
		if c.kind == gocv.MatTypeCV16U {
			factor = 257
		}
		if err := c.source.ConvertToWithParams(&picture, c.kind, factor, 0); err != nil {
			t.Fatal(err)
		}
		want, got := judge(t, i, c.same, nil), judge(t, i, picture, nil)
		if got.Score != want.Score || want.Score < 0.1 {
			t.Errorf("%s: score %v, as 8-bit colour %v", c.name, got.Score, want.Score)
		}
		_ = picture.Close()
	}
}

func TestPictureRefused(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{ROI: &config.Rect{X: 10, Y: 5, W: 80, H: 60}})
	closed := gocv.NewMat()
	_ = closed.Close()
	empty := gocv.NewMat()
	defer empty.Close()
	for _, c := range []struct {
		name    string
		picture gocv.Mat
		says    string
	}{
		{"empty", empty, "empty"},
		{"closed", closed, "empty"},
		{"float", canvas(t, 100, 100, gocv.MatTypeCV32FC3), "CV32FC3"},
		{"alpha", canvas(t, 100, 100, gocv.MatTypeCV8UC4), "CV8UC4"},
		{"narrow", canvas(t, 89, 100, gocv.MatTypeCV8UC3), "it is 89x100, the region of interest needs at least 90x65"},
		{"low", canvas(t, 90, 64, gocv.MatTypeCV8UC3), "it is 90x64, the region of interest needs at least 90x65"},
	} {
		var r inspect.Result
		err := i.Inspect(context.Background(), c.picture, nil, &r)
		if !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an ErrPicture that says %q", c.name, err, c.says)
		}
	}
	judge(t, i, canvas(t, 90, 65, gocv.MatTypeCV8UC3), nil)
}

func TestRegionOfInterest(t *testing.T) {
	m := greyModel(t)
	whole := noisy(t, 200, 150)
	rect := config.Rect{X: 31, Y: 17, W: 90, H: 77}
	part := whole.Region(image.Rect(31, 17, 121, 94))
	defer part.Close()
	want := judge(t, inspector(t, m, inspect.Options{}), part, nil)
	got := judge(t, inspector(t, m, inspect.Options{ROI: &rect}), whole, nil)
	if got.Score != want.Score {
		t.Errorf("score %v, of the part alone %v", got.Score, want.Score)
	}
	for _, bad := range []config.Rect{{X: -1, W: 5, H: 5}, {Y: -1, W: 5, H: 5}, {H: 5}, {W: 5}} {
		if _, err := m.NewInspector(inspect.Options{ROI: &bad}); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestBrokenNetworkIsNoFaultOfThePicture(t *testing.T) {
	broken := filled(grey128, 3*side*side)
	broken[side] = float32(math.NaN())
	i := inspector(t, open(t, constant(t, broken, side, side), model.Spec{}), inspect.Options{})
	var r inspect.Result
	err := i.Inspect(context.Background(), canvas(t, side, side, gocv.MatTypeCV8UC3), nil, &r)
	if err == nil || errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("got %v", err)
	}
}

func TestContextEnds(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var r inspect.Result
	if err := i.Inspect(ctx, canvas(t, side, side, gocv.MatTypeCV8UC3), nil, &r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	judge(t, i, canvas(t, side, side, gocv.MatTypeCV8UC3), nil)
}
