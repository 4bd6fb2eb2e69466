// Requests to the API, sign-in, and the feed of events.
// Secrets are kept in this tab's session storage only, and go to the API and the sign-in only.

import { Sha256 } from "./sha256.js";

export const settings = JSON.parse(document.querySelector('meta[name="wharf"]').content);
const HOME = `${location.origin}${settings.root}/`;
const TRIES = 4;

/** Announces `event` (of the feed), `refresh` (events may be missing), `caller` and `connection`. */
export const bus = new EventTarget();
export const announce = (type, detail) => bus.dispatchEvent(new CustomEvent(type, { detail }));

/** Call `heard` for each announcement until the element is gone. */
export function hear(element, type, heard) {
  bus.addEventListener(type, (event) => heard(event.detail), { signal: element.gone.signal });
}

/** An element that is built each time it comes onto the page. */
export class View extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController();
    this.build();
  }

  disconnectedCallback() {
    this.gone.abort();
  }
}

/** The reason why a request was refused: problem details (RFC 9457), or `offline`. */
export class Problem extends Error {
  constructor(status, details, retryAfter = 0) {
    super(details.detail || details.title || `The answer was ${status}.`);
    Object.assign(this, { code: "unknown", errors: [], ...details, status, retryAfter });
  }
}

export const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal?.aborted) return stop();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", () => (clearTimeout(timer), stop()), { once: true });
  });

let isOnline = true;
function connected(now) {
  if (now !== isOnline) announce("connection", (isOnline = now));
}

/** Send a request; return `{data, etag, status}`. Raises Problem. What is safe to repeat is tried again. */
export async function call(path, { method = "GET", body, headers = {}, signal, type = "application/json", tries } = {}) {
  const repeats = method === "GET" || "Idempotency-Key" in headers;
  for (let left = (tries ?? (repeats ? TRIES : 1)) - 1; ; left -= 1) {
    try {
      return await once(path, { method, body, headers, signal, type });
    } catch (fault) {
      const passes = fault.code === "offline" || fault.status === 429 || fault.status === 503;
      if (signal?.aborted || !passes || left <= 0) throw fault;
      await pause(fault.retryAfter || 0.5 * 2 ** (TRIES - left) * Math.random(), signal);
    }
  }
}

async function once(path, { method, body, headers, signal, type }, isSecond = false) {
  const sent = { Accept: "application/json", ...credentials(), ...headers };
  if (body !== undefined) sent["Content-Type"] = type;
  let answer;
  try {
    answer = await fetch(`${settings.root}${path}`, {
      method, headers: sent, signal, credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    connected(false);
    throw new Problem(0, { code: "offline", detail: "There is no connection to the service." });
  }
  connected(true);
  if (answer.ok) {
    const data = answer.status === 204 ? null : await answer.json();
    return { data, etag: answer.headers.get("ETag"), status: answer.status };
  }
  if (answer.status === 401 && !isSecond && (await refreshed())) return once(path, { method, body, headers, signal, type }, true);
  const details = await answer.json().catch(() => ({}));
  if (answer.status === 401) forget();
  throw new Problem(answer.status, details, Number(answer.headers.get("Retry-After")) || 0);
}

export const get = (path, signal) => call(path, { signal }).then((answer) => answer.data);
export const post = (path, body, more) => call(path, { method: "POST", body, ...more }).then((answer) => answer.data);
export const patch = (path, body, etag) =>
  call(path, { method: "PATCH", body, type: "application/merge-patch+json", headers: etag ? { "If-Match": etag } : {} });
export const remove = (path, etag) => call(path, { method: "DELETE", headers: etag ? { "If-Match": etag } : {} });

/** Return a short-lived URL of a payload (`payload`) or an artifact (`artifacts/<name>`). */
export const urlOf = (id, what, signal) => get(`/v1/objects/${id}/${what}`, signal).then((link) => link.url);

/** Return the content of an artifact, at most `most` bytes of it. */
export async function artifact(id, name, { signal, most } = {}) {
  const url = await urlOf(id, `artifacts/${encodeURIComponent(name)}`, signal);
  const headers = most ? { Range: `bytes=0-${most - 1}` } : {};
  const answer = await fetch(url, { signal, headers, credentials: "omit" });
  if (!answer.ok) throw new Problem(answer.status, { code: "not_found" });
  return answer;
}

/** Let a browser save what is at a URL. Every such URL answers as an attachment. */
export function save(url) {
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noreferrer";
  document.body.append(link);
  link.click();
  link.remove();
}

let known;
/** Return the kinds, asked for once. */
export const kinds = () => (known ??= get("/v1/kinds").then((list) => list.items).catch((fault) => {
  known = undefined;
  throw fault;
}));

// The caller.

const read = (name) => sessionStorage.getItem(`wharf.${name}`);
const write = (name, value) => (value ? sessionStorage.setItem(`wharf.${name}`, value) : sessionStorage.removeItem(`wharf.${name}`));
const tokens = () => JSON.parse(read("tokens") ?? "null");

function credentials() {
  if (settings.auth === "local") return read("owner") ? { "X-Owner": read("owner") } : {};
  if (settings.auth === "api-key") return read("key") ? { "X-Api-Key": read("key") } : {};
  return tokens() ? { Authorization: tokens().access } : {};
}

export const owner = () => read("owner") ?? "";
export const isSignedIn = () => settings.auth === "local" || Boolean(read("key") ?? read("tokens"));

/** Return a name for the caller that is not a secret, to keep the unfinished uploads of several apart. */
export function callerName() {
  if (settings.auth === "local") return `local-${owner() || "me"}`;
  if (settings.auth === "cognito") return tokens() ? JSON.parse(atob(tokens().access.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub : "";
  return read("key") ? new Sha256().update(new TextEncoder().encode(read("key"))).hex().slice(0, 16) : "";
}

export function becomeOwner(name) {
  write("owner", name);
  announce("caller");
}

export function useKey(key) {
  write("key", key);
  announce("caller");
}

/** Drop all secrets. */
export function forget() {
  if (!isSignedIn() || settings.auth === "local") return;
  write("key");
  write("tokens");
  announce("caller");
}

export function signOut() {
  const held = tokens()?.refresh;
  forget();
  if (held) form("/oauth2/revoke", { token: held }).catch(() => {});
}

const form = (path, fields) =>
  fetch(`${settings.signIn}${path}`, {
    method: "POST", credentials: "omit", body: new URLSearchParams({ client_id: settings.clientId, ...fields }),
  });

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** Go to Cognito's page, with the authorization code and PKCE (RFC 7636). */
export function signIn() {
  const [verifier, ticket] = [random(), random()];
  write("pkce", JSON.stringify({ verifier, ticket, place: location.hash }));
  const challenge = base64url(new Sha256().update(new TextEncoder().encode(verifier)).digest());
  location.assign(`${settings.signIn}/oauth2/authorize?${new URLSearchParams({
    response_type: "code", client_id: settings.clientId, redirect_uri: HOME, scope: "openid wharf/objects",
    state: ticket, code_challenge: challenge, code_challenge_method: "S256",
  })}`);
}

/** Come back from Cognito's page. Raises an Error if it did not sign anybody in. */
export async function finishSignIn() {
  const told = new URLSearchParams(location.search);
  if (!told.has("code") && !told.has("error")) return;
  const begun = JSON.parse(read("pkce") ?? "{}");
  write("pkce");
  history.replaceState(null, "", HOME + (begun.place ?? ""));
  if (!begun.ticket || told.get("state") !== begun.ticket) throw new Error("The sign-in was not begun here. Try again.");
  if (!told.has("code")) throw new Error(told.get("error_description") ?? "Nobody was signed in.");
  await keep({ grant_type: "authorization_code", code: told.get("code"), redirect_uri: HOME, code_verifier: begun.verifier });
}

async function keep(fields) {
  const answer = await form("/oauth2/token", fields);
  if (!answer.ok) throw new Error("The sign-in has ended. Sign in again.");
  const given = await answer.json();
  write("tokens", JSON.stringify({ access: given.access_token, refresh: given.refresh_token ?? fields.refresh_token }));
}

let refreshing;
function refreshed() {
  const held = settings.auth === "cognito" && tokens()?.refresh;
  if (!held) return false;
  refreshing ??= keep({ grant_type: "refresh_token", refresh_token: held })
    .then(() => true, () => false)
    .finally(() => (refreshing = undefined));
  return refreshing;
}

// The feed. It is read only while the page is visible. Where the service waits, each request does;
// elsewhere it is asked every two seconds while something is on its way, else every ten.

const BUSY_SECONDS = 2;
const IDLE_SECONDS = 10;
/** The ids of what is pending or processing, as far as this page knows. */
export const underway = new Set();

export function note(object) {
  if (object.status === "pending" || object.status === "processing") underway.add(object.id);
  else underway.delete(object.id);
}

let reading = new AbortController();

/** Follow the feed of the caller from now on; resolves once events can no longer be missed. */
export async function follow() {
  reading.abort();
  const own = (reading = new AbortController());
  underway.clear();
  const page = await get("/v1/events?after=latest", own.signal);
  run(page.next_after, own.signal);
}

async function run(after, signal) {
  while (!signal.aborted) {
    try {
      const waiting = new AbortController();
      const leave = () => (document.hidden || !navigator.onLine) && waiting.abort();
      document.addEventListener("visibilitychange", leave);
      addEventListener("offline", leave);
      try {
        await visible(signal);
        const either = AbortSignal.any([signal, waiting.signal]);
        const page = await call(`/v1/events?after=${after}&wait=${settings.wait}`, { signal: either, tries: 1 });
        after = page.data.next_after;
        for (const event of page.data.items) {
          note({ ...event.data, id: event.subject, status: event.type === "object.deleted" ? "" : event.data.status });
          announce("event", event);
        }
        if (!settings.wait && !page.data.has_more) await pause(underway.size ? BUSY_SECONDS : IDLE_SECONDS, either);
      } finally {
        document.removeEventListener("visibilitychange", leave);
        removeEventListener("offline", leave);
      }
    } catch (fault) {
      if (signal.aborted || fault.status === 401) return;
      if (fault.name === "AbortError") continue;
      if (fault.code === "cursor_expired" || fault.code === "invalid_cursor") {
        after = "latest";
        announce("refresh");
      }
      await pause(fault.retryAfter || BUSY_SECONDS, signal).catch(() => {});
    }
  }
}

const visible = (signal) =>
  new Promise((resolve, reject) => {
    if (!document.hidden) return resolve();
    const look = () => document.hidden || resolve();
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
