package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"faird/config"
)

// pixelLimit is the largest image that a command reads, in pixels of three bytes.
// It implements pflag.Value.
type pixelLimit int

// addMaxPixelsFlag adds the flag that says how large an image may be.
func addMaxPixelsFlag(c *cobra.Command, limit *pixelLimit) {
	*limit = config.DefaultMaxPixels
	c.Flags().Var(limit, maxPixelsFlag, "largest image that is read, in pixels of three bytes")
}

const maxPixelsFlag = "max-pixels"

// String implements pflag.Value.
func (l *pixelLimit) String() string { return strconv.Itoa(int(*l)) }

// Type implements pflag.Value.
func (l *pixelLimit) Type() string { return "int" }

// Set implements pflag.Value.
func (l *pixelLimit) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > config.MaxMaxPixels {
		return fmt.Errorf("choose a number of pixels from 1 to %d", config.MaxMaxPixels)
	}
	*l = pixelLimit(n)
	return nil
}
