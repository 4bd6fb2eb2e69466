/**
 * The TypeScript client of Wharf, for browsers and Node 20.
 *
 * `createWharf` gives every operation with its types; `upload`, `wait` and `follow` do what takes
 * more than one request.
 */

export { accepted, createWharf, Refused, Unavailable, type Options, type Wharf } from "./client.js";
export { download } from "./download.js";
export { follow, type FollowOptions } from "./feed.js";
export { create, type CreateObject } from "./objects.js";
export type { components, operations, paths } from "./generated.js";
export type { Event, StoredObject } from "./models.js";
export { StorageRefused, upload, type Upload } from "./upload.js";
export { ObjectNotReady, TimedOut, wait } from "./wait.js";
