package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"gocv.io/x/gocv"

	"faird/infer"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the versions of faird, OpenCV and ONNX Runtime",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			ort := "not found: "
			if l, err := infer.Load(""); err != nil {
				ort += err.Error()
			} else {
				ort = fmt.Sprintf("%s (%s)", l.Version, l.Path)
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "faird        %s (%s)\nGo           %s\nOpenCV       %s\nONNX Runtime %s\n",
				version, commit, runtime.Version(), gocv.OpenCVVersion(), ort)
			return err
		},
	}
}
