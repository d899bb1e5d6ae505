package config

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// FuzzReference holds that no file in the place of a mask or of the picture that
// a station is aligned to makes the check fall over, or take more memory than
// pictures have.
func FuzzReference(f *testing.F) {
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	m.Set(9, 9, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add(huge(b.Bytes()))
	f.Add([]byte("no picture"))
	dir := f.TempDir()
	picture := filepath.Join(dir, "good.png")
	text := fmt.Sprintf(geometryStation+"  ignore_mask: %s\n  roi: {x: 0, y: 0, w: 32, h: 24}\n  align: {reference: %s, mark: {x: 1, y: 2, w: 30, h: 20}}\n", picture, picture)
	path := put(f, filepath.Join(dir, "faird.yaml"), text)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(picture, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		head, err := png.DecodeConfig(bytes.NewReader(data))
		large := err == nil && head.Width > DefaultMaxPixels/head.Height
		if err == nil && !large && head.Width*head.Height > 1<<20 {
			return // allowed, and would only take time
		}
		if err == nil && !large {
			_, err = png.Decode(bytes.NewReader(data))
		}
		if wrong := c.Check(); wrong == nil && (err != nil || large) {
			t.Errorf("%v, large: %t, and the check finds nothing wrong", err, large)
		}
	})
}

// huge is the same PNG, claiming 60,000 pixels each way in its head (IHDR).
func huge(whole []byte) []byte {
	claim := bytes.Clone(whole)
	binary.BigEndian.PutUint32(claim[16:], 60000)
	binary.BigEndian.PutUint32(claim[20:], 60000)
	binary.BigEndian.PutUint32(claim[29:], crc32.ChecksumIEEE(claim[12:29]))
	return claim
}
