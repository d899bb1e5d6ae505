package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"faird/camera/imagefolder"
	"faird/verdict"
)

// expand puts the images of a folder in the place of its name.
func expand(names []string) ([]string, error) {
	var files, left []string
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			files = append(files, name)
			continue
		}
		found, err := imagefolder.Find(name)
		if err != nil {
			return nil, err
		}
		if len(found.Files) == 0 {
			return nil, fmt.Errorf("no images in %s: files named %s are read", name, imagefolder.Names())
		}
		files = append(files, found.Files...)
		if line := found.Skipped.Of(name); line != "" {
			left = append(left, line)
		}
	}
	warnEach(left)
	return files, nil
}

// scoreEach scores files one after the other. One that cannot be scored stops
// nothing: it has its line, and is the error in the end.
func scoreEach(out io.Writer, o scoreOptions, files []string, score func(n int, file string) (scored, error), show func(io.Writer, scored) error) error {
	results := make([]scored, 0, len(files))
	var failed []error
	for n, file := range files {
		r, err := score(n, file)
		var broken fileError
		switch {
		case errors.As(err, &broken):
			if len(files) == 1 && !o.json {
				return err
			}
			failed = append(failed, err)
			r = scored{File: file, Regions: []verdict.Region{}, Detail: strings.TrimPrefix(err.Error(), file+": ")}
		case err != nil:
			return err
		}
		if !o.json {
			if err := show(out, r); err != nil {
				return err
			}
		}
		results = append(results, r)
	}
	if err := printAll(out, o, results); err != nil {
		return err
	}
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	}
	return fmt.Errorf("%d of %d files could not be scored; the first: %w", len(failed), len(files), failed[0])
}

// fileError is that of one file: it cannot be read, or is no intact image.
type fileError struct{ error }

func (e fileError) Unwrap() error { return e.error }
