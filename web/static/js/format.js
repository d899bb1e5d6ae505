// Numbers and times as people read them, in the browser's own time zone.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const whole = new Intl.NumberFormat("en-GB");

export const none = "–";

export function score(x) {
  if (x === null || x === undefined) return none;
  return x < 0.01 ? x.toPrecision(2) : x.toFixed(3);
}

export function count(n) {
  return whole.format(n ?? 0);
}

export function time(iso) {
  return iso ? clock.format(new Date(iso)) : none;
}

// when is the time, with the day where it is not today.
export function when(iso) {
  if (!iso) return none;
  const t = new Date(iso);
  return t.toDateString() === new Date().toDateString() ? clock.format(t) : `${day.format(t)}, ${clock.format(t)}`;
}

export function percent(share) {
  if (share === null || share === undefined) return none;
  const p = share * 100;
  return `${p === 0 || p >= 10 ? p.toFixed(0) : p.toFixed(p < 1 ? 2 : 1)}%`;
}

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n >= 10 || i === 0 ? n.toFixed(0) : n.toFixed(1)} ${units[i]}`;
}

export function millis(ms) {
  return ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

// span is a length of time in its largest fitting unit.
export function span(ms) {
  const sec = Math.max(0, Math.round(ms / 1000));
  if (sec < 90) return `${sec} s`;
  if (sec < 90 * 60) return `${Math.round(sec / 60)} min`;
  return sec < 48 * 3600 ? `${Math.round(sec / 3600)} h` : `${Math.round(sec / 86400)} days`;
}

// shortHash keeps of "sha256:abc…" what tells models apart.
export function shortHash(hash) {
  return hash ? hash.replace(/^sha256:/, "").slice(0, 8) : none;
}
