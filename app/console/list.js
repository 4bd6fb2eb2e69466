// The list of objects: filters, thumbnails, endless scroll, and changes as they happen.

import { get, hear, kinds, note, urlOf, View } from "./api.js";
import {
  atEnd, badge, button, bytes, chip, field, h, heads, icon, moment, options, plural, primary, quiet, state, wordsFor,
} from "./dom.js";
import { choose } from "./uploads.js";

const STATUSES = ["pending", "processing", "ready", "rejected", "failed", "expired"];
const PAGE = 40;
const THUMBNAIL = "thumbnail.webp";

/** Return what an object holds, in a few words. */
export function gist({ result, problem, status, incoming }) {
  if (problem) return problem.detail;
  const told = result?.summary ?? {};
  if (status === "pending" && incoming) return "Waits for its file";
  if (told.rows !== undefined) return `${plural(told.rows, "row")}, ${plural(told.columns, "column")}`;
  if (told.width) return `${told.width} × ${told.height}${told.frames > 1 ? `, ${plural(told.frames, "frame")}` : ""}`;
  if (told.pages) return `${plural(told.pages, "page")}, ${plural(told.words ?? 0, "word")}`;
  if (told.words !== undefined) return plural(told.words, "word");
  return told.detected_media_type ?? "";
}

const sizeOf = ({ payload, declared }) => (payload ?? declared ? bytes((payload ?? declared).size) : "");

class ListView extends View {
  build() {
    this.filters = new URLSearchParams(this.dataset.query ?? "");
    this.rows = new Map();
    this.cursor = null;
    const ghost = () => h("tr", { class: "ghost", "aria-hidden": "true" }, h("td", { colspan: 6 }, h("span", {})));
    this.body = h("tbody", {}, Array.from({ length: 6 }, ghost));
    this.table = h("table", { class: "list" },
      h("caption", { class: "unseen" }, "Your objects, the newest first"),
      heads("Name", "Kind", "Status", "Contents", "Size", "Changed"), this.body);
    this.foot = h("div", { class: "foot" });
    this.replaceChildren(this.#head(), this.table, this.foot);
    this.seen = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && this.#show(entry.target)));
    this.gone.signal.addEventListener("abort", () => this.seen.disconnect());
    hear(this, "event", (event) => this.#apply(event));
    // A page that is still on its way goes with the old list.
    hear(this, "refresh", () => this.replaceWith(this.cloneNode()));
    this.more();
  }

  #head() {
    const select = (name, label, values) =>
      field(label, h("select", { name }, options([["", "any"], ...values], this.filters.get(name))));
    const label = h("input", { name: "label", placeholder: "key:value", value: this.filters.get("label") ?? "", size: 14, autocomplete: "off" });
    const kind = select("kind", "Kind", []);
    const as = h("select", { name: "as" }, options([["", "the kind that fits"]]));
    kinds().then((all) => {
      kind.querySelector("select").append(...options(all.map(({ name }) => name), this.filters.get("kind")));
      as.append(...options(all.filter((one) => one.has_payload).map(({ name }) => name)));
    }).catch(() => {});
    const form = h("form", { class: "filters", role: "search", "aria-label": "Filter" }, kind, select("status", "Status", STATUSES), field("Label", label));
    const apply = (event) => {
      event.preventDefault();
      const chosen = [...new FormData(form)].filter(([, value]) => value.trim());
      location.hash = chosen.length ? `#/?${new URLSearchParams(chosen)}` : "#/";
    };
    form.addEventListener("submit", apply);
    form.addEventListener("change", apply);
    return h("div", { class: "row head" }, h("h1", {}, "Objects"), form,
      atEnd(field("Upload as", as), primary("Upload", () => choose({ kind: as.value }), { picture: "upload", title: "Upload files (U)" })));
  }

  async more() {
    if (this.isLoading) return;
    this.isLoading = true;
    this.table.setAttribute("aria-busy", "true");
    try {
      const query = new URLSearchParams([...this.filters, ["limit", PAGE], ["artifact", THUMBNAIL]]);
      if (this.cursor) query.set("cursor", this.cursor);
      const page = await get(`/v1/objects?${query}`, this.gone.signal);
      // The feed may have told of something already, in a newer version.
      page.items.filter((item) => !(this.rows.get(item.id)?.version > item.version)).forEach((item) => this.#put(item));
      this.cursor = page.next_cursor;
      this.#end();
    } catch (fault) {
      if (this.gone.signal.aborted) return;
      this.table.hidden = !this.rows.size;
      this.foot.replaceChildren(state("The list could not be read", wordsFor(fault), primary("Try again", () => this.more())));
    } finally {
      this.body.querySelectorAll(".ghost").forEach((row) => row.remove());
      this.isLoading = false;
      this.table.removeAttribute("aria-busy");
    }
  }

  #end() {
    this.table.hidden = !this.rows.size;
    this.foot.classList.toggle("drop", !this.rows.size && !this.filters.size);
    if (this.cursor) {
      const next = button("Load more", () => this.more());
      this.foot.replaceChildren(next);
      this.seen.observe(next);
    } else if (this.rows.size) {
      this.foot.replaceChildren(quiet(plural(this.rows.size, "object")));
    } else if (this.filters.size) {
      this.foot.replaceChildren(state("No objects match", "None of yours fits these filters.", h("a", { href: "#/", class: "button" }, "Clear the filters")));
    } else {
      this.foot.replaceChildren(state("Drop a file anywhere",
        "A table is profiled, a picture gets a preview, a document its text. Anything else is checked and kept.",
        primary("Choose files", () => choose(), { picture: "upload" })));
    }
  }

  #show(target) {
    this.seen.unobserve(target);
    if (target.matches("button")) target.click();
    else urlOf(target.dataset.id, `artifacts/${THUMBNAIL}`, this.gone.signal).then((url) => picture(target, url)).catch(() => {});
  }

  #put(item, isNew = false) {
    note(item);
    const row = h("tr", { "data-version": item.version }, cells(item));
    const old = this.rows.get(item.id);
    const thumb = row.querySelector(".thumb");
    const url = item.artifact?.url;
    if (url) picture(thumb, url);
    else if (item.kind === "image" && item.result) {
      const same = old?.node.querySelector(".thumb img");
      if (same && old.revision === item.payload?.revision) thumb.replaceChildren(same);
      else this.seen.observe(thumb);
    }
    const hasFocus = old?.node.contains(document.activeElement);
    if (old) old.node.replaceWith(row);
    else if (isNew) this.body.prepend(row);
    else this.body.append(row);
    if (hasFocus) row.querySelector("a").focus();
    this.rows.set(item.id, { node: row, version: item.version, revision: item.payload?.revision });
  }

  #apply(event) {
    const [id, old] = [event.subject, this.rows.get(event.subject)];
    const isNewer = (old?.version ?? 0) < event.data.version;
    if (event.type === "object.deleted" || (isNewer && !this.#fits(event.data))) {
      if (!old) return;
      old.node.remove();
      this.rows.delete(id);
    } else if (isNewer) this.#put(event.data, true);
    else return;
    if (!this.cursor) this.#end();
    else this.table.hidden = false;
  }

  #fits(object) {
    const [key, ...rest] = (this.filters.get("label") ?? "").split(":");
    return ["kind", "status"].every((name) => !this.filters.get(name) || this.filters.get(name) === object[name])
      && (!key || object.labels?.[key] === rest.join(":"));
  }
}

function picture(thumb, url) {
  const image = h("img", { src: url, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => thumb.replaceChildren(icon("image")));
  thumb.replaceChildren(image);
}

function cells(item) {
  const labels = Object.entries(item.labels ?? {}).slice(0, 4).map(([key, value]) => chip(`${key}:${value}`));
  return [
    h("th", { scope: "row", class: "name" }, h("div", { class: "row" },
      h("span", { class: "thumb", "data-id": item.id }, icon(item.kind)),
      h("span", { class: "grow" }, h("a", { href: `#/objects/${item.id}` }, item.name),
        h("span", { class: "row labels" }, h("span", { class: "quiet narrow" }, [item.kind, sizeOf(item)].filter(Boolean).join(" · ")), labels)))),
    h("td", { class: "kind" }, item.kind),
    h("td", { class: "status" }, badge(item.status)),
    h("td", { class: "contents quiet", title: item.problem?.detail }, h("span", {}, gist(item))),
    h("td", { class: "size" }, sizeOf(item)),
    h("td", { class: "changed quiet" }, moment(item.updated_at)),
  ];
}

customElements.define("wharf-list", ListView);
