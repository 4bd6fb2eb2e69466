// Webhooks with their delivery log, and what the caller uses.

import { get, hear, kinds, patch, pause, post, remove, View } from "./api.js";
import {
  ask, atEnd, badge, button, bytes, card, chip, confirmed, dated, duration, field, formOf, h, heads, moment, newKey, number, options,
  plural, primary, put, quiet, region, state, tell, wordsFor,
} from "./dom.js";
import { EVENTS, secret } from "./object.js";

const LOOK_SECONDS = [0.5, 1, 2, 4];
const REASONS = { by_owner: "by you", gone: "the endpoint answered 410 Gone", failing: "every attempt of five days failed" };
const DAY_MS = 86400_000;

/** Load something into a view, or tell there why it cannot be. */
async function load(view, read) {
  try {
    await read();
  } catch (fault) {
    if (view.gone.signal.aborted) return;
    if (fault.code === "webhooks_off") view.replaceChildren(state("Webhooks are switched off", "This stack was deployed without them (parameter Webhooks)."));
    else view.replaceChildren(state("That could not be read", wordsFor(fault), primary("Try again", () => view.build())));
  }
}

const statusOf = (hook) => {
  if (!hook.enabled) return h("span", { class: "badge failed", title: hook.disabled && dated(hook.disabled.at) }, "switched off");
  return hook.failing_since ? h("span", { class: "badge pending" }, "failing") : h("span", { class: "badge ready" }, "on");
};

const wants = (hook) => [
  hook.types.length ? hook.types.map((type) => chip(type)) : chip("all events"),
  hook.kinds.map((kind) => chip(kind)), Object.entries(hook.labels).map(([key, value]) => chip(`${key}:${value}`)),
];

class WebhooksView extends View {
  build() {
    return load(this, async () => {
      const { items } = await get("/v1/webhooks", this.gone.signal);
      const rows = items.map((hook) => h("tr", {},
        h("th", { scope: "row" }, h("a", { href: `#/webhooks/${hook.id}` }, hook.url), hook.description && h("small", {}, hook.description)),
        h("td", {}, statusOf(hook)), h("td", { class: "sends" }, h("span", { class: "row" }, wants(hook))), h("td", { class: "quiet changed" }, moment(hook.updated_at))));
      this.replaceChildren(
        h("div", { class: "row head" }, h("h1", {}, "Webhooks"), atEnd(primary("New webhook", () => this.#create()))),
        items.length
          ? h("table", { class: "list" }, heads("Endpoint", "Status", "Sends", "Changed"), h("tbody", {}, rows))
          : state("No webhooks yet", "A webhook sends each event to a URL of yours, signed, and tries again while the endpoint is away."));
    });
  }

  async #create() {
    const url = h("input", { type: "url", required: true, maxlength: 2048, placeholder: "https://example.com/hooks" });
    const description = h("input", { maxlength: 256 });
    const types = h("select", { multiple: true, size: 5 }, options(Object.keys(EVENTS)));
    const all = await kinds();
    const only = h("select", { multiple: true, size: 5 }, options(all.map(({ name }) => name)));
    const chosen = (list) => [...list.selectedOptions].map((one) => one.value);
    const place = h("div", {});
    const key = newKey();
    const made = await ask("New webhook", (close) => {
      const submit = primary("Create", async () => {
        if (!url.reportValidity()) return;
        const body = { url: url.value, description: description.value, types: chosen(types), kinds: chosen(only) };
        try {
          const hook = await post("/v1/webhooks", body, { headers: { "Idempotency-Key": key } });
          form.replaceWith(secret("The secret that its deliveries are signed with. It is shown once.", hook.secret),
            atEnd(primary("Done", () => close(hook))));
        } catch (fault) {
          place.replaceChildren(h("p", { class: "bad", role: "alert" }, wordsFor(fault)));
        }
      });
      const form = formOf(close, submit,
        field("URL", url), field("Description", description), h("div", { class: "two" }, field("Events", types, "None chosen: all"), field("Kinds", only, "None chosen: all")),
        place);
      return form;
    });
    if (made) location.hash = `#/webhooks/${made.id}`;
    else this.build();
  }
}

class WebhookView extends View {
  build() {
    this.path = `/v1/webhooks/${encodeURIComponent(this.dataset.webhook)}`;
    this.status = "";
    this.log = h("tbody", {});
    this.foot = h("div", { class: "foot" });
    // A delivery follows an event within a moment.
    hear(this, "event", () => this.#look());
    return load(this, async () => {
      this.hook = await get(this.path, this.gone.signal);
      this.#draw();
      await this.#read();
    });
  }

  #draw() {
    const { hook } = this;
    document.title = `${hook.url} · Wharf`;
    const filter = h("select", { onchange: () => ((this.status = filter.value), this.#read()) },
      options([["", "all"], "pending", "delivered", "failed"], this.status));
    const switched = hook.enabled ? "Switch off" : "Switch on";
    put(this,
      h("p", { class: "crumbs" }, h("a", { href: "#/webhooks" }, "Webhooks"), " / ", hook.id.slice(0, 8)),
      h("div", { class: "row head" }, h("h1", { class: "address" }, hook.url), statusOf(hook), h("div", { class: "row end" },
        primary("Send a test", () => this.#test(), { picture: "send", disabled: !hook.enabled }),
        button("Resend failed", () => this.#replayFailed(), { picture: "again", disabled: !hook.enabled }),
        button("New secret", () => this.#rotate()),
        button(switched, async () => this.#took(await patch(this.path, { enabled: !hook.enabled }))),
        button("Delete", () => this.#delete(), { look: "danger", picture: "remove" }))),
      hook.description && h("p", {}, hook.description),
      h("p", { class: "row head" }, "Sends", wants(hook)),
      hook.failing_since && h("div", { class: "notice pending" }, "The endpoint began to fail ", moment(hook.failing_since), ". One delivery probes it; the others wait."),
      hook.disabled && h("div", { class: "notice failed" }, `Switched off ${dated(hook.disabled.at)}: ${REASONS[hook.disabled.reason]}.`),
      h("section", { class: "card" }, h("div", { class: "row" }, h("h2", {}, "Deliveries"), atEnd(field("State", filter), button("Refresh", () => this.#again(), { picture: "again", shown: false }))),
        h("table", { class: "list log" }, heads("Event", "State", "Last answer", "Attempts", "Time of the event", h("span", { class: "unseen" }, "Action")), this.log),
        this.foot));
  }

  async #took(answer) {
    this.hook = answer.data;
    this.#draw();
    await this.#read();
  }

  async #read(cursor) {
    const query = new URLSearchParams({ limit: 30, ...(this.status && { status: this.status }), ...(cursor && { cursor }) });
    const page = await get(`${this.path}/deliveries?${query}`, this.gone.signal);
    const rows = page.items.map((delivery) => this.#row(delivery));
    if (cursor) this.log.append(...rows);
    else this.log.replaceChildren(...rows);
    this.foot.replaceChildren(page.next_cursor ? button("Load more", () => this.#read(page.next_cursor))
      : quiet(this.log.children.length ? "The log goes back 30 days." : "Nothing was sent yet."));
    return page.items;
  }

  /** Read the log again, and the webhook, which its deliveries may have changed. */
  async #again() {
    const items = await this.#read();
    const hook = await get(this.path, this.gone.signal);
    if (JSON.stringify(hook) !== JSON.stringify(this.hook)) await this.#took({ data: hook });
    return items;
  }

  #row(delivery) {
    const { event, status, last_attempt: last, next_attempt_at: next } = delivery;
    const said = last && (last.status ?? last.error?.code.replaceAll("_", " "));
    const body = last?.answer || last?.error?.detail;
    return h("tr", {},
      h("th", { scope: "row" }, event.type === "webhook.test" ? event.type : h("a", { href: `#/objects/${event.subject}` }, event.type), h("small", {}, event.id)),
      h("td", {}, badge(status)),
      h("td", {}, last && h("span", {}, said, h("span", { class: "quiet" }, ` in ${duration(last.seconds)}`)), body && h("details", {}, h("summary", {}, "Answer"), h("pre", {}, body))),
      h("td", { class: "quiet" }, plural(delivery.attempts, "attempt"), next && [", next ", moment(next)]),
      h("td", { class: "quiet" }, moment(event.time)),
      h("td", {}, button("Replay", () => this.#replay(delivery), { look: "small", disabled: !this.hook.enabled, "aria-label": `Replay ${event.type} of ${dated(event.time)}` })));
  }

  /** Look at the log again until nothing is pending, a few times. */
  async #look() {
    this.looking?.abort();
    const own = (this.looking = new AbortController());
    try {
      for (const seconds of LOOK_SECONDS) {
        await pause(seconds, AbortSignal.any([own.signal, this.gone.signal]));
        if (this.foot.querySelector("button") && scrollY > 400) return;
        const items = await this.#again();
        if (!items.some((one) => one.status === "pending")) return;
      }
    } catch (fault) {
      if (fault.name !== "AbortError") tell(wordsFor(fault), "bad");
    }
  }

  async #test() {
    await post(`${this.path}/test`);
    tell("A test is on its way.");
    this.#look();
  }

  async #replay(delivery) {
    await post(`${this.path}/deliveries/${encodeURIComponent(delivery.id)}/replay`);
    tell("It is sent again.");
    this.#look();
  }

  async #replayFailed() {
    const now = Date.now();
    const range = { after: new Date(now - DAY_MS).toISOString(), until: new Date(now).toISOString(), status: "failed" };
    const { count } = await post(`${this.path}/replay`, { ...range, dry_run: true });
    if (!count) return tell("Nothing of the last 24 hours has failed for good.");
    if (!(await confirmed("Send again?", `${plural(count, "delivery").replace("deliverys", "deliveries")} of the last 24 hours failed.`, "Send again"))) return undefined;
    await post(`${this.path}/replay`, range);
    tell("They are sent again.");
    return this.#look();
  }

  async #rotate() {
    const text = "The old secret signs too for 24 hours, so that nothing is lost while you change it.";
    if (!(await confirmed("Make a new secret?", text, "Make it"))) return;
    const { secret: made, ...hook } = await post(`${this.path}/rotate-secret`);
    this.hook = hook;
    await ask("The new secret", (close) => h("div", { class: "stack" }, secret("It is shown once.", made), primary("Done", () => close())));
  }

  async #delete() {
    if (!(await confirmed("Delete this webhook?", "Nothing more is sent, and its log is gone.", "Delete"))) return;
    await remove(this.path);
    location.hash = "#/webhooks";
  }
}

class UsageView extends View {
  build() {
    hear(this, "event", () => this.#read());
    return this.#read();
  }

  #read() {
    return load(this, async () => {
      const [usage, all] = await Promise.all([get("/v1/usage", this.gone.signal), kinds()]);
      const limit = (value, show = bytes) => (value == null ? "–" : show(value));
      this.replaceChildren(
        h("div", { class: "row head" }, h("h1", {}, "Usage")),
        h("div", { class: "meters" }, meter("Objects", usage.objects, usage.limits.objects, number), meter("Storage", usage.bytes, usage.limits.bytes, bytes)),
        card("What each kind takes", h("div", { class: "scroll", ...region("Kinds") }, h("table", {},
          heads("Kind", "What it is for", "Largest file", "Largest unpacked"),
          h("tbody", {}, all.map((kind) => h("tr", {}, h("th", { scope: "row" }, kind.name), h("td", {}, kind.description, h("small", {}, kind.media_types?.join(", "))), h("td", {}, limit(kind.size_limit)), h("td", {}, limit(kind.unpacked_limit)))))))));
    });
  }
}

function meter(name, used, limit, show) {
  const share = limit ? used / limit : 0;
  return h("div", { class: "card meter" }, h("h2", {}, name), h("p", { class: "big" }, show(used)),
    limit ? [h("meter", { min: 0, max: limit, value: used, high: 0.9 * limit, optimum: 0, "aria-label": `${name}: ${show(used)} of ${show(limit)}` }),
      quiet(`${Math.round(100 * share)} % of ${show(limit)}`)]
      : quiet("no limit"));
}

customElements.define("wharf-webhooks", WebhooksView);
customElements.define("wharf-webhook", WebhookView);
customElements.define("wharf-usage", UsageView);
