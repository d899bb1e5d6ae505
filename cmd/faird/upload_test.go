package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
)

// A picture that is uploaded to a whole daemon is answered with its verdict, in
// either mode that takes each picture.
func TestUploadThroughTheDaemon(t *testing.T) {
	for _, mode := range []string{"free", "hardware"} {
		t.Run(mode, func(t *testing.T) {
			camera, err := freeAddress("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c := uploadConfig(t, camera, mode)
			var got map[string]any
			err = runDaemon(t.Context(), c, nil, hooks{ready: func(_ *daemon, stop context.CancelFunc) {
				defer stop()
				got = upload(t, "http://"+camera+"/?name=part-17", linePicture(t))
			}})
			if err != nil {
				t.Fatal(err)
			}
			if _, judged := got["score"].(float64); !judged || got["station"] != "cap" || got["source"] != "part-17" || got["schema"] != "faird.verdict/1" {
				t.Errorf("the answer is %v", got)
			}
		})
	}
}

func uploadConfig(t *testing.T, camera, mode string) *config.Config {
	t.Helper()
	c := config.Default()
	c.Site, c.Box, c.Log.Level = "plant1", "box1", "error"
	c.Infer.Provider = "cpu"
	c.Store.Path = t.TempDir()
	listen, err := freeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.MQTT.Builtin.Listen = listen
	s := config.DefaultStation()
	s.Name, s.Model, s.Trigger.Mode, s.Trigger.Deadline = "cap", config.DemoModel, mode, 30*time.Second
	s.ROI = &config.Rect{X: line.Field.Min.X, Y: line.Field.Min.Y, W: line.Field.Dx(), H: line.Field.Dy()}
	s.Camera.URL = fmt.Sprintf("upload://%s?deadline=40s", camera)
	c.Stations = []config.Station{s}
	return &c
}

// linePicture is a picture of the simulated line as PNG.
func linePicture(t *testing.T) []byte {
	t.Helper()
	l, m := line.New(line.Options{Seed: 1}), gocv.NewMat()
	defer l.Close()
	defer m.Close()
	l.Render(1, &m)
	path := filepath.Join(t.TempDir(), "part.png")
	if !gocv.IMWrite(path, m) {
		t.Fatal(path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func upload(t *testing.T, url string, data []byte) (answer map[string]any) {
	t.Helper()
	resp, err := http.Post(url, "image/png", bytes.NewReader(data))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	return answer
}
