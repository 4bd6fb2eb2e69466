// The results of processing: profiles of tables as figures and charts, pictures, first pages and texts.

import { artifact, urlOf, View } from "./api.js";
import { barsOf, bytes, card, h, heads, number, plural, quiet, readingOf, region, short, state, svg, wordsFor, writtenAs } from "./dom.js";

const TEXT_BYTES = 100_000;
const COLUMNS = 100;

class ResultsView extends View {
  build() {
    const { result, kind, id } = this.object;
    const names = new Set(result.artifacts.map((one) => one.name));
    const signal = this.gone.signal;
    const parts = [facts(result.summary)];
    if (names.has("preview.webp")) parts.push(picture(id, "preview.webp", "Preview", signal));
    if (names.has("profile.json")) parts.push(...table(id, signal));
    if (names.has("page-1.webp")) parts.push(picture(id, "page-1.webp", "First page", signal));
    if (names.has("text.txt")) parts.push(text(id, result.artifacts.find((one) => one.name === "text.txt"), signal));
    if (kind === "file") parts.push(quiet("Files of this kind are checked and kept as they are."));
    this.replaceChildren(...parts);
  }
}

/** Fill a section later; a fault is told in its place. */
function later(title, load) {
  const place = h("div", { "aria-busy": "true" }, quiet("Loading …"));
  const section = card(title, place);
  load()
    .then((made) => place.replaceChildren(...[made].flat().filter(Boolean)))
    .catch((fault) => fault.name !== "AbortError" && place.replaceChildren(h("p", { class: "bad" }, wordsFor(fault))))
    .finally(() => place.removeAttribute("aria-busy"));
  return section;
}

function facts(summary) {
  const shown = Object.entries({ ...summary, exif: null, ...summary.exif }).filter(([, value]) => value !== null && value !== "");
  const word = (value) => (typeof value === "number" ? number(value) : typeof value === "string" ? value : JSON.stringify(value));
  return h("dl", { class: "figures" }, shown.map(([name, value]) =>
    h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, word(value)))));
}

const picture = (id, name, title, signal) =>
  later(title, async () => {
    const image = h("img", { src: await urlOf(id, `artifacts/${name}`, signal), alt: title, class: "picture" });
    image.addEventListener("error", () => image.replaceWith(quiet("The picture could not be loaded.")));
    return image;
  });

const text = (id, { size }, signal) =>
  later("Text", async () => {
    if (!size) return quiet("There is no text in it.");
    const answer = await artifact(id, "text.txt", { signal, most: TEXT_BYTES });
    const whole = await answer.text();
    const more = size > TEXT_BYTES && quiet(`The first ${bytes(TEXT_BYTES)} of ${bytes(size)}.`);
    return [h("pre", { class: "text", ...region("Text") }, whole.slice(0, TEXT_BYTES)), more];
  });

function table(id, signal) {
  const profile = artifact(id, "profile.json", { signal }).then((answer) => answer.json());
  const preview = artifact(id, "preview.json", { signal }).then((answer) => answer.json());
  preview.catch(() => {});
  return [
    later("Columns", async () => columns(await profile)),
    later("First rows", async () => rows(await preview, await profile)),
  ];
}

function columns(profile) {
  const notes = readingOf(profile).map(({ text: told, guessed, title }) => [h("span", { class: `chip${guessed ? " guess" : ""}`, title }, told, guessed && h("em", {}, " guessed"))]);
  const body = h("tbody", {});
  const show = (from, to) => body.append(...profile.columns.slice(from, to).map((column) => columnRow(column, profile.rows)));
  show(0, COLUMNS);
  const rest = profile.columns.length - COLUMNS;
  const more = rest > 0 && h("button", { type: "button", onclick: () => (more.remove(), show(COLUMNS)) }, `Show ${plural(rest, "more column")}`);
  return [
    notes.length > 0 && h("p", { class: "row", "aria-label": "How the file was read" }, notes),
    h("div", { class: "scroll", ...region("Columns") }, h("table", { class: "columns" },
      heads("Column", "Missing", "Distinct", "Range", "Values"), body)),
    more,
  ];
}

function columnRow(column, total) {
  const doubts = writtenAs(column);
  const { min, max, mean, std } = column;
  const range = min === null || min === undefined ? "" : [h("span", {}, cut(short(min)), " –"), " ", h("span", {}, cut(short(max)))];
  return h("tr", {},
    h("th", { scope: "row" }, h("span", { class: "title" }, column.name || "(no name)"), " ", h("span", { class: `type ${column.type}` }, column.type),
      doubts.length > 0 && h("small", {}, doubts.join(", "))),
    h("td", { "data-name": "Missing" }, missing(column.nulls, total)),
    h("td", { "data-name": "Distinct" }, column.distinct == null ? "–" : `${column.distinct_exact === false ? "≈ " : ""}${number(column.distinct)}`),
    h("td", { "data-name": "Range" }, range, mean != null && h("small", {}, `mean ${short(mean)}${std == null ? "" : `, σ ${short(std)}`}`)),
    h("td", { "data-name": "Values" }, chart(column)));
}

const cut = (words, most = 24) => (words.length > most ? `${words.slice(0, most - 1)}…` : words);

function missing(count, total) {
  if (!count) return h("span", { class: "quiet" }, "none");
  const share = total ? count / total : 0;
  const percent = share < 0.001 ? "< 0.1" : (100 * share).toFixed(share < 0.1 ? 1 : 0);
  return [h("span", { title: plural(count, "value") }, `${percent} %`),
    svg("svg", { class: "share", viewBox: "0 0 60 4", "aria-hidden": "true" },
      svg("rect", { class: "track", width: 60, height: 4, rx: 2 }), svg("rect", { class: "lack", width: Math.max(2, 60 * share), height: 4, rx: 2 }))];
}

/** Draw the distribution of a column: numbers and times in bins or by value, else the most frequent values. */
function chart(column) {
  if (column.histogram?.counts?.length) return histogram(column);
  if (column.top?.length) return tops(column.top);
  return h("span", { class: "quiet" }, "–");
}

function histogram(column) {
  const [width, height] = [220, 40];
  const bars = barsOf(column);
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const step = width / bars.length;
  const single = bars[0].from === bars[0].to;
  const gap = single ? step / 5 : 1;
  const drawn = bars.map(({ from, to, count }, place) => {
    const tall = count ? Math.max(1.5, (height * count) / most) : 0;
    return svg("rect", { x: place * step + gap / 2, y: height - tall, width: Math.max(1, step - gap), height: tall },
      svg("title", {}, `${short(from)}${from === to ? "" : ` to ${short(to)}`}: ${number(count)}`));
  });
  const what = single ? plural(bars.length, "value") : "Histogram";
  const fullest = single ? "most frequent" : `fullest of ${bars.length} bins`;
  const label = `${what} from ${short(bars[0].from)} to ${short(bars.at(-1).to)}; the ${fullest} has ${number(most)}`;
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height + 1}`, role: "img", "aria-label": label },
    drawn, svg("line", { x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5 }));
}

function tops(values) {
  const [width, line, shown] = [220, 17, values.slice(0, 5)];
  const most = Math.max(1, ...shown.map((one) => one.count));
  const rows = shown.map(({ value, count }, place) => {
    const word = value === "" ? "(empty)" : String(value);
    return svg("g", { transform: `translate(0 ${place * line})` },
      svg("title", {}, `${cut(word, 200)}: ${number(count)}`),
      svg("rect", { y: 1, width: Math.max(2, (width * count) / most), height: line - 2, rx: 2 }),
      svg("text", { x: 5, y: 12 }, cut(word, 26)), svg("text", { x: width - 3, y: 12, class: "count" }, number(count)));
  });
  return svg("svg", { class: "chart top", viewBox: `0 0 ${width} ${shown.length * line}`, role: "img",
    "aria-label": `Most frequent: ${shown.map(({ value, count }) => `${cut(String(value), 40)}, ${number(count)}`).join("; ")}` }, rows);
}

function rows(preview, profile) {
  const cell = (value) => {
    if (value === null) return h("td", { class: "null" }, "null");
    if (typeof value === "number") return h("td", { class: "number" }, String(value));
    return h("td", {}, typeof value === "string" ? value : JSON.stringify(value));
  };
  const head = preview.columns.map((name, place) =>
    h("th", { scope: "col", class: preview.rows.some((row) => typeof row[place] === "number") ? "number" : "" }, name));
  return [
    h("div", { class: "scroll rows", ...region("First rows") }, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "number" }, "#"), head)),
      h("tbody", {}, preview.rows.map((row, place) => h("tr", {}, h("th", { scope: "row", class: "number" }, place + 1), row.map(cell)))))),
    profile.rows > preview.rows.length && quiet(`${number(preview.rows.length)} of ${plural(profile.rows, "row")}.`),
  ];
}

customElements.define("wharf-results", ResultsView);

/** Return an element that shows an object's attributes. */
export const jsonOf = ({ attributes }) => (Object.keys(attributes).length
  ? h("pre", { class: "json", ...region("Attributes") }, JSON.stringify(attributes, null, 2))
  : quiet("none"));

/** Return an element that shows an object's results, or says why there are none. */
export function resultsOf(object) {
  if (object.kind === "record") return card("Attributes", jsonOf(object));
  if (!object.result && object.problem) return state("No results", "Once a new revision is ready, its results are shown here.");
  if (!object.result) return state("No results yet", "They come once the file is there and was processed.");
  const view = document.createElement("wharf-results");
  view.object = object;
  return view;
}
