/** Creates objects, once each. */

import { accepted, type Wharf } from "./client.js";
import type { operations } from "./generated.js";
import type { CreatedObject } from "./models.js";

export type CreateObject = operations["createObject"]["requestBody"]["content"]["application/json"];

/** Creates an object. Every attempt has the same key, by default a new one. */
export async function create(
  wharf: Wharf,
  body: CreateObject,
  idempotencyKey: string = crypto.randomUUID(),
): Promise<CreatedObject> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  return accepted(await wharf.api.POST("/v1/objects", { params, body }));
}
