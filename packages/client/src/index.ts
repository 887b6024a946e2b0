/**
 * The client, the recipes and their errors.
 *
 * @module @kv/client
 */

// The client
export { Client } from "./client.ts";
export type { ClientOptions } from "./client.ts";
export { parseEndpoint } from "./endpoints.ts";
export type { EndpointOrder } from "./endpoints.ts";

// Calls
export type { Auth, NewUser, UserChange } from "./auth.ts";
export type {
  Compare,
  DeleteOptions,
  GetOptions,
  InOrderOptions,
  KeyResult,
  Keys,
  SetOptions,
  WriteOptions,
} from "./keys.ts";
export type { Members } from "./members.ts";
export type { RequestOptions, SentRequest, TimeoutCovers } from "./requester.ts";
export type { RaftPosition, ServerOptions, Stats } from "./stats.ts";
export type { Value } from "./percent-encoding.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";

export type { FollowEvent, FollowOptions, KeyState } from "./follow.ts";

// Recipes
export { Cache } from "./recipes/cache.ts";
export type { CachedFile } from "./recipes/cache.ts";
export { Counter } from "./recipes/counter.ts";
export { campaign, leader, leaders } from "./recipes/election.ts";
export type { Leader } from "./recipes/election.ts";
export { lock } from "./recipes/lock.ts";
export type { Lock, LockOptions } from "./recipes/lock.ts";
export { Queue } from "./recipes/queue.ts";
export type { QueueItem, QueueOptions } from "./recipes/queue.ts";
export { register } from "./recipes/register.ts";
export type { RegisterOptions, Registration } from "./recipes/register.ts";

// Answers
export type { Permissions, Role, User } from "./auth-schemas.ts";
export type {
  Action,
  FollowerStats,
  KeyEvent,
  LeaderStats,
  Member,
  Node,
  SelfStats,
  StoreStats,
  Version,
} from "./schemas.ts";

// Errors
export { ClientError, ERROR_TABLE, EtcdError, EtcdErrorCode } from "./errors.ts";
export type { Attempt, ClientErrorCode, ErrorTableRow, EtcdErrorFields } from "./errors.ts";

// For those who bring their own transport or clock
export { connectionError } from "./transport.ts";
export type { TlsOptions, Transport, TransportRequest, TransportResponse } from "./transport.ts";
export type { Clock } from "./clock.ts";
