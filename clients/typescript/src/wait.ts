/** Waits until an object is done. */

import { accepted, type Wharf } from "./client.js";
import type { StoredObject } from "./models.js";
import { retryAfter, sleep } from "./retries.js";

const UNFINISHED = new Set(["pending", "processing"]);
const WAIT_SECONDS = 20;
/** The pause where the service neither waits nor says when to ask again. */
const ASK_AGAIN_SECONDS = 1;

/** The object ended as rejected, failed or expired; `object` has its problem. */
export class ObjectNotReady extends Error {
  constructor(readonly object: StoredObject) {
    super(`${object.id} is ${object.status}, ${object.problem?.code}: ${object.problem?.detail}`);
    this.name = "ObjectNotReady";
  }
}

/** The object is still pending or processing. */
export class TimedOut extends Error {
  override name = "TimedOut";
}

export interface WaitOptions {
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

/** Resolves to the object once it is ready. Throws ObjectNotReady if it ends otherwise, or TimedOut. */
export async function wait(wharf: Wharf, id: string, options: WaitOptions = {}): Promise<StoredObject> {
  const giveUp = Date.now() + (options.timeoutSeconds ?? Infinity) * 1000;
  const signal = options.signal ?? null;
  const path = { object_id: id };
  let object = accepted(await wharf.api.GET("/v1/objects/{object_id}", { params: { path }, signal }));
  while (UNFINISHED.has(object.status)) {
    const left = (giveUp - Date.now()) / 1000;
    if (left <= 0) throw new TimedOut(`${id} is still ${object.status} after ${options.timeoutSeconds} seconds.`);
    const seconds = Math.min(WAIT_SECONDS, Math.max(1, Math.floor(left)));
    const header = { "If-None-Match": `"${object.version}"`, Prefer: `wait=${seconds}` };
    const found = await wharf.api.GET("/v1/objects/{object_id}", { params: { path, header }, signal });
    if (found.response.status !== 304) object = accepted(found);
    if (UNFINISHED.has(object.status) && !found.response.headers.has("Preference-Applied")) {
      await sleep(Math.min(retryAfter(found.response.headers) ?? ASK_AGAIN_SECONDS, left), signal);
    }
  }
  if (object.status !== "ready") throw new ObjectNotReady(object);
  return object;
}
