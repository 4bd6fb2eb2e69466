/** A typed client of every operation, which repeats requests while that may help. */

import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./generated.js";
import type { Problem } from "./models.js";
import { pauseAfter, RETRIES, sleep, type Retries } from "./retries.js";

export interface Options {
  /** The service's address. */
  url: string;
  apiKey?: string;
  /** A bearer token. */
  token?: string;
  headers?: Record<string, string>;
  retries?: Partial<Retries>;
  /** Sends all requests, also those to storage, which get no credentials. */
  fetch?: (request: Request) => Promise<Response>;
}

export interface Wharf {
  /** Every operation, as `api.GET("/v1/objects/{object_id}", …)`. */
  api: Client<paths>;
  retries: Retries;
  fetch: (request: Request) => Promise<Response>;
}

/** The service refused the request, and trying again cannot help. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** The stable name for programs. */
    readonly code: string,
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "Refused";
  }
}

/** The service or its storage is not reached, after all retries. */
export class Unavailable extends Error {
  override name = "Unavailable";
}

export function createWharf(options: Options): Wharf {
  const retries = { ...RETRIES, ...options.retries };
  const fetch = options.fetch ?? ((request) => globalThis.fetch(request));
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (options.apiKey) headers["x-api-key"] = options.apiKey;
  if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
  const api = createClient<paths>({
    baseUrl: options.url.replace(/\/+$/, ""),
    headers,
    // A redirect could take the credentials elsewhere, and no operation of this client needs one.
    redirect: "error",
    fetch: (request) => repeated(request, fetch, retries),
  });
  return { api, retries, fetch };
}

/** Sends a request until there is an answer that another attempt would not change. */
async function repeated(
  request: Request,
  fetch: (request: Request) => Promise<Response>,
  retries: Retries,
): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    let answer: Response | undefined;
    let fault: unknown;
    try {
      answer = await fetch(request.clone());
    } catch (error) {
      if (request.signal.aborted) throw error;
      fault = error;
    }
    const pause = pauseAfter(answer, attempt, retries);
    if (pause === undefined) {
      if (answer) return answer;
      throw new Unavailable(`The service cannot be reached: ${String(fault)}`, { cause: fault });
    }
    await sleep(pause, request.signal);
  }
}

/** The data of an answer. Throws Refused, or Unavailable if the service was busy to the end. */
export function accepted<T>(found: { data?: T; error?: unknown; response: Response }): T {
  const { response } = found;
  if (response.ok) return found.data as T;
  const problem = (typeof found.error === "object" ? found.error : {}) as Partial<Problem>;
  const detail = problem.detail ?? String(found.error ?? response.statusText);
  if (response.status >= 500 || response.status === 429) {
    throw new Unavailable(`The service answers ${response.status}: ${detail}`);
  }
  throw new Refused(response.status, problem.code ?? "unknown", detail);
}
