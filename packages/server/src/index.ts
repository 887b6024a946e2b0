// The server
export { createMemoryServer, createServer, EtcdServer, type ServerDeps, type StopReason } from "./server.ts";
export { RELEASE, type Release, type ServerConfig } from "./config.ts";
export type { MemoryServerConfig } from "./memory.ts";
export type { LogFields, Logger } from "./logger.ts";
export { systemClock, type Clock } from "./clock.ts";
export type { DurationHistogram, ServerMetrics } from "./metrics.ts";
export type { SentAppends } from "./stats/sent-appends.ts";
export { StartError, type StartErrorCode } from "./errors.ts";

// What may be asked of it
export type {
  FollowerStats,
  Member,
  MemberErrorCode,
  RaftStatus,
  Result,
  SelfStats,
  Server,
} from "./server-api.ts";
export { MemberError } from "./server-api.ts";
export { newRequest, REQUEST_METHODS, type Request, type RequestMethod, type Uint64 } from "./request.ts";

// Its HTTP face
export { clientHandler, type ClientHandlerDeps } from "./http/client-handler.ts";
export { KeyMetrics, type CountedMethod, type KeyMethodMetrics } from "./http/key-metrics.ts";
export type { ProcessView } from "./http/process-view.ts";
export { withCors } from "./http/cors.ts";
export { listenKv as kvEngine } from "./http/engine/kv.ts";
export { listenNode as nodeEngine } from "./http/engine/node.ts";
export type { Engine, Listener, ListenOptions } from "./http/engine/engine.ts";

// Lists of URLs as etcd reads them, and the ids that are made from them
export { memberId } from "./member.ts";
export { parseInitialCluster, parseUrls, UrlError } from "./urls.ts";

// The disk it runs on
export { nodeFileSystem, type FileSystem } from "@kv/wal";
