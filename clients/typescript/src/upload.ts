/**
 * Uploads a payload of any size, and goes on where an earlier attempt ended.
 *
 * A payload above IN_PARTS_ABOVE goes in parts, so that a broken connection costs one part. The service
 * tells which parts it has: the same call with the same key after a crash sends only what is missing.
 */

import { accepted, Refused, Unavailable, type Wharf } from "./client.js";
import type { components } from "./generated.js";
import type { StoredObject } from "./models.js";
import { create, type CreateObject } from "./objects.js";
import { pauseAfter, sleep } from "./retries.js";

const IN_PARTS_ABOVE = 16 * 1024 * 1024;
/** How many URLs are asked for at once. They must not end before their parts are sent. */
const PARTS_AT_ONCE = 10;
/** How often the service may name other parts that are missing after all were sent. */
const ROUNDS = 5;
/** A PUT that finds the payload there already: an earlier one arrived, and its answer got lost. */
const IS_THERE = 412;
const FORBIDDEN = 403;
/** A part of an upload that storage no longer knows; the next one begins anew. */
const IS_FORGOTTEN = 404;
const CONFLICT = 409;

type Schemas = components["schemas"];
type Target = Pick<Schemas["UploadOut"], "method" | "url" | "headers">;

export interface Upload {
  /** A kind that takes a payload. */
  kind: Extract<CreateObject, { payload: unknown }>["kind"];
  name: string;
  mediaType: string;
  attributes?: Record<string, unknown>;
  labels?: Record<string, string>;
  /** Give the key of an upload that broke off to go on with it. By default it is a new one. */
  idempotencyKey?: string;
  /** The payload's checksum, if known; the service compares it. */
  sha256?: string;
  /** Called after each part with the number of bytes that are there, and the number that there will be. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Storage answered a presigned URL with an error. */
export class StorageRefused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(`Storage answered ${status}: ${detail}`);
    this.name = "StorageRefused";
  }
}

/** Creates an object and uploads its payload. In Node, `openAsBlob` of `node:fs` opens a file. */
export async function upload(wharf: Wharf, source: Blob, given: Upload): Promise<StoredObject> {
  const { kind, name, attributes, labels } = given;
  const payload = {
    media_type: given.mediaType,
    size: source.size,
    ...(given.sha256 && { sha256: given.sha256 }),
    ...(source.size > IN_PARTS_ABOVE && { multipart: true }),
  };
  const body = { kind, name, ...(attributes && { attributes }), ...(labels && { labels }), payload };
  // The kinds differ in the media types and sizes that they take, which the service checks.
  const created = await create(wharf, body as CreateObject, given.idempotencyKey);
  const params = { path: { object_id: created.id } };
  const awaited =
    created.status === "expired"
      ? accepted(await wharf.api.POST("/v1/objects/{object_id}/uploads", { params, body: payload }))
      : created;
  const read = async (): Promise<StoredObject> =>
    accepted(await wharf.api.GET("/v1/objects/{object_id}", { params }));
  try {
    // If there is no upload, an earlier call with this key has sent everything.
    if (awaited.upload && "part_size" in awaited.upload) {
      await sendParts(wharf, created.id, source, given);
    } else if (awaited.upload) {
      await sendWhole(wharf, created.id, awaited.upload, source, given);
    }
    return await read();
  } catch (error) {
    if (!(error instanceof Refused && error.status === CONFLICT)) throw error;
    // The upload is no longer awaited. If it has not ended without a payload, all of it is there.
    const found = await read();
    if (found.status === "expired") throw error;
    return found;
  }
}

async function sendWhole(wharf: Wharf, id: string, first: Target, source: Blob, given: Upload): Promise<void> {
  const again = async (): Promise<Target> => {
    const params = { path: { object_id: id } };
    const found = accepted(await wharf.api.GET("/v1/objects/{object_id}/upload", { params }));
    if (!("url" in found)) throw new Unavailable("The upload is now one in parts. Begin again.");
    return found;
  };
  await send(wharf, source, first, again, given.signal);
  given.onProgress?.(source.size, source.size);
}

async function sendParts(wharf: Wharf, id: string, source: Blob, given: Upload): Promise<void> {
  const params = { path: { object_id: id } };
  for (let round = 0; round < ROUNDS; round += 1) {
    const state = accepted(await wharf.api.GET("/v1/objects/{object_id}/upload", { params }));
    if (!("missing" in state)) throw new Unavailable("The upload is no longer one in parts. Begin again.");
    let done = state.uploaded.reduce((sum, part) => sum + part.size, 0);
    given.onProgress?.(done, source.size);
    try {
      for (let first = 0; first < state.missing.length; first += PARTS_AT_ONCE) {
        for (const part of await targets(wharf, id, state.missing.slice(first, first + PARTS_AT_ONCE))) {
          const begin = (part.number - 1) * state.part_size;
          const piece = source.slice(begin, Math.min(begin + state.part_size, source.size));
          const again = async (): Promise<Target> => (await targets(wharf, id, [part.number]))[0]!;
          await send(wharf, piece, part, again, given.signal);
          done += piece.size;
          given.onProgress?.(done, source.size);
        }
      }
      accepted(await wharf.api.POST("/v1/objects/{object_id}/upload/complete", { params }));
      return;
    } catch (error) {
      const isIncomplete = error instanceof Refused && error.code === "parts_missing";
      const isForgotten = error instanceof StorageRefused && error.status === IS_FORGOTTEN;
      if (!isIncomplete && !isForgotten) throw error;
    }
  }
  throw new Unavailable("Storage goes on losing parts.");
}

async function targets(wharf: Wharf, id: string, numbers: number[]): Promise<Schemas["SignedPartOut"][]> {
  const asked = { params: { path: { object_id: id } }, body: { numbers } };
  return accepted(await wharf.api.POST("/v1/objects/{object_id}/upload/parts", asked)).parts;
}

/** Sends a piece until storage has it; `again` asks for a new URL where one has ended. */
async function send(
  wharf: Wharf,
  piece: Blob,
  first: Target,
  again: () => Promise<Target>,
  signal?: AbortSignal,
): Promise<void> {
  let target = first;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const { answer, fault } = await put(wharf, target, piece, signal);
    if (answer && (answer.ok || answer.status === IS_THERE)) return;
    if (answer?.status === FORBIDDEN && attempt < wharf.retries.attempts) {
      target = await again();
      continue;
    }
    const pause = pauseAfter(answer, attempt, wharf.retries);
    if (pause !== undefined) await sleep(pause, signal);
    else if (answer) throw new StorageRefused(answer.status, (await answer.text()).slice(0, 500));
    else throw new Unavailable(`Storage cannot be reached: ${String(fault)}`, { cause: fault });
  }
}

/** Sends a piece once, without credentials. The length is the blob's, and fetch allows no other. */
async function put(
  wharf: Wharf,
  target: Target,
  piece: Blob,
  signal: AbortSignal | undefined,
): Promise<{ answer?: Response; fault?: unknown }> {
  const signed = Object.entries(target.headers).filter(([name]) => name.toLowerCase() !== "content-length");
  try {
    // A blob with a type would send that one where no Content-Type is signed.
    const request = { method: target.method, headers: signed, body: piece.slice(0, piece.size, ""), signal: signal ?? null };
    return { answer: await wharf.fetch(new Request(target.url, request)) };
  } catch (fault) {
    if (signal?.aborted) throw fault;
    return { fault };
  }
}
