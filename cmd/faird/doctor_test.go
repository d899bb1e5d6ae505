package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera/aravis"
	"faird/camera/aravis/arvtest"
)

// examination runs faird doctor on a config and returns its findings by name;
// there may be several of one.
func examination(t *testing.T, stations string, arguments ...string) (status string, findings map[string][]finding) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faird.yaml")
	if err := os.WriteFile(path, []byte("stations:\n"+stations), 0o600); err != nil {
		t.Fatal(err)
	}
	c := root()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetArgs(append([]string{"doctor", "--json", "--config", path}, arguments...))
	err := c.ExecuteContext(t.Context())
	var r diagnosis
	if e := json.Unmarshal(out.Bytes(), &r); e != nil {
		t.Fatalf("%v: %s", e, out.String())
	}
	if (err != nil) != (r.Status == levelFail) {
		t.Errorf("status %s and error %v", r.Status, err)
	}
	findings = map[string][]finding{}
	for _, f := range r.Checks {
		findings[f.Name] = append(findings[f.Name], f)
		if f.Status != levelOK && f.Advice == "" {
			t.Errorf("no advice on %+v", f)
		}
	}
	return r.Status, findings
}

func station(name, url, more string) string {
	return fmt.Sprintf("- {name: %s, model: not-made-yet.onnx, camera: {url: %q}%s}\n", name, url, more)
}

func TestDoctorTriesEachCamera(t *testing.T) {
	pictures := t.TempDir()
	status, got := examination(t, station("demo", "demo://?rate=50&size=128", "")+
		station("hot", "watch://"+pictures, "")+
		station("dead", "http://127.0.0.1:1/", ""), "--save", pictures+"/out")
	if status != levelFail {
		t.Errorf("status %s with a dead camera", status)
	}
	for name, want := range map[string][2]string{
		"config":      {levelOK, "3 station(s)"},
		"camera demo": {levelOK, "128x128 pixels, saved as"},
		"camera hot":  {levelOK, "when one is asked for"},
		"camera dead": {levelFail, "refused"},
	} {
		if len(got[name]) == 0 || got[name][0].Status != want[0] || !strings.Contains(got[name][0].Finding, want[1]) {
			t.Errorf("%s: %+v, want %v", name, got[name], want)
		}
	}
	if len(got["gstreamer"]) == 0 || len(got["v4l2"]) == 0 || len(got["genicam"]) == 0 {
		t.Errorf("not everything was looked at: %v", got)
	}
	if m := gocv.IMRead(filepath.Join(pictures, "out", "demo.png"), gocv.IMReadColor); m.Cols() != 128 {
		t.Errorf("the saved picture has %d columns", m.Cols())
	} else {
		m.Close()
	}
	_, got = examination(t, station("demo", "demo://?rate=50&size=128", ""), "--station", "other")
	if f := got["config"]; len(f) != 1 || f[0].Status != levelFail || !strings.Contains(f[0].Advice, "demo") {
		t.Errorf("%+v", f)
	}
}

// litScene is a camera that sees a lamp 130 ms late.
func litScene(t *testing.T, lamp string) string {
	t.Helper()
	const delay = 130 * time.Millisecond
	pictures := map[bool][]byte{}
	for _, lit := range []bool{false, true} {
		m := image.NewGray(image.Rect(0, 0, 64, 64))
		for i := range m.Pix {
			m.Pix[i] = map[bool]uint8{false: 40, true: 200}[lit]
		}
		m.SetGray(0, 0, color.Gray{Y: 1})
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		pictures[lit] = b.Bytes()
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		var past []bool // what the lamp was, one each 10 ms
		for r.Context().Err() == nil {
			text, err := os.ReadFile(lamp)
			if err != nil {
				return
			}
			past = append(past, string(text) == "1")
			seen := past[max(0, len(past)-1-int(delay/(10*time.Millisecond)))]
			p := pictures[seen]
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(p), p); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond) // at least
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestDoctorMeasuresLatency(t *testing.T) {
	lamp := filepath.Join(t.TempDir(), "brightness")
	if err := os.WriteFile(lamp, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := litScene(t, lamp)
	const triggered = ", trigger: {mode: mqtt}"
	_, got := examination(t, station("slow", url+"?latency=20ms", triggered), "--light", lamp)
	f := got["camera slow"]
	if len(f) != 2 || f[1].Status != levelFail || !strings.Contains(f[1].Advice, "set latency=") {
		t.Fatalf("%+v", f)
	}
	detail, _ := f[0].Detail.(map[string]any)
	measured, _ := detail["measured_latency_ms"].(map[string]any)
	if shortest, _ := measured["shortest"].(float64); shortest < 120 || detail["latency_ms"] != 20.0 {
		t.Errorf("%+v", f[0].Detail)
	}
	_, got = examination(t, station("slow", url+"?latency=20ms", triggered))
	if f := got["camera slow"]; len(f) != 2 || f[1].Status != levelWarn || !strings.Contains(f[1].Advice, "--light") {
		t.Errorf("%+v", f)
	}
	_, got = examination(t, station("slow", url, triggered), "--light", lamp+"-that-is-not-there")
	if f := got["camera slow"]; len(f) != 2 || f[1].Status != levelFail || !strings.Contains(f[1].Finding, "no such file") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorSeesGeniCamCameras(t *testing.T) {
	if err := aravis.Load(); err != nil {
		t.Skip(err)
	}
	arvtest.New(t)
	_, got := examination(t, station("gige", "genicam://"+arvtest.Serial+"?width=128&height=96&fps=20", ""))
	if f := got["genicam"]; len(f) == 0 || !strings.Contains(f[0].Finding, "genicam://"+arvtest.Name) || !strings.Contains(f[0].Finding, arvtest.Address) {
		t.Errorf("%+v", f)
	}
	if f := got["camera gige"]; len(f) != 2 || f[0].Status != levelOK || !strings.Contains(f[1].Finding, "tells when each picture was exposed") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorListsVideoDevices(t *testing.T) {
	sys, dev := t.TempDir(), t.TempDir()
	for _, n := range []string{"video0", "video1"} {
		if err := os.Mkdir(filepath.Join(sys, n), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sys, n, "name"), []byte("USB camera\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dev, "video0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list := v4l2Devices(sys, dev)
	if len(list) != 2 || list[0].Status != levelOK || list[0].Finding != dev+"/video0: USB camera" || list[1].Status != levelWarn {
		t.Errorf("%+v", list)
	}
	if list := v4l2Devices(dev, dev); list != nil {
		t.Errorf("%+v of a folder without devices", list)
	}
}

func TestDoctorInWords(t *testing.T) {
	r := &diagnosis{Status: levelOK}
	r.add(finding{Name: "a", Status: levelWarn, Finding: "so-so", Advice: "do this"})
	r.add(finding{Name: "b", Status: levelOK, Finding: "well"})
	var out bytes.Buffer
	if err := r.print(&out); err != nil || r.failure() != nil || r.Status != levelWarn {
		t.Error(err, r.failure(), r.Status)
	}
	if want := "warn  a: so-so\n      -> do this\nok    b: well\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	r.add(finding{Name: "c", Status: levelFail})
	r.add(finding{Name: "d", Status: levelWarn})
	if r.Status != levelFail || r.failure() == nil {
		t.Error(r.Status)
	}
}
