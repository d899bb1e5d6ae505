package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// screen is what somebody looks at.
type screen struct {
	name          string
	width, height int64
	touch         bool
}

var (
	panel = screen{name: "panel", width: 1280, height: 800}
	phone = screen{name: "phone", width: 390, height: 844, touch: true}
)

// view is a browser's window on the page.
type view struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp's handle of the window

	mu       sync.Mutex
	wrong    []string // errors that the browser reported
	expected []string // parts of those that a test brings about
}

// open shows the daemon's page. An error that the browser reports fails the
// test: a script that throws, a file that is missing, a style that the
// Content-Security-Policy forbids.
func open(t *testing.T, d *daemon, s screen, path string) *view {
	t.Helper()
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("lang", "en-GB"), chromedp.Flag("hide-scrollbars", true)))
	v := &view{t: t, ctx: ctx}
	heard := make(chan struct{})
	t.Cleanup(func() {
		if t.Failed() {
			v.shot(t.Name() + "-failed")
		}
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("the browser ended badly: %v", err)
		}
		cancel()
		<-heard
		for _, w := range v.complaints() {
			t.Errorf("the browser reports: %s", w)
		}
	})
	// The first Do starts the browser with its context: no deadline may end that.
	if err := chromedp.Do(ctx); err != nil {
		close(heard)
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		defer close(heard)
		for m, err := range messages {
			if err != nil {
				return
			}
			v.hear(m)
		}
	}()
	options := []chromedp.EmulateViewportOption{}
	if s.touch {
		options = append(options, chromedp.EmulateTouch, chromedp.EmulateMobile)
	}
	v.do(chromedp.EmulateViewport(s.width, s.height, options...), chromedp.Navigate(d.url+"/"+path))
	return v
}

// hear notes what the browser complains about.
func (v *view) hear(m chromedp.ConsoleMessage) {
	if m.Type != chromedp.ConsoleError && !m.IsException() {
		return
	}
	what := fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrong = append(v.wrong, what)
}

// complaints are those that the test did not bring about.
func (v *view) complaints() (rest []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range v.wrong {
		known := false
		for _, part := range v.expected {
			known = known || strings.Contains(w, part)
		}
		if !known {
			rest = append(rest, w)
		}
	}
	return rest
}

// expect takes complaints with this text as part of the test.
func (v *view) expect(part string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.expected = append(v.expected, part)
}

func (v *view) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

// js is the value of an expression, which may be a promise.
func js[T any](v *view, expression string) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return result
}

// holds reports whether a JavaScript condition is true now.
func (v *view) holds(condition string) bool {
	v.t.Helper()
	return js[bool](v, "Boolean("+condition+")")
}

// wait waits for a JavaScript condition.
func (v *view) wait(condition string) {
	v.t.Helper()
	until(v.t, condition, func() bool { return v.holds(condition) })
}

// text is what an element says.
func (v *view) text(selector string) string {
	v.t.Helper()
	return js[string](v, fmt.Sprintf("document.querySelector(%s)?.innerText ?? ''", quote(selector)))
}

// says waits until an element says something.
func (v *view) says(selector, part string) {
	v.t.Helper()
	v.wait(fmt.Sprintf("document.querySelector(%s)?.innerText.toLowerCase().includes(%s)", quote(selector), quote(strings.ToLower(part))))
}

// click waits until the element is there and can be used, and clicks it as a mouse does.
func (v *view) click(selector string) {
	v.t.Helper()
	v.wait(fmt.Sprintf("(e => e && !e.disabled && e.checkVisibility())(document.querySelector(%s))", quote(selector)))
	// The page may put another element in its place meanwhile.
	until(v.t, "a click on "+selector, func() bool {
		ctx, cancel := context.WithTimeout(v.ctx, patience)
		defer cancel()
		return chromedp.Do(ctx, chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector))) == nil
	})
}

// press presses a key.
func (v *view) press(key string) {
	v.t.Helper()
	v.do(chromedp.KeyEvent(key))
}

// login logs in through the dialog.
func (v *view) login(user, password string) {
	v.t.Helper()
	v.click("#who button:last-child")
	v.wait("document.querySelector('dialog input[name=user]') === document.activeElement")
	v.do(chromedp.SendKeys(chromedp.CSS("dialog input[name=user]"), user),
		chromedp.SendKeys(chromedp.CSS("dialog input[name=password]"), password+kb.Enter))
}

// loggedIn is login with the right password, once more where the box was too
// busy to answer.
func (v *view) loggedIn(user string) {
	v.t.Helper()
	v.login(user, password)
	until(v.t, "the log-in", func() bool {
		if v.holds("document.querySelector('dialog .note.bad')?.checkVisibility()") {
			v.do(chromedp.SendKeys(chromedp.CSS("dialog input[name=password]"), password+kb.Enter))
		}
		return v.holds(fmt.Sprintf("document.querySelector('#who').innerText.includes(%s)", quote(user)))
	})
	v.wait("!document.querySelector('dialog')")
}

// light makes the page light or dark, for somebody who wants nothing to move.
func (v *view) light(scheme string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.wait(fmt.Sprintf("document.documentElement.dataset.light === %q", scheme))
}

// shot saves a picture of the window to $BROWSER_SHOTS, where that is set.
func (v *view) shot(name string) {
	dir := os.Getenv("BROWSER_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)); err != nil {
		v.t.Error(err)
	}
}

// quote is a string as JavaScript writes it.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
