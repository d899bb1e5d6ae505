package config

import (
	"os"
	"syscall"
	"time"
)

// fingerprint tells one state of a file from another without reading it. The
// zero fingerprint is a file that is not there.
type fingerprint struct {
	device, inode uint64
	size          int64
	changed       time.Time
}

func fingerprintOf(path string) fingerprint {
	info, err := os.Stat(path)
	if err != nil {
		return fingerprint{}
	}
	f := fingerprint{size: info.Size(), changed: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.device, f.inode = st.Dev, st.Ino
	}
	return f
}

func fingerprints(paths []string) map[string]fingerprint {
	m := make(map[string]fingerprint, len(paths))
	for _, p := range paths {
		m[p] = fingerprintOf(p)
	}
	return m
}

// remember takes the state of files that are about to be read, but not again
// of the config itself, which already was: a later change must show.
func (s *source) remember(paths []string) {
	before, had := s.files[s.path]
	s.files = fingerprints(paths)
	if had {
		s.files[s.path] = before
	}
}

// files are the config's own file and those it names.
func (c *Config) files() []string {
	var list []string
	if p := c.Path(); p != "" {
		list = append(list, p)
	}
	for _, p := range inputs(c) {
		if *p.value != "" {
			list = append(list, *p.value)
		}
	}
	return list
}
