// Elements, and texts for people. Only the functions that make elements need a page.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(9).filter((child) => child != null && child !== false));
  return node;
}

/** Make an element. Texts among the children stay texts, whatever is in them. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Replace what is in an element. Children that are null or false are left out. */
export const put = (node, ...children) => (node.replaceChildren(), fill(node, {}, children));

const ICONS = {
  file: "M6 2.5h8l4.5 4.5v14.5h-12.5zM14 2.5v5h4.5",
  dataset: "M3.5 5h17v14h-17zM3.5 10h17M3.5 14.5h17M9 5v14",
  image: "M3.5 5h17v14h-17zM4 17l5-5 4 4 3-3 4 4M15.5 9h.01",
  document: "M6 2.5h12v19h-12zM9 8h6M9 12h6M9 16h4",
  record: "M5 4h14v16h-14zM8.5 9h7M8.5 13h7",
  upload: "M12 16V4m-5 5 5-5 5 5M4 16v4h16v-4",
  download: "M12 4v12m-5-5 5 5 5-5M4 16v4h16v-4",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  again: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  close: "M6 6l12 12M18 6 6 18",
  send: "M4 12 20 4l-5 16-4-7z",
};

export const icon = (name) =>
  svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] ?? ICONS.file }));

/** Make a button. `label` is its text; with `shown` false it is for screen readers and as a hint only. */
export function button(label, act, { look = "", picture, shown = true, ...more } = {}) {
  const named = shown ? {} : { "aria-label": label, title: label };
  const node = h("button", { type: "button", class: `${look}${shown ? "" : " square"}`, ...named, ...more },
    picture && icon(picture), shown && label);
  node.addEventListener("click", () => busy(node, act));
  return node;
}

export const primary = (label, act, more) => button(label, act, { look: "primary", ...more });

/** Run an action once at a time; what goes wrong is told. */
export async function busy(node, act) {
  if (node.getAttribute("aria-busy")) return;
  node.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (fault) {
    tell(wordsFor(fault), "bad");
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** Tell something in passing. Screen readers hear it too. */
export function tell(text, look = "") {
  const place = document.querySelector("#told") ?? h("div", { id: "told", role: "status" });
  // An open dialog covers the page, and makes it inert.
  const home = [...document.querySelectorAll("dialog")].at(-1) ?? document.body;
  if (place.parentNode !== home) home.append(place);
  const toast = h("div", { class: `toast ${look}` }, h("span", {}, text),
    h("button", { type: "button", class: "square", "aria-label": "Dismiss", onclick: () => toast.remove() }, icon("close")));
  place.append(toast);
  setTimeout(() => toast.remove(), look === "bad" ? 15000 : 6000);
}

/** Open a dialog. `build` gets a function that closes it with a result; Escape closes it without one. */
export function ask(title, build) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": title });
    let result;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.append(h("h2", {}, title), ...[build(close)].flat());
    dialog.addEventListener("close", () => {
      document.body.append(...dialog.querySelectorAll("#told"));
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const confirmed = (title, text, action) =>
  ask(title, (close) => [
    h("p", {}, text),
    atEnd(button("Cancel", () => close(false)), button(action, () => close(true), { look: "danger" })),
  ]);

export const badge = (status) => h("span", { class: `badge ${status}` }, status);
export const chip = (text, title) => h("span", { class: "chip", title }, text);
export const moment = (time) => h("time", { datetime: time, title: dated(time) }, ago(time));
/** Make the head of a table. */
export const heads = (...names) => h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));
/** Return the attributes of what scrolls by itself, so that the keyboard reaches it. */
export const region = (label) => ({ tabindex: 0, role: "region", "aria-label": label });
/** Make a field with its label around it. */
export const field = (label, control, hint) =>
  h("label", { class: "field" }, h("span", {}, label), control, hint && h("small", {}, hint));
/** Make the form of a dialog, with its buttons. */
export const formOf = (close, submit, ...fields) =>
  h("form", { class: "stack", onsubmit: (event) => (event.preventDefault(), submit.click()) },
    fields, atEnd(button("Cancel", () => close()), submit));
/** Make the options of a choice: texts, or `[value, text]` each. */
export const options = (values, chosen) =>
  values.map((one) => [one, one].flat()).map(([value, text]) => h("option", { value, selected: value === chosen }, text));
export const quiet = (...text) => h("p", { class: "quiet" }, text);
export const card = (title, ...content) => h("section", { class: "card" }, h("h2", {}, title), content);
export const atEnd = (...nodes) => h("div", { class: "row end" }, nodes);
/** Return a new idempotency key. Without HTTPS a browser has no randomUUID. */
export const newKey = () => crypto.randomUUID?.() ?? String(crypto.getRandomValues(new Uint32Array(4)));
export const state = (title, text, ...more) => h("div", { class: "state" }, h("h2", {}, title), h("p", {}, text), ...more);

// Texts.

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "compact" });
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export const number = (value) => NUMBER.format(value);

/** Return a number in few characters: small ones in full, others with a letter or a power. */
export function short(value) {
  if (typeof value !== "number") return String(value ?? "");
  if (Number.isInteger(value) && Math.abs(value) < 100000) return number(value);
  const size = Math.abs(value);
  if (size >= 1e15 || (size && size < 1e-4)) return value.toExponential(2);
  return size < 100000 ? NUMBER.format(Number(value.toPrecision(5))) : SHORT.format(value);
}

/** Return a size in decimal units. */
export function bytes(size) {
  let unit = 0;
  let value = size;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${size === 1 ? "byte" : UNITS[unit]}`;
}

export function ago(time, now = Date.now()) {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return WORDS.format(Math.trunc(seconds / length), unit);
  }
  return Math.abs(seconds) < 5 ? "now" : WORDS.format(seconds, "second");
}

export const dated = (time) => new Date(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });

export function duration(seconds) {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Return a count with its noun. */
export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

const REFUSALS = {
  offline: "There is no connection to the service.",
  not_found: "It is not there, or it is not yours.",
  version_mismatch: "Somebody changed it in the meantime.",
  quota_exceeded: "Your limit is used up. Delete something, or ask for more.",
  too_many_requests: "That was faster than allowed. Try again in a moment.",
  unavailable: "The service is busy or away. Try again in a moment.",
  unauthenticated: "The service does not know who you are. Sign in again.",
  forbidden: "You may not do this.",
};

/** Return what went wrong with a request, in plain words. */
export function wordsFor(fault) {
  if (!fault?.code) return fault?.message || String(fault);
  const fields = (fault.errors ?? []).map((one) => `${one.pointer.slice(1).replaceAll("/", " › ")}: ${one.detail}`);
  return [REFUSALS[fault.code] ?? fault.detail ?? fault.title, ...fields].filter(Boolean).join(" ");
}

const NAMED = {
  csv: "text/csv", tsv: "text/tab-separated-values", tab: "text/tab-separated-values", json: "application/json",
  ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", parquet: "application/vnd.apache.parquet",
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", tif: "image/tiff",
  tiff: "image/tiff", bmp: "image/bmp", avif: "image/avif", heic: "image/heic", heif: "image/heif",
  pdf: "application/pdf", txt: "text/plain", md: "text/markdown", markdown: "text/markdown",
};

/** Return the media type of a file. Its name decides, because systems disagree on types; packed tables count as tables. */
export function mediaType(name, given) {
  const parts = name.toLowerCase().split(".");
  const packed = parts.at(-1) === "gz" && parts.length > 2;
  const found = parts.length > 1 && NAMED[parts.at(packed ? -2 : -1)];
  if (packed) return /csv|tab|json/.test(found || "") ? found : "application/gzip";
  return found || given || "application/octet-stream";
}

/** Return the kind that takes a type and a size: a special one if there is any, else one that takes all. */
export function kindFor(kinds, type, size) {
  const fits = (kind) => kind.has_payload && (kind.size_limit == null || size <= kind.size_limit);
  const base = type.split(";")[0].trim().toLowerCase();
  return kinds.find((kind) => kind.media_types?.includes(base) && fits(kind))
    ?? kinds.find((kind) => kind.media_types === null && fits(kind));
}

/** Return a name that the service takes: no control characters, at most 256 characters. */
export const safeName = (name) => [...name.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, "\u00b7")].slice(0, 256).join("") || "unnamed";

const MARKS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar" };

/** Return how a table was read: `{text, guessed, title}` each. */
export function readingOf(profile) {
  const notes = [];
  const add = (text, guessed = false, title = undefined) => notes.push({ text, guessed, title });
  if (profile.delimiter) add(`Delimiter: ${MARKS[profile.delimiter] ?? profile.delimiter}`);
  if (profile.encoding) add(`Encoding: ${profile.encoding}`, profile.encoding_guessed);
  if (profile.header != null) add(profile.header ? "First row: names" : "No row of names", profile.header_guessed);
  if (profile.compression) add(`Unpacked: ${profile.compression}`);
  if (profile.replaced_characters) add(`${plural(profile.replaced_characters, "character")} replaced`, true);
  if (profile.ragged_rows) add(`${plural(profile.ragged_rows, "short row")} filled up`, true);
  if (profile.blank_lines) add(`${plural(profile.blank_lines, "blank line")} left out`);
  if (profile.lines_above?.length) add(`${plural(profile.lines_above.length, "line")} above the table`, true, profile.lines_above.join("\n"));
  if (profile.total_rows?.length) add(`Rows of totals: ${profile.total_rows.join(", ")}`, true);
  return notes;
}

/** Return how a column's values were written, and what is doubtful about them. */
export function writtenAs(column) {
  const notes = [];
  if (column.original_name != null) notes.push(`named “${column.original_name}” in the file`);
  if (column.format) notes.push(`written as ${column.format}`);
  if (column.decimal_mark && column.decimal_mark !== ".") notes.push(`decimal mark “${column.decimal_mark}”`);
  if (column.thousands_mark) notes.push(`thousands mark “${column.thousands_mark}”`);
  if (column.offset) notes.push(`offset ${column.offset}`);
  for (const flag of column.flags ?? []) notes.push(String(flag).replaceAll("_", " "));
  if (column.non_finite) notes.push(`${number(column.non_finite)} not finite`);
  if (column.formula_like) notes.push(`${plural(column.formula_like, "cell")} like a formula`);
  return notes;
}

/** Return the bars of a histogram, `{from, to, count}` each: its bins, or its values if no bin holds two. */
export function barsOf({ type, min, max, distinct, distinct_exact: isExact, histogram: { edges, counts } }) {
  const bars = counts.map((count, place) => ({ from: edges[place], to: edges[place + 1], count }));
  const filled = bars.filter((bar) => bar.count);
  if (!isExact || filled.length !== distinct) return bars;
  const one = (bar, value) => Object.assign(bar, { from: value, to: value });
  for (const bar of filled) if (type === "integer" && Math.ceil(bar.from) + 1 >= bar.to) one(bar, Math.ceil(bar.from));
  one(filled[0], min);
  one(filled.at(-1), max);
  return filled;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isSame = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  return isObject(value) ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value;
};

/** Return the merge patch (RFC 7396) that turns `from` into `to`; undefined if they are equal. */
export function mergePatch(from, to) {
  if (!isObject(from) || !isObject(to)) return isSame(from, to) ? undefined : to;
  const patch = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (!(key in to)) patch[key] = null;
    else if (!(key in from)) patch[key] = to[key];
    else {
      const inner = mergePatch(from[key], to[key]);
      if (inner !== undefined) patch[key] = inner;
    }
  }
  return Object.keys(patch).length ? patch : undefined;
}

const SHOWN = ["name", "labels", "attributes"];

/** Return the fields that a person may change and that differ: `[path, before, after]` each. */
export function differences(before, after, path = [], keys = SHOWN) {
  return keys.flatMap((key) => {
    const [one, other] = [before?.[key], after?.[key]];
    if (isSame(one, other)) return [];
    if (isObject(one) && isObject(other)) return differences(one, other, [...path, key], [...new Set([...Object.keys(one), ...Object.keys(other)])]);
    return [[[...path, key].join(" › "), one, other]];
  });
}

export const inWords = (value) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
