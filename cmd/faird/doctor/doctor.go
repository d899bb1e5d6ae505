// Package doctor looks at what faird needs on this machine, one check after the
// other, and says of each whether it is well and if not what to do. It changes
// nothing, and what it packs for others to read holds no secrets.
package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"faird/config"
)

// Options say what is looked at.
type Options struct {
	Config, Station string
	Save            string // folder for one picture of each station
	Light           string // file that switches a light, or screen
	NoCameras       bool   // none is opened
	Version, Commit string // of the program
}

// checkTimeout bounds one check; what takes longer is part of the finding.
const checkTimeout = 2 * time.Minute

// Doctor is what the checks share.
type Doctor struct {
	options Options
	config  *config.Config // nil: there is none that can be read
	path    string         // of the config, "" where there is none
	problem error          // why it cannot be read
	missing bool           // none was named and none is where they are looked for
	command commands
}

// check is one thing to look at. It may find several.
type check struct {
	name string
	run  func(context.Context) []Finding
}

// New reads the config, without the files it names: a model that is yet to be
// made is no reason not to look at cameras.
func New(o Options) *Doctor {
	d := &Doctor{options: o, path: o.Config, command: execute}
	defer d.learn() // even of a config that cannot be loaded
	if d.path == "" {
		if d.path, d.problem = config.Find(); d.problem != nil {
			d.missing = true
			return d
		}
	}
	d.config, d.problem = config.Load(d.path, os.Environ())
	return d
}

// checks are what is looked at, in this order.
func (d *Doctor) checks() []check {
	list := []check{
		{"config", d.checkConfig},
		{"opencv", d.checkOpenCV},
		{"onnx runtime", d.checkRuntime},
		{"gpu", d.checkGPU},
		{"unit", d.checkUnit},
		{"clock", d.checkClock},
		{"gstreamer", d.checkGStreamer},
		{"v4l2", d.checkV4L2},
		{"genicam", d.checkGeniCam},
	}
	if d.config != nil {
		list = append(list, check{"disk", d.checkDisk}, check{"web", d.checkWeb}, check{"mqtt", d.checkBroker})
	}
	if d.config != nil && d.config.Sparkplug.Enabled {
		list = append(list, check{"sparkplug", d.checkSparkplug})
	}
	for _, m := range d.models() {
		list = append(list, check{"model " + m, func(ctx context.Context) []Finding { return d.checkModel(ctx, m) }})
	}
	if d.options.NoCameras {
		return list
	}
	for _, s := range d.stations() {
		list = append(list, check{"camera " + s.Name, func(ctx context.Context) []Finding { return d.checkCamera(ctx, s) }})
	}
	return list
}

func (d *Doctor) stations() []config.Station {
	if d.config == nil {
		return nil
	}
	if d.options.Station == "" {
		return d.config.Stations
	}
	if s := d.config.Station(d.options.Station); s != nil {
		return []config.Station{*s}
	}
	return nil
}

func (d *Doctor) checkConfig(context.Context) []Finding {
	switch {
	case d.missing:
		return []Finding{warn("there is no config, so no station is tried", "name one with --config, or write one as faird.yaml shows")}
	case d.problem != nil:
		return []Finding{fail(d.problem.Error(), "mend the file; faird config check says the same line by line")}
	case d.options.Station != "" && d.stations() == nil:
		return []Finding{fail(fmt.Sprintf("%s has no station %q", d.config.Path(), d.options.Station),
			"it has "+strings.Join(stationNames(d.config), ", "))}
	}
	list := []Finding{ok(fmt.Sprintf("%s, %d station(s)", d.config.Path(), len(d.config.Stations)))}
	for _, w := range d.config.Warnings() {
		list = append(list, warn(w, "see faird.yaml for what the key does"))
	}
	return list
}

func stationNames(c *config.Config) []string {
	names := make([]string, len(c.Stations))
	for i, s := range c.Stations {
		names[i] = s.Name
	}
	return names
}

// uses reports whether a station's camera has one of these URL schemes.
func (d *Doctor) uses(schemes ...string) bool {
	for _, s := range d.stations() {
		for _, scheme := range schemes {
			if strings.HasPrefix(strings.ToLower(s.Camera.URL), scheme+":") {
				return true
			}
		}
	}
	return false
}

// Examine runs the checks one after the other.
func (d *Doctor) Examine(ctx context.Context) *Diagnosis {
	r := &Diagnosis{Status: LevelOK}
	for _, c := range d.checks() {
		within, cancel := context.WithTimeout(ctx, checkTimeout)
		for _, f := range c.run(within) {
			f.Name = c.name
			r.add(f)
		}
		cancel()
		if ctx.Err() != nil {
			r.add(Finding{Name: c.name, Status: LevelFail, Finding: "stopped before the end", Advice: "run it once more"})
			break
		}
	}
	return r
}
