/** Decides when to try again. Every request of this client may be repeated. */

export interface Retries {
  attempts: number;
  /** The first pause; each next one is at most twice as long. */
  firstSeconds: number;
  longestSeconds: number;
  /** A `Retry-After` above this is an error at once. */
  patienceSeconds: number;
}

export const RETRIES: Retries = { attempts: 6, firstSeconds: 0.5, longestSeconds: 20, patienceSeconds: 120 };

const BUSY = new Set([429, 500, 502, 503, 504]);

export function isBusy(status: number): boolean {
  return BUSY.has(status);
}

/** The seconds of a `Retry-After` header (RFC 9110), which may be a number or a date. */
export function retryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const until = Date.parse(value);
  return Number.isNaN(until) ? undefined : Math.max(0, (until - Date.now()) / 1000);
}

/**
 * How long to wait before the next attempt; undefined if there is none. `attempt` counts from 1, and
 * without an `answer` the connection was broken.
 */
export function pauseAfter(answer: Response | undefined, attempt: number, retries: Retries): number | undefined {
  if (answer && !isBusy(answer.status)) return undefined;
  if (attempt >= retries.attempts) return undefined;
  const longest = Math.min(retries.firstSeconds * 2 ** (attempt - 1), retries.longestSeconds);
  const pause = longest * (0.5 + Math.random() / 2);
  const asked = answer && retryAfter(answer.headers);
  if (asked === undefined) return pause;
  return asked <= retries.patienceSeconds ? Math.max(asked, pause) : undefined;
}

/** Resolves after some seconds; rejects at once when the signal aborts. */
export function sleep(seconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
