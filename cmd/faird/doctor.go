package main

import (
	"errors"

	"github.com/spf13/cobra"

	"faird/cmd/faird/doctor"
)

func doctorCommand() *cobra.Command {
	o := doctor.Options{Version: version, Commit: commit}
	var asJSON bool
	var bundle string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Looks at what faird needs and says of each whether it is well, and if not what to do",
		Long: `Looks at the libraries, the GPU, the models, the cameras, the broker, the page, the
disk, the clock and the service, and says of each whether it is well, and if not what
to do. The exit code is 1 where something does not work.

It opens the cameras, so stop the daemon first or name a station it does not run; or
leave them alone with --no-cameras.

--light measures the latency of each tried camera: it switches a light that the
camera sees, ten times, and takes the time until a picture shows it. Name the file
that switches it (a GPIO line's value or an LED's brightness, which take 1 and 0),
or screen to flash the terminal that the camera is pointed at.

--bundle writes a file to send to whoever helps: this report, the config, versions, the
journal's last lines and the newest verdicts without pictures. Passwords, tokens and keys
are taken out.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d := doctor.New(o)
			r := d.Examine(c.Context())
			var err error
			if asJSON {
				err = r.Encode(c.OutOrStdout())
			} else {
				err = r.Print(c.OutOrStdout())
			}
			if bundle != "" {
				err = errors.Join(err, d.Bundle(c.Context(), bundle, r))
			}
			return errors.Join(err, r.Failure())
		},
	}
	addConfigFlag(c, &o.Config)
	f := c.Flags()
	f.StringVar(&o.Station, "station", "", "try this station alone (default: all)")
	f.StringVar(&o.Save, "save", "", "folder to save one picture of each tried station in")
	f.StringVar(&o.Light, "light", "", "file that switches a light on (1) and off (0), or screen: measure latency with it")
	f.BoolVar(&o.NoCameras, "no-cameras", false, "open no camera: the daemon may go on running")
	f.StringVar(&bundle, "bundle", "", "write a .tar.gz with all that helps to find a fault, secrets taken out")
	f.BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}
