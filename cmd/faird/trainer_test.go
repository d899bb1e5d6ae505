package main

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"faird/verdict"
)

// trainingJob is what the page is told of a training.
type trainingJob struct {
	Phase, Error, Priority string
	Gathered               int
	Progress               struct{ Part float64 }
	Result                 *struct {
		File, Model string
		Threshold   float64
	}
	Comparison *struct {
		Good, Defect     int
		Present, Trained struct{ AUROC, Threshold *float64 }
	}
	Log []string
}

func (o *operator) training() trainingJob {
	o.t.Helper()
	var out struct{ Job trainingJob }
	o.json("GET", "/api/training", nil, &out)
	return out.Job
}

// calm is between two looks.
const calm = 200 * time.Millisecond

// comparedBy says whether a verdict's picture is kept from every training.
func comparedBy(id string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()%4 == 0
}

// TestTrainFromThePage goes from parts on the line, some of them marked, to a
// model on the box that is compared with the one in use. The line goes on all
// the while, and the daemon is restarted in the middle of the training.
func TestTrainFromThePage(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "faird.yaml", fmt.Sprintf(`
site: plant1
box: edge7
log: {format: json}
store: {path: data}
archive: {sample: 0.3, min_free: 0B}
infer: {threads: 1}
mqtt: {builtin: {listen: "127.0.0.1:%d"}}
stations:
  - name: cap
    camera: {url: "demo://?seed=7&rate=3&defects=0.3", open_timeout: 180s, read_timeout: 60s}
    model: demo
    roi: {x: 64, y: 112, w: 480, h: 470}
`, freePort(t)))
	withPassword(t, dir, "correct horse battery", "user", "add", "anna", "--role", "operator")
	p := start(t, dir, nil, "run", "--config", path)
	o := logIn(t, pageOf(t, p), "anna", "correct horse battery")
	order := map[string]any{"station": "cap", "source": "live_passed", "pictures": 10, "steps": 30, "width": 8, "size": "48x32"}
	var begun struct{ Phase string }
	if o.json("POST", "/api/training", order, &begun); begun.Phase != "collecting" {
		t.Errorf("begun %+v", begun)
	}
	if status, body := o.ask("POST", "/api/training", order); status != http.StatusConflict {
		t.Errorf("a second one: %d %s", status, body)
	}
	defective := markSome(o)
	over := func(j trainingJob) bool { return j.Phase == "done" || j.Phase == "failed" }
	until(t, 6*time.Minute, "the training to be under way", func() bool {
		hurry(p)
		j := o.training()
		return j.Phase == "training" && j.Progress.Part > 0 || j.Phase == "evaluating" || over(j)
	})
	if code, took := p.stop(); code != 0 || took > 20*time.Second {
		t.Errorf("stopped with exit code %d after %s", code, took)
	}
	p = start(t, dir, nil, "run", "--config", path)
	o = logIn(t, pageOf(t, p), "anna", "correct horse battery")
	until(t, 6*time.Minute, "the end of the training", func() bool { hurry(p); return over(o.training()) })
	j := o.training()
	if j.Phase != "done" || j.Gathered != 10 || j.Priority != "low" || !strings.HasPrefix(j.Result.Model, "sha256:") {
		t.Fatalf("%+v", j)
	}
	if c := j.Comparison; c.Good < 1 || c.Defect != defective || c.Present.AUROC == nil || c.Trained.AUROC == nil || c.Trained.Threshold == nil {
		t.Errorf("compared %+v, %d were marked defective", c, defective)
	}
	models, err := filepath.Glob(filepath.Join(dir, "data", "models", "cap-*.onnx"))
	if err != nil || len(models) != 1 {
		t.Fatalf("models %q, %v", models, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "data", "training")); err != nil || len(left) != 1 {
		t.Errorf("left of the training: %v, %v", left, err)
	}
	newest := o.history("limit=1")[0].ID
	until(t, 4*time.Minute, "the line to go on", func() bool {
		now := o.history("limit=1")[0]
		return now.ID != newest && now.Verdict != verdict.NoRead
	})
}

// markSome marks passes good until one of them is kept from every training, and
// two fails defective; it gives how many those are.
func markSome(o *operator) int {
	o.t.Helper()
	compared := false
	until(o.t, 4*time.Minute, "a good part to compare by, and defective ones", func() bool {
		for _, item := range o.history("verdict=pass&pictures=true&marked=no&limit=50") {
			mark(o, item.ID, "good")
			compared = compared || comparedBy(item.ID)
		}
		time.Sleep(calm)
		return compared && len(o.history("verdict=fail&pictures=true&limit=2")) > 1
	})
	defective := o.history("verdict=fail&pictures=true&limit=2")
	for _, item := range defective {
		mark(o, item.ID, "defect")
	}
	return len(defective)
}

func mark(o *operator, id, truth string) {
	o.t.Helper()
	var out struct{ Truth string }
	o.json("PUT", "/api/verdicts/"+id+"/mark", map[string]string{"mark": truth}, &out)
}

// hurry gives the processes that a faird has started the priority of others, as
// far as this one may: beside busy tests they would take long. Then it waits a
// moment: who looks all the time slows what is looked at.
func hurry(p *process) {
	defer time.Sleep(calm)
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			threads, _ := filepath.Glob("/proc/" + child + "/task/*")
			for _, thread := range threads {
				if tid, err := strconv.Atoi(filepath.Base(thread)); err == nil {
					_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_NORMAL}, 0)
				}
			}
		}
	}
}
