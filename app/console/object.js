// One object: results, what may be edited, its history, its files, links, and what can be done with it.

import { get, hear, note, patch, post, remove, save, urlOf, View } from "./api.js";
import {
  ask, atEnd, badge, button, bytes, card, chip, confirmed, dated, differences, field, formOf, h, heads, icon, inWords, mergePatch, moment,
  options, primary, put, quiet, region, state, tell, wordsFor,
} from "./dom.js";
import { jsonOf, resultsOf } from "./results.js";
import { choose } from "./uploads.js";

export const EVENTS = {
  "object.created": "Created",
  "object.updated": "Changed",
  "object.upload_requested": "New revision asked for",
  "object.processing": "Processing began",
  "object.ready": "Ready",
  "object.rejected": "Rejected",
  "object.failed": "Given up",
  "object.expired": "Upload expired",
  "object.reprocess_requested": "Asked to process again",
  "object.deleted": "Deleted",
};
const HISTORY = 100;
const home = () => h("a", { href: "#/", class: "button" }, "To your objects");

class ObjectView extends View {
  async build() {
    this.id = this.dataset.object;
    this.path = `/v1/objects/${encodeURIComponent(this.id)}`;
    this.replaceChildren(quiet("Loading …"));
    hear(this, "event", (event) => event.subject === this.id && this.#apply(event));
    hear(this, "refresh", () => this.#load());
    await this.#load();
  }

  async #load() {
    try {
      this.object = await get(this.path, this.gone.signal);
    } catch (fault) {
      if (this.gone.signal.aborted) return;
      const title = fault.status === 404 ? "There is no such object" : "The object could not be read";
      this.replaceChildren(state(title, wordsFor(fault), home(), fault.status !== 404 && button("Try again", () => this.#load())));
      return;
    }
    note(this.object);
    this.head = h("div", {});
    this.results = h("div", { class: "grow" });
    this.facts = h("section", { class: "card" });
    this.links = h("section", { class: "card", hidden: true });
    this.events = h("ol", { class: "timeline" });
    this.replaceChildren(this.head, h("div", { class: "columns-2" }, this.results,
      h("aside", { "aria-label": "About the object" }, this.facts, this.links, card("History", this.events))));
    this.#draw();
    this.#readHistory();
    this.#readLinks();
  }

  #apply(event) {
    if (!this.object) return;
    if (event.type === "object.deleted") {
      this.replaceChildren(state("The object was deleted", "Its files and its history are gone.", home()));
      return;
    }
    this.#addEvent(event);
    if (event.data.version > this.object.version) {
      this.object = event.data;
      this.#draw();
    }
  }

  #draw() {
    const { object } = this;
    document.title = `${object.name} · Wharf`;
    const had = document.activeElement?.dataset?.act;
    put(this.head,
      h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Objects"), " / ", object.kind),
      h("div", { class: "row head" }, h("h1", {}, icon(object.kind), object.name), badge(object.status), atEnd(this.#actions())),
      this.#notice(),
    );
    if (had) this.head.querySelector(`[data-act="${had}"]`)?.focus();
    const drawn = JSON.stringify([object.result ?? object.attributes, object.payload?.revision]);
    if (drawn !== this.drawn) this.results.replaceChildren(resultsOf(object));
    this.drawn = drawn;
    put(this.facts, this.#facts());
  }

  #notice() {
    const { problem, status, payload, incoming } = this.object;
    const older = payload && status !== "ready" ? " What is shown below is the revision before." : "";
    if (problem) return h("div", { class: `notice ${status}`, role: "note" }, h("span", {}, problem.detail, older), h("code", {}, problem.code));
    if (status === "processing") return h("div", { class: "notice" }, h("progress", { "aria-label": "Processing" }), ` The file is being checked and processed.${older}`);
    if (status === "pending") return h("div", { class: "notice" }, h("progress", { "aria-label": "Waiting" }), ` Waits for ${incoming ? `its file of ${bytes(incoming.size)}` : "its turn"}.${older}`);
    return null;
  }

  #actions() {
    const { object } = this;
    const isBusy = object.status === "pending" || object.status === "processing";
    const act = (label, run, more) => button(label, run, { "data-act": label, ...more });
    return [
      object.payload && act("Download", async () => save(await urlOf(this.id, "payload")), { picture: "download", look: "primary" }),
      act("Edit", () => this.#edit()),
      object.kind !== "record" && act("New revision", () => this.#revise(), { picture: "upload", disabled: object.status === "processing" }),
      object.kind !== "record" && act("Process again", () => this.#reprocess(), { picture: "again", disabled: isBusy || object.status === "expired" }),
      object.payload && act("Share", () => this.#share(), { picture: "link" }),
      act("Delete", () => this.#delete(), { picture: "remove", look: "danger" }),
    ];
  }

  #facts() {
    const { object } = this;
    const held = object.payload ?? object.declared;
    const [type, size] = object.payload ? ["Type", "Size"] : ["Declared type", "Declared size"];
    const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
    const labels = Object.entries(object.labels).map(([key, value]) => chip(`${key}:${value}`));
    return [
      h("h2", {}, "About"),
      h("dl", { class: "facts" },
        row("Created", moment(object.created_at)), row("Changed", moment(object.updated_at), ` · version ${object.version}`),
        held && [row(type, held.media_type), row(size, bytes(held.size)), row("Revision", held.revision), held.sha256 && row("SHA-256", h("code", { class: "hash" }, held.sha256))],
        row("Id", h("code", { class: "hash" }, object.id)),
        row("Labels", labels.length ? h("span", { class: "row" }, labels) : "none")),
      object.kind !== "record" && [h("h3", {}, "Attributes"), jsonOf(object)],
      object.result?.artifacts.length > 0 && [h("h3", {}, "Files"), h("ul", { class: "files" }, object.result.artifacts.map((one) =>
        h("li", { class: "row" }, h("span", { class: "grow" }, one.name), h("span", { class: "quiet" }, bytes(one.size)),
          button(`Download ${one.name}`, async () => save(await urlOf(this.id, `artifacts/${encodeURIComponent(one.name)}`)), { picture: "download", shown: false }))))],
    ];
  }

  async #readHistory() {
    try {
      let cursor = "";
      do {
        const page = await get(`${this.path}/history?limit=${HISTORY}${cursor && `&cursor=${cursor}`}`, this.gone.signal);
        page.items.forEach((event) => this.#addEvent(event));
        cursor = page.next_cursor;
      } while (cursor && this.events.children.length < 5 * HISTORY);
    } catch (fault) {
      if (!this.gone.signal.aborted) this.events.replaceChildren(h("li", { class: "bad" }, wordsFor(fault)));
    }
  }

  #addEvent(event) {
    const version = event.data.version;
    const after = [...this.events.children].find((one) => Number(one.dataset.version) <= version);
    if (after && Number(after.dataset.version) === version) return;
    const before = after?.event?.data;
    const changes = event.type === "object.updated" && before ? differences(before, event.data) : [];
    const { problem } = event.data;
    const line = h("li", { "data-version": version, class: event.type.split(".")[1] },
      h("span", { class: "row" }, h("strong", {}, EVENTS[event.type] ?? event.type), h("span", { class: "quiet" }, `v${version}`), moment(event.time)),
      changes.map(([path, one, other]) => h("small", {}, `${path}: `, h("del", {}, inWords(one)), " → ", h("ins", {}, inWords(other)))),
      problem && h("small", {}, problem.detail));
    line.event = event;
    this.events.insertBefore(line, after ?? null);
  }

  // Editing.

  async #edit() {
    const base = this.object;
    const name = h("input", { value: base.name, required: true, maxlength: 256 });
    const labels = h("textarea", { rows: 3, spellcheck: "false" });
    labels.value = Object.entries(base.labels).map(([key, value]) => `${key}: ${value}`).join("\n");
    const attributes = h("textarea", { rows: 8, spellcheck: "false", class: "code" });
    attributes.value = JSON.stringify(base.attributes, null, 2);
    const trouble = h("p", { class: "bad", role: "alert" });
    const conflict = h("div", {});
    const mine = () => ({ name: name.value.trim(), labels: labelsOf(labels.value), attributes: attributesOf(attributes.value) });
    const send = async (wanted, version, close) => {
      const changes = mergePatch({ name: base.name, labels: base.labels, attributes: base.attributes }, wanted);
      if (!changes) return close(false);
      try {
        const saved = await patch(this.path, changes, `"${version}"`);
        this.#took(saved.data);
        tell("Saved.");
        return close(true);
      } catch (fault) {
        if (fault.code !== "version_mismatch" && fault.code !== "concurrent_change") throw fault;
        const stored = await get(this.path);
        conflict.replaceChildren(conflictView(base, wanted, stored, {
          mine: () => send(wanted, stored.version, close),
          theirs: () => (this.#took(stored), close(false)),
        }));
        conflict.querySelector("button").focus();
        return undefined;
      }
    };
    await ask(`Edit ${base.name}`, (close) => {
      const submit = primary("Save", async () => {
        trouble.textContent = "";
        try {
          await send(mine(), base.version, close);
        } catch (fault) {
          trouble.textContent = wordsFor(fault);
        }
      });
      return formOf(close, submit,
        field("Name", name), field("Labels", labels, "One on each line: key: value"), field("Attributes", attributes, "A JSON object"),
        trouble, conflict);
    });
  }

  #took(object) {
    if (object.version < this.object.version) return;
    this.object = object;
    this.#draw();
  }

  #revise() {
    const { payload, declared } = this.object;
    const type = h("input", { value: (payload ?? declared)?.media_type, maxlength: 256, spellcheck: "false" });
    return ask("New revision", (close) => {
      const go = primary("Choose the file", () => (close(), choose({ into: { id: this.id, type: type.value.trim() } })));
      return formOf(close, go, field("Media type", type, "If need be with its charset: text/csv; charset=windows-1252"));
    });
  }

  async #reprocess() {
    this.#took(await post(`${this.path}/reprocess`));
    note(this.object);
    tell("It is processed again.");
  }

  async #delete() {
    const text = `${this.object.name}, its files and its history will be gone. This cannot be undone.`;
    if (!(await confirmed("Delete this object?", text, "Delete"))) return;
    await remove(this.path);
    tell(`${this.object.name} was deleted.`);
    location.hash = "#/";
  }

  // Links for others.

  async #readLinks() {
    let list;
    try {
      list = await get(`${this.path}/links`, this.gone.signal);
    } catch {
      return;
    }
    this.links.hidden = !list.items.length;
    this.links.replaceChildren(h("h2", {}, "Links"), h("ul", { class: "files" }, list.items.map((link) =>
      h("li", { class: "row" }, h("span", { class: "grow" }, link.artifact ?? "the file", h("small", { class: "quiet" }, ` until ${dated(link.expires_at)}`)),
        button("Revoke", async () => (await remove(`${this.path}/links/${link.id}`), tell("The link is revoked."), this.#readLinks()), { look: "small" })))));
  }

  #share() {
    const artifacts = this.object.result?.artifacts ?? [];
    const what = h("select", {}, options([["", "the file"], ...artifacts.map(({ name }) => name)]));
    const how = h("select", {}, options([["attachment", "saves the file"], ["inline", "shows the file"]]));
    const long = h("select", {}, options([[3600, "an hour"], [86400, "a day"], [604800, "a week"], [2592000, "30 days"]], 86400));
    const place = h("div", {});
    return ask("A link for others", (close) => {
      const make = primary("Make the link", async () => {
        try {
          const made = await post(`${this.path}/links`, { ...(what.value && { artifact: what.value }), disposition: how.value, expires_in: Number(long.value) });
          place.replaceChildren(secret("Anybody who has this link may open it. It is shown once.", made.url));
          make.hidden = true;
          this.#readLinks();
        } catch (fault) {
          place.replaceChildren(h("p", { class: "bad", role: "alert" }, wordsFor(fault)));
        }
      });
      return h("div", { class: "stack" }, field("What to share", what), field("Opening it", how), field("Valid for", long), place,
        atEnd(button("Close", () => close()), make));
    });
  }
}

/** Show a text that is shown only once, to be copied. */
export function secret(hint, text) {
  const box = h("input", { readonly: true, value: text, "aria-label": hint, class: "code" });
  return h("div", { class: "secret" }, h("p", {}, hint), h("div", { class: "row" }, box, button("Copy", async () => {
    box.select();
    await navigator.clipboard.writeText(text);
    tell("Copied.");
  })));
}

function conflictView(base, mine, stored, { mine: keepMine, theirs }) {
  const [ours, others] = [mine, stored].map((after) => new Map(differences(base, after).map(([path, ...values]) => [path, values])));
  const row = ([path, [before]]) => h("tr", {}, h("th", { scope: "row" }, path), h("td", {}, inWords(before)),
    [ours, others].map((list) => h("td", {}, list.has(path) ? h("ins", {}, inWords(list.get(path)[1])) : inWords(before))));
  return h("div", { class: "notice rejected", role: "alert" },
    h("strong", {}, "Somebody changed it while you were editing."),
    h("div", { class: "scroll", ...region("Both versions") }, h("table", { class: "conflict" },
      heads("Field", "Before", "Yours", `Stored (version ${stored.version})`),
      h("tbody", {}, [...new Map([...ours, ...others])].map(row)))),
    h("div", { class: "row" }, button("Save yours over it", keepMine), button("Take the stored version", theirs)),
    h("small", {}, "Yours changes only the fields that you changed."));
}

export function labelsOf(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf(":");
    if (at < 1) throw new Error(`A label is written key: value, unlike ${line}.`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

function attributesOf(text) {
  let value;
  try {
    value = JSON.parse(text || "{}");
  } catch (fault) {
    throw new Error(`The attributes are not JSON: ${fault.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("The attributes must be a JSON object.");
  return value;
}

customElements.define("wharf-object", ObjectView);
