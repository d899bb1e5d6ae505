package main

import (
	"github.com/rs/zerolog"

	"faird/camera/imagefolder"
	"faird/train/calibrate"
)

// findings are what is to be said of a folder of good pictures, a line each;
// never nil.
func findings(dir string, skipped *imagefolder.Skipped, outcome *calibrate.Outcome) []string {
	lines := []string{}
	if line := skipped.Of(dir); line != "" {
		lines = append(lines, line)
	}
	if outcome.Report != nil {
		lines = append(lines, outcome.Report.Words...)
	}
	return lines
}

// warnEach says each line on stderr.
func warnEach(lines []string) {
	log := consoleLog(zerolog.WarnLevel)
	for _, line := range lines {
		log.Warn().Msg(line)
	}
}
