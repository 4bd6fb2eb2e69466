/** Follows the events of all the caller's objects. */

import { accepted, type Wharf } from "./client.js";
import type { components, operations } from "./generated.js";
import { sleep } from "./retries.js";

const WAIT_SECONDS = 20;
/** The pause between two questions where the service does not wait. */
const ASK_AGAIN_SECONDS = 2;

export type FeedPage = components["schemas"]["FeedOut"];
type Query = NonNullable<operations["listEvents"]["parameters"]["query"]>;

export interface FollowOptions {
  /** `next_after` of the last page that was handled; or `latest`; left out, the oldest event. */
  after?: string;
  types?: components["schemas"]["EventType"][];
  kind?: NonNullable<Query["kind"]>;
  /** False to end at the newest event instead of waiting for more. */
  follow?: boolean;
  signal?: AbortSignal;
}

/**
 * Yields the pages of the feed, without end unless `follow` is false. Handle the items of a page, then keep
 * its `next_after`: a reader that begins there again misses no event.
 */
export async function* follow(wharf: Wharf, options: FollowOptions = {}): AsyncGenerator<FeedPage, void> {
  const { types, kind, signal = null } = options;
  const goesOn = options.follow ?? true;
  let after = options.after;
  for (;;) {
    const asked = Date.now();
    const query: Query = {};
    if (after !== undefined) query.after = after;
    if (types) query.types = types;
    if (kind !== undefined) query.kind = kind;
    if (goesOn) query.wait = WAIT_SECONDS;
    const page = accepted(await wharf.api.GET("/v1/events", { params: { query }, signal }));
    yield page;
    const isEnd = !page.has_more;
    if (isEnd && !goesOn) return;
    const wasFirst = after === undefined || after === "latest";
    after = page.next_after;
    if (isEnd && page.items.length === 0 && !wasFirst && Date.now() - asked < 1000) {
      await sleep(ASK_AGAIN_SECONDS, signal);
    }
  }
}
