package doctor

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
func examination(t *testing.T, stations string, o Options) (status string, findings map[string][]Finding) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faird.yaml")
	if err := os.WriteFile(path, []byte(offline+"stations:\n"+stations), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Config = path
	r := New(o).Examine(t.Context())
	var text bytes.Buffer
	if err := r.Encode(&text); err != nil {
		t.Fatal(err)
	}
	r = new(Diagnosis)
	if err := json.Unmarshal(text.Bytes(), r); err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	if (r.Failure() != nil) != (r.Status == LevelFail) {
		t.Errorf("status %s and error %v", r.Status, r.Failure())
	}
	findings = map[string][]Finding{}
	for _, f := range r.Checks {
		findings[f.Name] = append(findings[f.Name], f)
		if f.Status != LevelOK && f.Advice == "" {
			t.Errorf("no advice on %+v", f)
		}
	}
	return r.Status, findings
}

// offline leaves out what a test machine may have in use.
const offline = "web: {listen: \"\"}\nmqtt: {builtin: {listen: \"127.0.0.1:0\"}}\n"

func station(name, url, more string) string {
	return fmt.Sprintf("- {name: %s, model: not-made-yet.onnx, camera: {url: %q}%s}\n", name, url, more)
}

func TestDoctorTriesEachCamera(t *testing.T) {
	pictures := t.TempDir()
	status, got := examination(t, station("demo", "demo://?rate=50&size=128", "")+
		station("hot", "watch://"+pictures, "")+
		station("dead", "http://127.0.0.1:1/", ""), Options{Save: pictures + "/out"})
	if status != LevelFail {
		t.Errorf("status %s with a dead camera", status)
	}
	for name, want := range map[string][2]string{
		"config":      {LevelOK, "3 station(s)"},
		"camera demo": {LevelOK, "128x128 pixels, saved as"},
		"camera hot":  {LevelOK, "when one is asked for"},
		"camera dead": {LevelFail, "refused"},
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
	_, got = examination(t, station("demo", "demo://?rate=50&size=128", ""), Options{Station: "other"})
	if f := got["config"]; len(f) != 1 || f[0].Status != LevelFail || !strings.Contains(f[0].Advice, "demo") {
		t.Errorf("%+v", f)
	}
}

// litScene is a camera that sees a lamp 130 ms late.
func litScene(t *testing.T, lamp string) string {
	t.Helper()
	const delay = 130 * time.Millisecond
	pictures := map[bool]*[2][]byte{false: {}, true: {}}
	for _, lit := range []bool{false, true} {
		for noise := range pictures[lit] { // no sensor gives the same image twice
			m := image.NewGray(image.Rect(0, 0, 64, 64))
			for i := range m.Pix {
				m.Pix[i] = map[bool]uint8{false: 40, true: 200}[lit]
			}
			m.SetGray(0, 0, color.Gray{Y: uint8(100 * noise)})
			var b bytes.Buffer
			if err := jpeg.Encode(&b, m, nil); err != nil {
				t.Fatal(err)
			}
			pictures[lit][noise] = b.Bytes()
		}
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
			p := pictures[seen][len(past)%2]
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
	_, got := examination(t, station("slow", url+"?latency=20ms", triggered), Options{Light: lamp})
	f := got["camera slow"]
	if len(f) != 2 || f[1].Status != LevelFail || !strings.Contains(f[1].Advice, "set latency=") {
		t.Fatalf("%+v", f)
	}
	detail, _ := f[0].Detail.(map[string]any)
	measured, _ := detail["measured_latency_ms"].(map[string]any)
	if shortest, _ := measured["shortest"].(float64); shortest < 120 || detail["latency_ms"] != 20.0 {
		t.Errorf("%+v", f[0].Detail)
	}
	_, got = examination(t, station("slow", url+"?latency=20ms", triggered), Options{})
	if f := got["camera slow"]; len(f) != 2 || f[1].Status != LevelWarn || !strings.Contains(f[1].Advice, "--light") {
		t.Errorf("%+v", f)
	}
	_, got = examination(t, station("slow", url, triggered), Options{Light: lamp + "-that-is-not-there"})
	if f := got["camera slow"]; len(f) != 2 || f[1].Status != LevelFail || !strings.Contains(f[1].Finding, "no such file") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorSeesGeniCamCameras(t *testing.T) {
	if err := aravis.Load(); err != nil {
		t.Fatalf("%v: run make deps-test", err)
	}
	arvtest.New(t)
	_, got := examination(t, station("gige", "genicam://"+arvtest.Serial+"?width=128&height=96&fps=20", ""), Options{})
	if f := got["genicam"]; len(f) == 0 || !strings.Contains(f[0].Finding, "genicam://"+arvtest.Name) || !strings.Contains(f[0].Finding, arvtest.Address) {
		t.Errorf("%+v", f)
	}
	if f := got["camera gige"]; len(f) != 2 || f[0].Status != LevelOK || !strings.Contains(f[1].Finding, "tells when each picture was exposed") {
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
	if len(list) != 2 || list[0].Status != LevelOK || list[0].Finding != dev+"/video0: USB camera" || list[1].Status != LevelWarn {
		t.Errorf("%+v", list)
	}
	if list := v4l2Devices(dev, dev); list != nil {
		t.Errorf("%+v of a folder without devices", list)
	}
}

func TestDoctorInWords(t *testing.T) {
	r := &Diagnosis{Status: LevelOK}
	r.add(Finding{Name: "a", Status: LevelWarn, Finding: "so-so", Advice: "do this"})
	r.add(Finding{Name: "b", Status: LevelOK, Finding: "well"})
	var out bytes.Buffer
	if err := r.Print(&out); err != nil || r.Failure() != nil || r.Status != LevelWarn {
		t.Error(err, r.Failure(), r.Status)
	}
	if want := "warn  a: so-so\n      -> do this\nok    b: well\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	r.add(Finding{Name: "c", Status: LevelFail})
	r.add(Finding{Name: "d", Status: LevelWarn})
	if r.Status != LevelFail || r.Failure() == nil {
		t.Error(r.Status)
	}
}
