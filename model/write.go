package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write puts f's Spec into its bytes and stores them at path, atomically: a
// reader sees the old file or the new one, also after a power cut. f's Path and
// Hash become those of the file written.
func Write(path string, f *File) error {
	if err := f.seal(); err != nil {
		return fmt.Errorf("model %s: not written: %w", path, err)
	}
	if err := replace(path, f.data); err != nil {
		return fmt.Errorf("model %s: not written: %w", path, err)
	}
	f.Path = path
	return nil
}

// replace writes beside the target and renames, because a rename within a
// folder is atomic; the folder is synced so that the rename lasts.
func replace(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return errors.New("not a file: name the .onnx file itself")
		}
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".faird-*.onnx")
	if err != nil {
		return fmt.Errorf("check that the folder exists and may be written: %w", err)
	}
	defer os.Remove(temp.Name()) // gone already after the rename
	if err := fill(temp, data, mode); err != nil {
		return fmt.Errorf("check the disk's free space: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func fill(temp *os.File, data []byte, mode os.FileMode) error {
	_, err := temp.Write(data)
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	return errors.Join(err, temp.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
