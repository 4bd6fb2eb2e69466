/** The client passes clients/scenarios.json against the service at WHARF_URL. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  accepted,
  create,
  createWharf,
  download,
  follow,
  ObjectNotReady,
  Refused,
  upload,
  wait,
  type CreateObject,
  type Upload,
  type Wharf,
} from "../src/index.js";

interface Step {
  do: "create" | "upload" | "read" | "update" | "delete" | "list" | "wait" | "download" | "events";
  body?: CreateObject;
  key?: string;
  kind?: Upload["kind"];
  name?: string;
  media_type?: string;
  repeat?: string;
  bytes?: number;
  breaks?: number;
  puts_at_most?: number;
  stops_above?: number;
  changes?: Record<string, never>;
  version?: number;
  artifact?: string;
  same?: boolean;
  expect?: unknown;
  fails?: string;
}

const READY_SECONDS = 60;
const { scenarios } = JSON.parse(readFileSync(process.env["SCENARIOS"]!, "utf8")) as {
  scenarios: { name: string; steps: Step[] }[];
};

class Stopped extends Error {}

/** Acts on one object, step by step. */
class Play {
  id = "";
  payload = new Blob([]);
  breaks = 0;
  puts = 0;
  wharf: Wharf = createWharf({
    url: process.env["WHARF_URL"]!,
    headers: { "X-Owner": `scenarios-${crypto.randomUUID().slice(0, 8)}` },
    retries: { firstSeconds: 0.05 },
    fetch: async (request) => {
      if (request.method === "PUT") {
        if (this.breaks > 0) {
          this.breaks -= 1;
          throw new TypeError("reset by peer");
        }
        this.puts += 1;
      }
      return fetch(request);
    },
  });

  async step(step: Step): Promise<void> {
    this.breaks = step.breaks ?? 0;
    this.puts = 0;
    const before = this.id;
    const [answer, code] = await this.outcome(step);
    assert.equal(code, step.fails);
    if (step.expect !== undefined) assert.deepEqual(partOf(answer, step.expect), step.expect);
    assert.ok(this.puts <= (step.puts_at_most ?? this.puts), `${this.puts} PUTs`);
    if (step.same) assert.equal(this.id, before);
  }

  /** The answer, or the code of what went wrong. */
  async outcome(step: Step): Promise<[unknown, string | undefined]> {
    try {
      return [await this[step.do](step), undefined];
    } catch (error) {
      if (error instanceof Refused) return [undefined, error.code];
      if (error instanceof ObjectNotReady) return [undefined, error.object.problem?.code];
      throw error;
    }
  }

  get params(): { path: { object_id: string } } {
    return { path: { object_id: this.id } };
  }

  async create(step: Step): Promise<unknown> {
    const created = await create(this.wharf, step.body!, step.key);
    this.id = created.id;
    return created;
  }

  async upload(step: Step): Promise<unknown> {
    const text = step.repeat!.repeat(step.bytes! / step.repeat!.length + 1).slice(0, step.bytes);
    this.payload = new Blob([text]);
    const given: Upload = {
      kind: step.kind!,
      name: step.name!,
      mediaType: step.media_type!,
      sha256: createHash("sha256").update(text).digest("hex"),
      onProgress: (done) => {
        if (done > (step.stops_above ?? done)) throw new Stopped();
      },
    };
    if (step.key) given.idempotencyKey = step.key;
    try {
      const stored = await upload(this.wharf, this.payload, given);
      this.id = stored.id;
      return stored;
    } catch (error) {
      if (error instanceof Stopped) return undefined;
      throw error;
    }
  }

  async read(): Promise<unknown> {
    return accepted(await this.wharf.api.GET("/v1/objects/{object_id}", { params: this.params }));
  }

  async update(step: Step): Promise<unknown> {
    const params = { ...this.params, header: { "If-Match": `"${step.version}"` } };
    return accepted(await this.wharf.api.PATCH("/v1/objects/{object_id}", { params, body: step.changes! }));
  }

  async delete(): Promise<unknown> {
    return accepted(await this.wharf.api.DELETE("/v1/objects/{object_id}", { params: this.params }));
  }

  async list(step: Step): Promise<unknown> {
    const query = { kind: step.kind! };
    return eventually(async () => {
      const { data } = await this.wharf.api.GET("/v1/objects", { params: { query } });
      assert.ok(data?.items.some((item) => item.id === this.id));
    });
  }

  async wait(): Promise<unknown> {
    return wait(this.wharf, this.id, { timeoutSeconds: READY_SECONDS });
  }

  async download(step: Step): Promise<unknown> {
    const found = await download(this.wharf, this.id, step.artifact);
    if (step.artifact !== undefined) return found.json();
    assert.equal(await found.text(), await this.payload.text());
    return undefined;
  }

  async events(step: Step): Promise<unknown> {
    return eventually(async () => {
      const types: string[] = [];
      for await (const page of follow(this.wharf, { follow: false })) {
        types.push(...page.items.filter((event) => event.subject === this.id).map((event) => event.type));
      }
      assert.deepEqual(types, step.expect);
      return types;
    });
  }
}

/** The part of an answer that is expected in it, at every depth. */
function partOf(answer: unknown, expected: unknown): unknown {
  if (!isRecord(answer) || !isRecord(expected) || Object.keys(expected).length === 0) return answer;
  return Object.fromEntries(Object.entries(expected).map(([name, one]) => [name, partOf(answer[name], one)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lists and the feed are a moment behind. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

for (const scenario of scenarios) {
  test(scenario.name, async () => {
    const play = new Play();
    for (const step of scenario.steps) await play.step(step);
  });
}
