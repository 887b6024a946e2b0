// The store and what it takes.
export { Store } from "./store.ts";
export type {
  CompareAndSwapOptions,
  Condition,
  CreateOptions,
  DeleteOptions,
  GetOptions,
  SetOptions,
  StoreOptions,
  UpdateOptions,
  WatchOptions,
} from "./options.ts";

// What it answers.
export { StoreEvent } from "./event.ts";
export type { Action } from "./event.ts";
export type { NodeExtern, Now } from "./node-extern.ts";
export { WATCHER_QUEUE_LIMIT } from "./watcher.ts";
export type { Watcher } from "./watcher.ts";
export { HISTORY_CAPACITY } from "./event-history.ts";
export type { StoreStats } from "./stats.ts";
export type { FrozenStore } from "./freeze.ts";
export { Listing } from "./listing.ts";
export type { ListingSink } from "./listing.ts";
export type { NodeFields } from "./picture.ts";

// Errors.
export { ErrorCode, EtcdError, messageOf, statusOf, StoreDataError } from "./errors.ts";
export type { StoreDataErrorCode } from "./errors.ts";

// Text, paths and times as etcd has them.
export { bytesToText, compareText, textToBytes } from "./text.ts";
export { quoteJson } from "./quote-json.ts";
export { cleanPath, MAX_PATH_DEPTH } from "./path.ts";
export { formatTimestamp } from "./timestamp.ts";
export type { UnixNanos } from "./timestamp.ts";
