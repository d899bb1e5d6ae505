package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"faird/config"
)

type doctorOptions struct {
	config, station string
	save            string // folder for one picture of each station
	light           string // file that switches a light, or screen
	json            bool
}

// checkTimeout bounds one check; what takes longer is part of the finding.
const checkTimeout = 2 * time.Minute

func doctorCommand() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Looks at what faird needs and says of each whether it is well, and if not what to do",
		Long: `Lists the cameras this machine can see and tries one picture from each configured
station. It opens the cameras, so stop the daemon first or name a station it does
not run.

--light measures the latency of each tried camera: it switches a light that the
camera sees, ten times, and takes the time until a picture shows it. Name the file
that switches it (a GPIO line's value or an LED's brightness, which take 1 and 0),
or screen to flash the terminal that the camera is pointed at.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d := &doctor{options: o}
			d.prepare()
			r := d.examine(c.Context(), d.checks())
			var err error
			if o.json {
				err = r.encode(c.OutOrStdout())
			} else {
				err = r.print(c.OutOrStdout())
			}
			return errors.Join(err, r.failure())
		},
	}
	addConfigFlag(c, &o.config)
	f := c.Flags()
	f.StringVar(&o.station, "station", "", "try this station alone (default: all)")
	f.StringVar(&o.save, "save", "", "folder to save one picture of each tried station in")
	f.StringVar(&o.light, "light", "", "file that switches a light on (1) and off (0), or screen: measure latency with it")
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	return c
}

// doctor is what the checks share.
type doctor struct {
	options doctorOptions
	config  *config.Config // nil: there is none that can be read
	problem error          // why not
	missing bool           // none was named and none is where they are looked for
}

// check is one thing to look at. It may find several.
type check struct {
	name string
	run  func(context.Context) []finding
}

// prepare reads the config, without the files it names: a model that is yet to be
// made is no reason not to look at cameras.
func (d *doctor) prepare() {
	path := d.options.config
	if path == "" {
		if path, d.problem = config.Find(); d.problem != nil {
			d.missing = true
			return
		}
	}
	d.config, d.problem = config.Load(path, os.Environ())
}

// checks are what is looked at, in this order.
func (d *doctor) checks() []check {
	list := []check{
		{"config", d.checkConfig},
		{"gstreamer", d.checkGStreamer},
		{"v4l2", d.checkV4L2},
		{"genicam", d.checkGeniCam},
	}
	for _, s := range d.stations() {
		list = append(list, check{"camera " + s.Name, func(ctx context.Context) []finding { return d.checkCamera(ctx, s) }})
	}
	return list
}

func (d *doctor) stations() []config.Station {
	if d.config == nil {
		return nil
	}
	if d.options.station == "" {
		return d.config.Stations
	}
	if s := d.config.Station(d.options.station); s != nil {
		return []config.Station{*s}
	}
	return nil
}

func (d *doctor) checkConfig(context.Context) []finding {
	switch {
	case d.missing:
		return []finding{warn("there is no config, so no station is tried", "name one with --config, or write one as faird.yaml shows")}
	case d.problem != nil:
		return []finding{fail(d.problem.Error(), "mend the file; faird config check says the same line by line")}
	case d.options.station != "" && d.stations() == nil:
		return []finding{fail(fmt.Sprintf("%s has no station %q", d.config.Path(), d.options.station),
			"it has "+strings.Join(stationNames(d.config), ", "))}
	}
	return []finding{ok(fmt.Sprintf("%s, %d station(s)", d.config.Path(), len(d.config.Stations)))}
}

// uses reports whether a station's camera has one of these URL schemes.
func (d *doctor) uses(schemes ...string) bool {
	for _, s := range d.stations() {
		for _, scheme := range schemes {
			if strings.HasPrefix(strings.ToLower(s.Camera.URL), scheme+":") {
				return true
			}
		}
	}
	return false
}

// examine runs the checks one after the other.
func (d *doctor) examine(ctx context.Context, list []check) *diagnosis {
	r := &diagnosis{Status: levelOK}
	for _, c := range list {
		within, cancel := context.WithTimeout(ctx, checkTimeout)
		for _, f := range c.run(within) {
			f.Name = c.name
			r.add(f)
		}
		cancel()
		if ctx.Err() != nil {
			r.add(finding{Name: c.name, Status: levelFail, Finding: "stopped before the end", Advice: "run it once more"})
			break
		}
	}
	return r
}
