package camera

import (
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

func TestDemoLine(t *testing.T) {
	cam := start(t, "demo://?seed=3&rate=50&defects=1&size=128", config.Camera{})
	f := next(t, cam, time.Now())
	if f.Picture.Cols() != 128 || f.Truth == nil || !f.Truth.Defective || f.Truth.Kind == "" || f.Exposure != verdict.Measured {
		t.Errorf("%dx%d, truth %+v, exposure %s", f.Picture.Cols(), f.Picture.Rows(), f.Truth, f.Exposure)
	}
	f.Release()
	good := start(t, "demo://?rate=50&defects=0&size=128", config.Camera{})
	f = next(t, good, time.Time{})
	if f.Truth == nil || f.Truth.Defective {
		t.Errorf("truth %+v of a line without defects", f.Truth)
	}
	f.Release()
}
