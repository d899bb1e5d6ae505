package browser_test

import (
	"strconv"
	"strings"
	"testing"
)

// unfit lists what is wrong with how a view looks: text without enough contrast
// (WCAG 2.2 AA), controls without a name, targets too small for a thumb,
// a view wider than its screen, values that a script did not have.
const unfit = `(() => {
  const found = [];
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const ground = e => { for (; e; e = e.parentElement) { const s = getComputedStyle(e), c = parse(s.backgroundColor); if (s.backgroundImage !== 'none') return null; if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
  const what = e => e.tagName.toLowerCase() + '.' + e.className + ' "' + (e.innerText ?? '').slice(0, 30) + '"';
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.closest('.unseen, .skip')) continue;
    const s = getComputedStyle(e);
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && !e.disabled && !e.closest(':disabled')) {
      const g = ground(e), size = parseFloat(s.fontSize), large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
      if (g && ratio(parse(s.color), g) < (large ? 3 : 4.5)) found.push('contrast ' + ratio(parse(s.color), g).toFixed(1) + ': ' + what(e));
      if (size < 14) found.push('small text: ' + what(e));
    }
    if (e.matches('button, a[href], select, input')) {
      if (!(e.innerText?.trim() || e.ariaLabel || e.closest('label')?.innerText.trim())) found.push('no name: ' + what(e));
      const r = e.getBoundingClientRect();
      if (!e.matches('input[type=checkbox], input[type=range]') && Math.min(r.width, r.height) < 44) found.push('small target ' + Math.round(r.width) + 'x' + Math.round(r.height) + ': ' + what(e));
    }
  }
  if (document.documentElement.scrollWidth > WIDTH) found.push('wider than the screen: ' + document.documentElement.scrollWidth);
  for (const w of ['undefined', 'NaN', '[object', 'null']) if (document.body.innerText.includes(w)) found.push('says ' + w);
  return found;
})()`

// Every view can be read and used, on a panel and on a phone, light and dark.
func TestForm(t *testing.T) {
	d := line(t, "cap", "lid")
	views := []struct{ name, path, there string }{
		{"live", "#/", "document.querySelectorAll('.card .call.pass, .card .call.fail').length === 2"},
		{"station", "#/station/cap", "document.querySelector('.focus .call.pass, .focus .call.fail') && document.querySelector('.fails img:not([hidden])')"},
		{"history", "#/history?verdict=fail&pictures=true", "document.querySelector('.tile.fail img')?.naturalWidth > 0"},
		{"detail", "", "document.querySelector('.why td') && document.querySelector('.look .region')"},
		{"threshold", "#/threshold/cap", "document.querySelector('.tune .now')?.innerText && document.querySelector('.flips')?.innerText"},
		{"reviewed", "#/reviewed", "document.querySelector('a[download]')"},
		{"train", "#/train", "document.querySelector('.order select')"},
		{"models", "#/models/cap", "document.querySelector('.side .model')"},
		{"audit", "#/audit", "document.querySelector('tbody td')"},
	}
	for _, s := range []screen{panel, phone} {
		v := open(t, d, s, "")
		v.loggedIn("admin")
		for _, w := range views {
			if w.name == "detail" {
				v.click(".tile.fail")
			} else {
				js[string](v, "location.hash = "+quote(w.path))
			}
			v.wait(w.there)
			for _, light := range []string{"light", "dark"} {
				v.light(light)
				if found := js[[]string](v, strings.Replace(unfit, "WIDTH", strconv.FormatInt(s.width, 10), 1)); len(found) > 0 {
					t.Errorf("%s on the %s, %s:\n%s", w.name, s.name, light, strings.Join(found, "\n"))
				}
				v.shot(strings.Join([]string{w.name, s.name, light}, "-"))
			}
		}
	}
}
