// The stream of events, and whether it lives. A connection can die without a
// word (a phone that left the network), and an idle line is silent too: after
// a silence the box is asked, and the stream opened anew where it missed something.
import { get } from "./api.js";

const quiet = 8000; // ms without an event until the box is asked
const brief = 4000; // ms for that question
const pauses = [500, 1000, 2000, 5000]; // ms before the next attempt

// stream calls on.state, on.verdict, on.link(alive, since) and on.bye.
export function stream(on) {
  let source = null, silence = 0, again = 0, attempt = 0, alive = null, heard = Date.now(), newest = 0, stopped = false;

  function open() {
    clearTimeout(again);
    source?.close();
    source = new EventSource("/api/events");
    source.addEventListener("state", (e) => { hear(); state(JSON.parse(e.data)); });
    source.addEventListener("verdict", (e) => { hear(); verdict(JSON.parse(e.data)); });
    source.addEventListener("bye", () => { lose(); on.bye(); });
    source.addEventListener("error", lose);
    watch();
  }

  function state(s) {
    for (const st of s.stations) newest = Math.max(newest, st.last?.key ?? 0);
    on.state(s);
  }

  function verdict(v) {
    newest = Math.max(newest, v.key);
    on.verdict(v);
  }

  function hear() {
    heard = Date.now();
    attempt = 0;
    watch();
    if (alive !== true) on.link(alive = true, heard);
  }

  function lose() {
    source?.close();
    clearTimeout(silence);
    if (alive !== false) on.link(alive = false, heard);
    if (stopped) return;
    clearTimeout(again);
    again = setTimeout(retry, pauses[Math.min(attempt++, pauses.length - 1)]);
  }

  // retry asks first once an attempt has failed: an EventSource does not tell a
  // box that is away from one that wants a log-in.
  async function retry() {
    if (attempt > 1) await get("/api/state", {}, AbortSignal.timeout(brief)).catch(() => {});
    if (!stopped) open();
  }

  function watch() {
    clearTimeout(silence);
    silence = setTimeout(probe, quiet);
  }

  async function probe() {
    const known = newest;
    try {
      const s = await get("/api/state");
      if (stopped) return;
      const missed = newest === known && s.stations.some((st) => (st.last?.key ?? 0) > known);
      hear();
      state(s);
      if (missed) open();
    } catch {
      if (!stopped) lose();
    }
  }

  open();
  return {
    close() { stopped = true; source?.close(); clearTimeout(silence); clearTimeout(again); },
  };
}
