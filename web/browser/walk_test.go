package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Somebody who is not logged in sees the line at work.
func TestLive(t *testing.T) {
	d := line(t, "cap")
	v := open(t, d, panel, "")
	v.says(".call .word", "") // there is one
	v.wait("['pass','fail','review'].some(k => document.querySelector('.call')?.classList.contains(k))")
	v.wait("document.querySelector('.look image')?.href.baseVal.startsWith('blob:')")
	v.wait("document.querySelector('.focus h1')?.innerText === 'cap'")
	v.says(".health", "Everything delivered")
	v.says("#box", "edge7")
	v.wait("Number(document.querySelector('.counts dd').innerText) + Number(document.querySelectorAll('.counts dd')[1].innerText) > 3")
	before := v.text(".counts")
	until(t, "the counts to go on", func() bool { return v.text(".counts") != before })
	v.wait("document.querySelector('canvas.chart')?.ariaLabel?.includes('Newest')")

	// A fail stays in sight, outlined, with its map.
	v.wait("document.querySelector('.fails a.fail img:not([hidden])')?.naturalWidth > 0")
	v.wait("document.querySelector('.call.fail')")
	v.wait("document.querySelectorAll('.look image')[1]?.href.baseVal.startsWith('blob:') && document.querySelector('.look').dataset.verdict")
	if v.holds("document.querySelector('.controls button[data-paused]')") {
		t.Error("somebody who is not logged in is offered to pause the station")
	}
	v.light("light")
	v.wait("document.querySelector('.call.fail')")
	v.shot("live-panel")
}

func TestLogin(t *testing.T) {
	d := line(t, "cap")
	v := open(t, d, panel, "")
	v.expect("401")
	v.login("operator", "wrong")
	v.says("dialog .note.bad", "")
	v.wait("document.querySelector('dialog .note.bad')?.checkVisibility()")
	v.press(kb.Escape)
	v.wait("!document.querySelector('dialog')")
	v.loggedIn("operator")
	v.says("#who", "operator")
	if strings.Contains(v.text("#nav"), "Audit") {
		t.Error("an operator is offered the audit log")
	}
	v.click(".controls button[data-paused=false]")
	v.says(".call .word", "paused")
	v.click(".controls button[data-paused=true]")
	v.wait("['pass','fail','review'].some(k => document.querySelector('.call')?.classList.contains(k))")
	v.click("#who button:last-child")
	v.wait("!document.querySelector('#who').innerText.includes('operator')")
	v.wait("!document.querySelector('.controls button[data-paused]')")
}

// From a fail on the line to a reviewed rate.
func TestReview(t *testing.T) {
	d := line(t, "cap")
	v := open(t, d, panel, "")
	v.loggedIn("operator")
	v.wait("[...document.querySelectorAll('.fails a.fail img')].filter(i => i.naturalWidth > 0).length > 1")
	v.click("#nav a[href='#/history']")
	v.click(".filters [data-kind=fail]")
	v.click(".filters [name=pictures]")
	v.wait("location.hash.includes('verdict=fail') && location.hash.includes('pictures=true') && document.querySelectorAll('.tile.fail').length > 1")
	if v.holds("document.querySelector('.tile.pass')") {
		t.Error("a pass among the fails")
	}
	v.wait("document.querySelector('.tile.fail img')?.naturalWidth > 0")
	v.shot("history-panel")

	v.click(".tile.fail")
	v.says(".call.fail .word", "fail")
	v.wait("document.querySelectorAll('.why tbody tr').length > 0 && document.querySelector('.look .region')")
	v.wait("[...document.querySelectorAll('.pair-of .look')].every(l => l.querySelector('image').href.baseVal)")
	v.says(".stages", "restore")
	v.says(".record", "sha256:")
	v.press("w")
	v.wait("document.querySelector('[data-mark=wrong][aria-pressed=true]')")
	v.says(".mark .state", "Marked wrong by operator")
	v.shot("detail-panel")
	v.press("u")
	v.wait("document.querySelector('[data-mark=wrong][aria-pressed=false]') && !document.querySelector('.mark .state')")
	v.click("[data-mark=right]")
	v.says(".mark .state", "Marked right by operator")
	first := v.text(".detail h1")
	v.press(kb.ArrowRight)
	until(t, "the older one", func() bool { now := v.text(".detail h1"); return now != "" && now != first })
	v.press("w")
	v.wait("document.querySelector('[data-mark=wrong][aria-pressed=true]')")

	v.click("#nav a[href='#/reviewed']")
	v.says(".rates", "1 of 2")
	v.says(".rates", "between")
	v.shot("reviewed-panel")
	kind := js[string](v, "fetch(document.querySelector('a[download]').href).then(r => r.headers.get('Content-Type'))")
	if kind != "application/zip" {
		t.Errorf("the export is %q", kind)
	}
}

// A threshold is tried on the history, applied, outlives a restart, and is in
// the audit log.
func TestThreshold(t *testing.T) {
	d := line(t, "cap")
	v := open(t, d, panel, "")
	v.wait("document.querySelectorAll('.fails a.fail').length > 2")
	v.click("#nav a[href^='#/threshold']")
	v.wait("document.querySelector('.tune .now')?.innerText.includes('from the model')")
	if !v.holds("!document.querySelector('.tune button.main')?.innerText.includes('Apply')") {
		t.Error("somebody who is not logged in is offered to apply a threshold")
	}
	v.loggedIn("admin")
	v.click("#nav a[href^='#/threshold']")
	v.wait("document.querySelector('.tune input.wide') && document.querySelector('.tune .now').innerText.includes('from the model')")
	js[bool](v, `(() => { const n = document.querySelector('.tune input[type=number]'); n.value = 9; return n.dispatchEvent(new Event('change')) })()`)
	v.wait("/^\\d+ of the last \\d+ verdicts would change/.test(document.querySelector('.flips').innerText)")
	v.wait("document.querySelector('.tiles .tile.pass img')?.naturalWidth > 0")
	v.shot("threshold-panel")
	v.click(".tune button.main")
	v.says("dialog h2", "to 9.000?")
	v.click("dialog button.main")
	v.says(".tune .now", "9.000, set here by admin")

	v.click("#nav a[href='#/audit']")
	v.says("tbody", "set the threshold")

	v.expect("ERR_")
	v.expect("network")
	d.stop()
	v.wait("document.querySelector('#alarm').checkVisibility() && document.querySelector('#alarm').innerText.includes('Connection lost')")
	d.start()
	v.wait("!document.querySelector('#alarm').checkVisibility()")
	v.click("#nav a[href='#/']")
	v.says(".call .facts", "9.000")
}
