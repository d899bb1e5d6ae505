package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// marked says of every kept part what its verdict says, so that models can be
// compared; it gives how many are defective.
const marked = `Promise.all([import('/static/js/api.js'), fetch('/api/history?pictures=true&verdict=pass,fail&limit=200').then(r => r.json())])
  .then(([api, list]) => Promise.all(list.items.map(i => api.put('/api/verdicts/' + i.id + '/mark', { mark: i.verdict === 'fail' ? 'defect' : 'good' }))))
  .then(all => all.filter(m => m.truth === 'defect').length)`

// small is a training that takes a moment.
const small = `import('/static/js/api.js').then(a => a.post('/api/training',
  { station: 'cap', source: 'live_any', pictures: 10, steps: 12, width: 8, size: '48x32' })).then(j => j.phase)`

// A training is begun, watched and cancelled; another one ends, and its model is
// shown beside the one in use.
func TestTrain(t *testing.T) {
	d := lineAt(t, 4, "cap")
	v := open(t, d, panel, "")
	v.click("#nav a[href='#/train']")
	v.says("main", "Log in as operator to train")
	v.loggedIn("operator")
	v.wait("document.querySelector('.order select[name=source]')")
	v.do(chromedp.Reload())
	v.wait("document.querySelector('.order select[name=station]')?.value === 'cap'")
	js[bool](v, `(() => { const f = document.querySelector('.order'); f.source.value = 'live_any'; f.pictures.value = 10; return f.source.dispatchEvent(new Event('change')) })()`)
	v.says(".order p", "only good parts")
	v.click(".order button.main")
	v.wait("/^(Collecting|Training)/.test(document.querySelector('.job h2')?.innerText)")
	v.wait("!document.querySelector('.order').checkVisibility()")
	v.says(".job h2", "Training")
	v.says(".way [aria-current]", "Training")
	v.hurried(d, "/step \\d+, loss|reading/i.test(document.querySelector('.job').innerText)")
	v.shot("train-panel")
	v.click(".job button.harm")
	v.says("dialog h2", "Cancel")
	v.click("dialog button.main")
	v.says(".job h2", "Cancelled")

	if n := js[int](v, marked); n == 0 {
		t.Fatal("no kept part is defective")
	}
	if phase := js[string](v, small); phase != "collecting" {
		t.Fatalf("the phase is %q", phase)
	}
	v.hurried(d, "document.querySelector('.job h2')?.innerText === 'The model is ready'")
	v.says(".job .note.good", "cap-")
	v.says(".beside", "Slipped through")
	v.wait("/\\d+ of \\d+/.test(document.querySelector('.beside').innerText)")
	v.wait("document.querySelector('.job a.button')?.hash === '#/models/cap'")
	js[bool](v, "scrollTo(0, 0), true")
	v.shot("trained-panel")
	v.click("details:not(.said) summary")
	v.wait("document.querySelector('.pairs img')?.naturalWidth > 0")
}
