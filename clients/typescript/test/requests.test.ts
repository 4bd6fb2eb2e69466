/** The requests that the client sends, and when it sends them again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { create, createWharf, Refused, Unavailable, upload, type Wharf } from "../src/index.js";
import { pauseAfter, RETRIES, retryAfter } from "../src/retries.js";

const CREATED = { id: "o-1", status: "pending", upload: null };
const RECORD = { kind: "record", name: "order 42" } as const;

/** A client that gets these answers one after another, and the requests that it sent. */
function scripted(...answers: (Response | Error)[]): { wharf: Wharf; sent: Request[] } {
  const sent: Request[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    sent.push(request);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? json(500, {});
  };
  const wharf = createWharf({ url: "http://wharf.test/", apiKey: "secret", fetch, retries: { firstSeconds: 0 } });
  return { wharf, sent };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

test("a create is repeated with its key, and two creates have two", async () => {
  const lost = new TypeError("reset");
  const { wharf, sent } = scripted(lost, json(503, {}), json(201, CREATED), json(201, CREATED));
  await create(wharf, RECORD);
  await create(wharf, RECORD);
  const keys = sent.map((request) => request.headers.get("Idempotency-Key"));
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.notEqual(keys[3], keys[0]);
});

test("a refusal has its code, and is not repeated", async () => {
  const { wharf, sent } = scripted(json(422, { code: "invalid_input", detail: "wrong" }));
  await assert.rejects(create(wharf, RECORD), (error) => error instanceof Refused && error.code === "invalid_input");
  assert.equal(sent.length, 1);
});

test("there is a last attempt", async () => {
  const { wharf, sent } = scripted();
  await assert.rejects(create(wharf, RECORD), Unavailable);
  assert.equal(sent.length, RETRIES.attempts);
});

test("the pause is as long as the service asks, within reason", () => {
  const busy = (seconds: string): Response => new Response(null, { status: 429, headers: { "Retry-After": seconds } });
  assert.equal(pauseAfter(busy("7"), 1, RETRIES), 7);
  assert.equal(pauseAfter(busy("3600"), 1, RETRIES), undefined);
  assert.equal(pauseAfter(new Response(null, { status: 404 }), 1, RETRIES), undefined);
  assert.equal(retryAfter(new Headers({ "Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT" })), 0);
  assert.equal(retryAfter(new Headers({ "Retry-After": "soon" })), undefined);
});

test("storage gets no credentials, and a URL that has ended is asked for again", async () => {
  const target = { method: "PUT", url: "http://storage.test/1", headers: { "content-type": "text/csv" } };
  const { wharf, sent } = scripted(
    json(201, { ...CREATED, upload: target }),
    new Response("expired", { status: 403 }),
    json(200, { ...target, url: "http://storage.test/2" }),
    new Response(null, { status: 200 }),
    json(200, CREATED),
  );
  await upload(wharf, new Blob(["a,b\n"]), { kind: "dataset", name: "a.csv", mediaType: "text/csv" });
  const [created, first, , second] = sent;
  assert.equal(created?.headers.get("x-api-key"), "secret");
  assert.deepEqual([first?.url, second?.url], ["http://storage.test/1", "http://storage.test/2"]);
  assert.equal(second?.headers.get("x-api-key"), null);
  assert.equal(await second?.text(), "a,b\n");
});
