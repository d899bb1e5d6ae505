package browser_test

import (
	"os"
	"path/filepath"
	"testing"

	"faird/model"
	"faird/model/demo"
)

// shelve puts a second model on the box: the demo's, which smooths otherwise and
// so scores otherwise, with a threshold of its own.
func (d *daemon) shelve(name string) {
	d.t.Helper()
	f, err := model.Parse(demo.Model())
	if err != nil {
		d.t.Fatal(err)
	}
	spec := f.Spec
	calibration := *spec.Calibration
	calibration.Threshold *= 0.9
	spec.Calibration, spec.Golden = &calibration, nil
	spec.Scoring.Smooth = 15
	made, err := model.New(f.Bytes(), spec)
	if err != nil {
		d.t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(d.config), "models")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		d.t.Fatal(err)
	}
	if err := model.Write(filepath.Join(dir, name+".onnx"), made); err != nil {
		d.t.Fatal(err)
	}
}

// A second model is put in shadow, looked at, promoted, taken back, and outlives a
// restart.
func TestShadow(t *testing.T) {
	d := line(t, "cap")
	d.shelve("cap-2")
	v := open(t, d, panel, "#/models/cap")
	v.says(".side", "the config’s")
	v.wait("document.querySelectorAll('.side')[1]?.innerText.includes('Log in as operator')")
	if v.holds("document.querySelector('[data-act]')") {
		t.Error("somebody who is not logged in is offered to change models")
	}
	v.loggedIn("admin")
	v.click("#nav a[href^='#/models']")
	v.click("[data-act=shadow]")
	v.wait("document.querySelectorAll('.side')[1]?.innerText.includes('cap-2')")
	v.wait("document.querySelector('[data-flip]') && /of \\d\\d+ parts/.test(document.querySelector('.agreement').innerText)")
	v.wait("document.querySelector('.scatter')?.ariaLabel?.includes('judged otherwise')")
	v.wait("document.querySelector('.tiles .tile img')?.naturalWidth > 0")
	v.shot("shadow-panel")

	v.click("[data-act=promote]")
	v.says("dialog h2", "Put cap-2 in force on cap?")
	v.click("dialog button.main")
	v.wait("document.querySelector('.side .model')?.innerText === 'cap-2'")
	v.says(".side", "chosen by admin")
	v.wait("!document.querySelector('[data-act=promote]')")

	v.click("[data-act=undo]")
	v.click("dialog button.main")
	v.wait("document.querySelector('.side .model')?.innerText.includes('config')")
	v.click("[data-act=undo]") // the undoing too
	v.click("dialog button.main")
	v.wait("document.querySelector('.side .model')?.innerText === 'cap-2'")
	v.click("#nav a[href='#/audit']")
	v.says("tbody", "promoted the model in shadow")
	v.says("tbody", "went back to the model before")

	v.expect("ERR_")
	v.expect("network")
	d.stop()
	v.wait("document.querySelector('#alarm').checkVisibility()")
	d.start()
	v.wait("!document.querySelector('#alarm').checkVisibility()")
	if got := js[string](v, "fetch('/api/stations/cap/shadow').then(r => r.json()).then(t => t.name)"); got != "cap-2" {
		t.Errorf("after a restart %q is in force", got)
	}
}

// The same on a phone.
func TestShadowOnAPhone(t *testing.T) {
	d := line(t, "cap")
	d.shelve("cap-2")
	v := open(t, d, phone, "")
	v.loggedIn("operator")
	js[bool](v, "location.hash = '#/models/cap', true")
	v.click("[data-act=shadow]")
	v.wait("/of \\d+ part/.test(document.querySelector('.agreement')?.innerText)")
	v.wait("document.documentElement.scrollWidth <= innerWidth")
	v.shot("shadow-phone")
}
