// The client
export { Client } from "./client.ts";
export type { ClientOptions } from "./client.ts";
export { parseEndpoint } from "./endpoints.ts";
export type { EndpointOrder } from "./endpoints.ts";

// Calls
export type {
  Compare,
  DeleteOptions,
  GetOptions,
  KeyResult,
  Keys,
  SetOptions,
  WriteOptions,
} from "./keys.ts";
export type { Members } from "./members.ts";
export type { RequestOptions, SentRequest } from "./requester.ts";
export type { ServerOptions, Stats } from "./stats.ts";
export type { Value } from "./percent-encoding.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";

// Answers
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
