package inspect_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/inspect/validity"
	"faird/verdict"
)

// faultOf judges a picture and returns what was wrong with it.
func faultOf(t *testing.T, i *inspect.Inspector, picture gocv.Mat) verdict.Check {
	t.Helper()
	var r inspect.Result
	err := i.Inspect(context.Background(), picture, nil, &r)
	var f *validity.Fault
	if errors.As(err, &f) {
		if !errors.Is(err, inspect.ErrPicture) {
			t.Errorf("%v is not about the picture", err)
		}
		return f.Check
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Brightness == 0 && picture.Mean().Val1 > 1 {
		t.Error("the brightness of a picture that was judged is not told")
	}
	return ""
}

func TestPictureThatIsNotWorthAScore(t *testing.T) {
	limits := validity.LimitsOf(nil, config.Validity{})
	m := greyModel(t)
	black, fine := canvas(t, 90, 90, gocv.MatTypeCV8UC3), noisy(t, 90, 90)
	black.SetTo(gocv.NewScalar(0, 0, 0, 0))
	checked := inspector(t, m, inspect.Options{Limits: &limits})
	unchecked := inspector(t, m, inspect.Options{})
	if got := faultOf(t, checked, black); got != verdict.Black {
		t.Errorf("a black picture: %q", got)
	}
	if got := faultOf(t, checked, fine); got != "" {
		t.Errorf("a good picture: %q", got)
	}
	var r inspect.Result
	if err := unchecked.Inspect(context.Background(), black, nil, &r); err != nil {
		t.Errorf("without limits: %v", err)
	}
}

func TestFrozenPicture(t *testing.T) {
	const after = 300 * time.Millisecond
	limits := validity.LimitsOf(nil, config.Validity{})
	i := inspector(t, greyModel(t), inspect.Options{Limits: &limits, Frozen: after})
	picture, other := noisy(t, 90, 90), noisy(t, 91, 90)
	if got := faultOf(t, i, picture); got != "" {
		t.Fatalf("the first: %q", got)
	}
	time.Sleep(after + 50*time.Millisecond)
	if got := faultOf(t, i, picture); got != verdict.Frozen {
		t.Errorf("the same %v later: %q", after, got)
	}
	if got := faultOf(t, i, other); got != "" {
		t.Errorf("another: %q", got)
	}
}
