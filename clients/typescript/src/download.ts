/** Downloads a payload or an artifact. */

import { accepted, type Wharf } from "./client.js";

/** Resolves to the newest ready payload, or an artifact of it, as the answer of storage. */
export async function download(wharf: Wharf, id: string, artifact?: string): Promise<Response> {
  const headers = { Accept: "application/json" };
  const link =
    artifact === undefined
      ? await wharf.api.GET("/v1/objects/{object_id}/payload", { params: { path: { object_id: id } }, headers })
      : await wharf.api.GET("/v1/objects/{object_id}/artifacts/{name}", {
          params: { path: { object_id: id, name: artifact } },
          headers,
        });
  return wharf.fetch(new Request(accepted(link).url));
}
