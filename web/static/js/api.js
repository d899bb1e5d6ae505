// Talks to the box: JSON in, JSON out, errors as sentences.
import { text } from "./text.js";

const patience = 30000; // ms for an answer

// session is who uses the page; app.js keeps it up to date.
export const session = { user: "", role: "none", csrf: "" };

const ranks = ["none", "viewer", "operator", "admin"];

// may reports whether the session's role is at least the given one.
export function may(role) {
  return ranks.indexOf(session.role) >= ranks.indexOf(role);
}

// Refused is an answer other than the one asked for.
export class Refused extends Error {
  constructor(message, status, code, retryAfter) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

// query makes "?a=b" of an object, without what is empty.
export function query(params) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value !== "" && value !== null && value !== undefined && value !== false) q.set(name, value);
  }
  const s = q.toString();
  return s && `?${s}`;
}

export const get = (path, params, signal) => ask("GET", path + query(params), undefined, signal);
export const put = (path, body) => ask("PUT", path, body);
export const post = (path, body) => ask("POST", path, body);
export const del = (path) => ask("DELETE", path);

async function ask(method, path, body, signal) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && session.csrf) headers["X-CSRF-Token"] = session.csrf;
  const late = AbortSignal.timeout(patience);
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Refused(text.errors.offline, 0, "offline");
  }
  if (answer.status === 204) return null;
  const data = await answer.json().catch(() => ({ error: text.errors.unreadable, code: "unreadable" }));
  if (!answer.ok || data.code === "unreadable") {
    if (answer.status === 401 && path !== "/api/login") dispatchEvent(new Event("faird:login"));
    throw new Refused(data.error, answer.status, data.code, Number(answer.headers.get("Retry-After")) || 0);
  }
  return data;
}
