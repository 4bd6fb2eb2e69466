// Calls the console's functions that need no page, and prints what they return.

import { createHash, randomBytes } from "node:crypto";

const dom = await import("FOLDER/dom.mjs");
const { Sha256, hashOf } = await import("FOLDER/sha256.mjs");

let hashed = 0;
const different = [];
const compare = (bytes, found) => {
  hashed += 1;
  if (found !== createHash("sha256").update(bytes).digest("hex")) different.push(bytes.length);
};
for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129, 1000, 65_537]) {
  const bytes = randomBytes(length);
  for (const step of [1, 7, 64, 100_000]) {
    if (length > 1000 && step === 1) continue;
    const hash = new Sha256();
    for (let at = 0; at < length; at += step) hash.update(bytes.subarray(at, at + step));
    compare(bytes, hash.hex());
  }
}
const large = randomBytes(9 * 1024 * 1024 + 5);
compare(large, await hashOf(new Blob([large])));

const limit = (media_types, size_limit) => ({ has_payload: true, media_types, size_limit });
const kinds = [
  { name: "record", has_payload: false, media_types: null, size_limit: null },
  { name: "file", ...limit(null, 5e9) },
  { name: "dataset", ...limit(["text/csv", "application/json"], 1e9) },
  { name: "image", ...limit(["image/png", "image/jpeg"], 1e8) },
  { name: "document", ...limit(["application/pdf", "text/plain"], 2e8) },
];
const chosen = (name, given = "", size = 10) => {
  const type = dom.mediaType(name, given);
  return [dom.kindFor(kinds, type, size).name, type];
};

const before = { name: "a", labels: { x: "1", y: "2" }, attributes: { in: { n: 1, k: [1] } } };
const now = Date.parse("2026-01-02T12:00:00Z");
const months = {
  type: "date", min: "2026-01-01", max: "2026-04-01", distinct: 4, distinct_exact: true,
  histogram: {
    edges: ["2026-01-01", "2026-01-19T00:00:00", "2026-02-06T00:00:00", "2026-02-24T00:00:00", "2026-03-14T00:00:00", "2026-04-01"],
    counts: [9, 8, 0, 7, 6],
  },
};
const stars = { type: "integer", min: 1, max: 3, distinct: 3, distinct_exact: true,
  histogram: { edges: [1, 1.5, 2, 2.5, 3], counts: [3, 0, 1, 2] } };
const barsOf = (column) => dom.barsOf(column).map(({ from, to, count }) => [from, to, count]);

console.log(JSON.stringify({
  bars: {
    months: barsOf(months),
    stars: barsOf(stars),
    "with two in a bin": barsOf({ ...stars, distinct: 4 }),
    estimated: barsOf({ ...stars, distinct_exact: false }),
  },
  hashed,
  different,
  kinds: {
    "trips.csv": chosen("trips.csv", "application/vnd.ms-excel"),
    "TRIPS.CSV.GZ": chosen("TRIPS.CSV.GZ", "application/gzip"),
    "cat.JPG": chosen("cat.JPG"),
    "report.pdf": chosen("report.pdf"),
    "drawing.svg": chosen("drawing.svg", "image/svg+xml"),
    "archive.tar.gz": chosen("archive.tar.gz", "application/gzip"),
    "no ending": chosen("no ending"),
    "huge.csv": chosen("huge.csv", "", 2e9),
  },
  patch: dom.mergePatch(before, { name: "b", labels: { y: "2", z: "3" }, attributes: { in: { n: 2, k: [1] } } }),
  same: dom.mergePatch(before, structuredClone(before)) ?? null,
  differences: dom.differences(before, { ...before, name: "b", attributes: { in: { n: 2, k: [1] } }, version: 9 }),
  texts: {
    bytes: [0, 1, 999, 1000, 182_804, 1.5e9].map(dom.bytes),
    short: [0, 4000, 1999.5, 67.54, 0.001, 1.23e-7, 12_345_678, "x"].map(dom.short),
    ago: ["2026-01-02T11:59:58Z", "2026-01-02T11:58:00Z", "2026-01-01T12:00:00Z"].map((time) => dom.ago(time, now)),
    duration: [0.005, 1.5, 120].map(dom.duration),
    fault: dom.wordsFor({ code: "invalid_input", errors: [{ pointer: "/name", detail: "Too long." }] }),
    name: dom.safeName("a\u0007b"),
  },
  reading: dom.readingOf({
    delimiter: ";", encoding: "windows-1252", encoding_guessed: true, header: true, header_guessed: true, ragged_rows: 2, blank_lines: 0,
  }).map(({ text, guessed }) => [text, Boolean(guessed)]),
  written: dom.writtenAs({ format: "%d/%m/%Y", decimal_mark: ",", formula_like: 1, flags: [] }),
}));
