// Uploads: kind, hash, parts, pause, resume after a reload, and what became of each file.
//
// An upload is noted in the browser's database until it is over, with the file itself if the browser
// keeps it, so that a reload goes on where it stopped. The note holds no secret and no URL.

import { announce, callerName, get, hear, kinds, note, pause, post, Problem, remove, View } from "./api.js";
import { badge, button, bytes, dated, duration, h, kindFor, mediaType, newKey, safeName, tell, wordsFor } from "./dom.js";

export const PARTS_ABOVE = 16 * 1024 * 1024;
/** Larger files are not copied into the browser's database: after a reload they must be chosen again. */
const KEPT_BYTES = 2 * 1000 ** 3;
const FILES_AT_ONCE = 2;
const PARTS_AT_ONCE = 3;
const TRIES = 5;
const NUMBERS_AT_ONCE = 20;
const OVER = ["ready", "rejected", "failed", "expired"];

const policy = globalThis.trustedTypes?.createPolicy("wharf", {
  createScriptURL: (url) => {
    if (url !== new URL("./sha256.js", import.meta.url).href) throw new TypeError("That is not the worker.");
    return url;
  },
}) ?? { createScriptURL: (url) => url };

// The browser's database.

const opened = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open("wharf", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("uploads", { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function stored(act, mode = "readwrite") {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("uploads", mode);
      const request = act(transaction.objectStore("uploads"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Send a part of a file, and tell how much of it is gone. */
function put({ url, headers }, blob, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const lost = () => reject(new Problem(0, { code: "offline" }));
    signal.addEventListener("abort", stop, { once: true });
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      // 412: it is there already, because an answer got lost.
      if (request.status < 300 || request.status === 412) resolve();
      else reject(new Problem(request.status, { code: "storage_refused", detail: `The storage answered ${request.status}.` }));
    };
    request.onerror = request.ontimeout = lost;
    request.onabort = () => reject(signal.reason ?? new DOMException("", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.send(blob);
  });
}

class Upload {
  // The states: waiting, hashing, sending, paused, lost (the file must be chosen again), refused
  // (a retry is possible), then the status of the object: processing, ready, rejected and so on.
  state = "waiting";
  done = 0;
  detail = "";
  #stopping = new AbortController();
  #parts = new Map();
  #samples = [];

  constructor(record, file) {
    this.record = record;
    this.file = file;
  }

  get isOver() {
    return OVER.includes(this.state);
  }

  get #isWhole() {
    return this.record.whole || this.record.size <= PARTS_ABOVE;
  }

  get isMoving() {
    return ["waiting", "hashing", "sending"].includes(this.state);
  }

  change(state, detail = "") {
    this.state = state;
    this.detail = detail;
    changed();
  }

  pause() {
    this.#stopping.abort();
    this.change("paused");
  }

  resume() {
    if (!this.file) return;
    this.#stopping = new AbortController();
    this.change("waiting");
    work();
  }

  async cancel() {
    this.#stopping.abort();
    const { id, into } = this.record;
    drop(this);
    if (!id || this.isOver) return;
    const path = `/v1/objects/${id}`;
    if (!into) await remove(path);
    else if (!this.#isWhole) await remove(`${path}/upload`);
    else {
      // Nothing withdraws the URL of a single PUT.
      const { name, status, incoming } = await get(path);
      if (status === "pending" && incoming?.expires_at) tell(`The upload is stopped here. ${name} waits for its file until ${dated(incoming.expires_at)}.`);
    }
  }

  async run() {
    const signal = this.#stopping.signal;
    // Before anything is awaited, so that work() does not run it again.
    this.change(this.record.sha256 ? "sending" : "hashing");
    try {
      this.record.sha256 ??= await this.#hash(signal);
      await keep(this);
      signal.throwIfAborted();
      this.change("sending");
      this.#samples = [];
      await this.#send(signal);
      await this.#over();
    } catch (fault) {
      if (signal.aborted) return;
      this.change("refused", wordsFor(fault));
    }
  }

  #hash(signal) {
    return new Promise((resolve, reject) => {
      const worker = new Worker(policy.createScriptURL(new URL("./sha256.js", import.meta.url).href), { type: "module" });
      const end = (act, value) => {
        worker.terminate();
        act(value);
      };
      signal.addEventListener("abort", () => end(reject, signal.reason), { once: true });
      worker.onerror = () => end(reject, new Error("The file cannot be read."));
      worker.onmessage = ({ data }) => {
        if (data.hash) end(resolve, data.hash);
        else if (data.fault) end(reject, new Error(`The file cannot be read: ${data.fault}`));
        else this.#progress(data.read);
      };
      worker.postMessage(this.file);
    });
  }

  async #send(signal) {
    const asked = await this.#ask(signal);
    this.record.id = asked.id;
    note(asked);
    keep(this);
    announce("uploading", asked.id);
    const upload = asked.upload;
    if (!upload) return;
    if (upload.part_size) await this.#sendParts(asked.id, upload.part_size, signal);
    else await this.#insist(signal, () => put(upload, this.file, signal, (sent) => this.#progress(sent)));
  }

  /** Ask for the upload. The same request again changes nothing, and tells where to go on. */
  async #ask(signal) {
    const { record } = this;
    const payload = { media_type: record.type, size: record.size, sha256: record.sha256 };
    const ask = (more) => (record.into
      ? post(`/v1/objects/${record.into}/uploads`, { ...payload, ...more }, { signal, tries: 3 })
      : post("/v1/objects", { kind: record.kind, name: record.name, payload: { ...payload, ...more } },
        { signal, headers: { "Idempotency-Key": record.key } }));
    if (this.#isWhole) return ask({});
    try {
      return await ask({ multipart: true });
    } catch (fault) {
      if (!(fault.errors ?? []).some((one) => one.pointer.endsWith("/multipart"))) throw fault;
      record.whole = true;
      return ask({});
    }
  }

  async #sendParts(id, size, signal) {
    for (;;) {
      const there = await get(`/v1/objects/${id}/upload`, signal);
      this.#parts = new Map(there.uploaded.map((part) => [part.number, part.size]));
      this.#progress();
      const missing = [...there.missing];
      while (missing.length) {
        const asked = await post(`/v1/objects/${id}/upload/parts`, { numbers: missing.splice(0, NUMBERS_AT_ONCE) }, { signal, tries: 3 });
        const waiting = [...asked.parts];
        const send = async () => {
          for (let part = waiting.shift(); part; part = waiting.shift()) await this.#sendPart(part, size, signal);
        };
        await Promise.all(Array.from({ length: PARTS_AT_ONCE }, send));
      }
      try {
        await post(`/v1/objects/${id}/upload/complete`, undefined, { signal, tries: 3 });
        return;
      } catch (fault) {
        if (fault.code !== "parts_missing") throw fault;
      }
    }
  }

  #sendPart(part, size, signal) {
    const from = (part.number - 1) * size;
    return this.#insist(signal, () =>
      put(part, this.file.slice(from, from + size), signal, (sent) => {
        this.#parts.set(part.number, sent);
        this.#progress();
      }));
  }

  async #insist(signal, act) {
    for (let tried = 1; ; tried += 1) {
      try {
        return await act();
      } catch (fault) {
        const passes = fault.code === "offline" || fault.status >= 500;
        if (signal.aborted || !passes || tried === TRIES) throw fault;
        await pause(0.5 * 2 ** tried, signal);
      }
    }
  }

  #progress(done = [...this.#parts.values()].reduce((sum, size) => sum + size, 0)) {
    this.done = Math.min(done, this.record.size);
    const now = performance.now();
    this.#samples = [...this.#samples.filter(([at]) => now - at < 5000), [now, this.done]];
    changed();
  }

  /** Return bytes per second over the last seconds; 0 if that is not known yet. */
  get speed() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return first && last[0] - first[0] > 500 ? ((last[1] - first[1]) / (last[0] - first[0])) * 1000 : 0;
  }

  /** The file is there. The feed tells what becomes of it, and may have told it already. */
  async #over() {
    this.done = this.record.size;
    forget(this);
    if (!this.isOver) this.change("processing");
    this.hear(await get(`/v1/objects/${this.record.id}`));
  }

  hear(object) {
    if (this.isOver || this.state === "paused" || !OVER.includes(object.status)) return;
    // An older revision stays ready while a new one is awaited.
    if (this.state !== "processing") return;
    this.change(object.status, object.problem?.detail);
  }
}

export const uploads = [];
let isDrawing = false;

/** Tell the view at most once a frame. */
function changed() {
  if (isDrawing) return;
  isDrawing = true;
  setTimeout(() => {
    isDrawing = false;
    announce("uploads");
  }, 50);
}

function work() {
  const running = uploads.filter((one) => ["hashing", "sending"].includes(one.state)).length;
  for (const upload of uploads.filter((one) => one.state === "waiting").slice(0, Math.max(0, FILES_AT_ONCE - running))) {
    upload.run().finally(work);
  }
}

async function keep(upload) {
  const file = upload.record.size <= KEPT_BYTES ? upload.file : undefined;
  const noted = { ...upload.record, owner: callerName() };
  // A browser without room for the file keeps the note.
  await stored((store) => store.put({ ...noted, file })).catch(() => stored((store) => store.put(noted)).catch(() => {}));
}

const forget = (upload) => stored((store) => store.delete(upload.record.key)).catch(() => {});

function drop(upload) {
  forget(upload);
  const place = uploads.indexOf(upload);
  if (place >= 0) uploads.splice(place, 1);
  changed();
}

/** Take up what an earlier visit of this caller did not finish. */
export async function takeUp() {
  const notes = await stored((store) => store.getAll(), "readonly").catch(() => []);
  for (const { file, owner, ...record } of notes) {
    if (owner !== callerName() || uploads.some((one) => one.record.key === record.key)) continue;
    const upload = new Upload(record, (await isReadable(file)) ? file : undefined);
    uploads.push(upload);
    if (upload.file) upload.resume();
    else upload.change("lost");
  }
  changed();
}

const isReadable = (file) => (file ? file.slice(0, 1).arrayBuffer().then(() => true, () => false) : false);

/** Upload files. `kind` is a name, or empty for the one that fits; `into` is an object that gets a new revision. */
export async function add(files, { kind = "", into } = {}) {
  const known = await kinds();
  for (const file of files) {
    const again = uploads.find(({ state, record: { name, size, modified } }) =>
      state === "lost" && name === safeName(file.name) && size === file.size && modified === file.lastModified);
    if (again) {
      again.file = file;
      again.resume();
      continue;
    }
    const type = into?.type || mediaType(file.name, file.type);
    const chosen = kind || kindFor(known, type, file.size)?.name;
    const key = newKey();
    const upload = new Upload(
      { key, name: safeName(file.name), size: file.size, modified: file.lastModified, type, kind: chosen, into: into?.id }, file);
    uploads.push(upload);
    if (!chosen) upload.change("refused", `No kind takes a file of ${bytes(file.size)}.`);
  }
  changed();
  work();
}

/** Open the browser's window for files. */
export function choose(options) {
  const input = h("input", { type: "file", multiple: !options?.into, hidden: true });
  input.addEventListener("change", () => (add([...input.files], options), input.remove()));
  document.body.append(input);
  input.click();
}

const WORDS = {
  waiting: "Waiting", hashing: "Checking", paused: "Paused", lost: "Choose the file again to go on",
  processing: "Being processed",
};

class UploadsView extends View {
  #rows = new Map();

  build() {
    this.list = h("ul", { id: "uploads" });
    this.head = h("h2", { "aria-live": "polite" });
    this.fold = button("Hide", () => this.#fold(!this.list.hidden), { look: "small", "aria-controls": "uploads" });
    this.close = button("Close", () => uploads.filter((one) => one.isOver).forEach(drop), { look: "small" });
    this.replaceChildren(h("div", { class: "row" }, this.head, this.fold, this.close), this.list);
    this.#fold(false);
    hear(this, "uploads", () => this.draw());
    // A person who goes on to another place has seen what became of the files.
    addEventListener("hashchange", () => this.close.hidden || this.#fold(true), { signal: this.gone.signal });
    hear(this, "event", (event) => uploads.forEach((one) => one.record.id === event.subject && one.hear(event.data)));
    addEventListener("beforeunload", (event) => uploads.some((one) => one.isMoving && one.record.size > KEPT_BYTES) && event.preventDefault(),
      { signal: this.gone.signal });
    this.draw();
  }

  #fold(isFolded) {
    this.list.hidden = isFolded;
    this.fold.textContent = isFolded ? "Show" : "Hide";
    this.fold.setAttribute("aria-expanded", !isFolded);
  }

  draw() {
    this.hidden = !uploads.length;
    this.close.hidden = !uploads.every((one) => one.isOver);
    this.head.textContent = heading();
    for (const [upload, row] of this.#rows) if (!uploads.includes(upload)) (row.node.remove(), this.#rows.delete(upload));
    for (const upload of uploads) {
      if (!this.#rows.has(upload)) {
        this.#fold(false);
        const row = makeRow(upload);
        this.#rows.set(upload, row);
        this.list.prepend(row.node);
      }
      this.#rows.get(upload).draw();
    }
  }
}

function heading() {
  const moving = uploads.filter((one) => one.isMoving).length;
  if (moving) return `Uploading ${moving} of ${uploads.length}`;
  if (!uploads.every((one) => one.isOver)) return "Uploads";
  const states = Object.entries(Object.groupBy(uploads, (one) => one.state));
  return `Done: ${states.map(([state, { length }]) => `${length} ${state}`).join(", ")}`;
}

function makeRow(upload) {
  const { record } = upload;
  const name = h("a", { class: "name" }, record.name);
  const bar = h("progress", { max: record.size || 1, "aria-label": `Upload of ${record.name}` });
  const text = h("span", { class: "quiet" });
  const actions = h("span", { class: "row" });
  const node = h("li", {}, h("div", { class: "row" }, name, actions), bar, text);
  let drawn;
  return {
    node,
    draw() {
      const { state } = upload;
      bar.value = upload.isOver || state === "processing" ? record.size || 1 : upload.done;
      bar.hidden = upload.isOver || state === "refused";
      if (state === "processing") bar.removeAttribute("value");
      if (record.id) name.href = `#/objects/${record.id}`;
      text.textContent = state === "sending" ? sending(upload) : upload.detail || WORDS[state] || "";
      if (state === "hashing") text.textContent = `Checking: ${percent(upload)}`;
      if (state === drawn) return;
      drawn = state;
      node.dataset.state = state;
      actions.replaceChildren(...actionsFor(upload));
    },
  };
}

const percent = ({ done, record }) => `${Math.floor((100 * done) / (record.size || 1))} %`;

function sending(upload) {
  const { done, speed, record } = upload;
  const rest = speed ? `, ${bytes(speed)}/s, ${duration((record.size - done) / speed)} left` : "";
  return `${bytes(done)} of ${bytes(record.size)}${rest}`;
}

function actionsFor(upload) {
  const { state, record } = upload;
  const small = (label, act, picture) => button(label, act, { picture, shown: false });
  if (upload.isOver || state === "processing") return [badge(state), small("Remove from this list", () => drop(upload), "close")];
  const cancel = small(`Cancel ${record.name}`, () => upload.cancel(), "close");
  if (upload.isMoving) return [small(`Pause ${record.name}`, () => upload.pause(), "pause"), cancel];
  if (state === "lost") return [button("Choose", () => choose(), { look: "small" }), cancel];
  if (!record.kind) return [cancel];
  return [small(`${state === "paused" ? "Resume" : "Retry"} ${record.name}`, () => upload.resume(), state === "paused" ? "play" : "again"), cancel];
}

/** Take files that are dropped anywhere on the page. */
export function takeDrops() {
  const veil = h("div", { id: "veil", hidden: true, "aria-hidden": "true" }, h("p", {}, "Drop files to upload them"));
  document.body.append(veil);
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const show = (change) => {
    depth = change ? Math.max(0, depth + change) : 0;
    veil.hidden = !depth;
  };
  addEventListener("dragenter", (event) => hasFiles(event) && show(1));
  addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(0);
    // A folder comes as a file that cannot be read.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
    if (files.length < items.length) tell("A folder cannot be uploaded: drop its files.");
    add(files.map((item) => item.getAsFile()).filter(Boolean));
  });
}

customElements.define("wharf-uploads", UploadsView);
