/**
 * The transport between members.
 *
 * @module @kv/rafthttp
 */

// The transport
export { HttpTransport, type HttpTransportDeps, type HttpTransportOptions } from "./transport.ts";
export type { RaftReceiver } from "./receiver.ts";
export type { PeerDialect } from "./announcement.ts";
export type { PeerStats, SendingType } from "./stats.ts";
export { peerConnector, type PeerTls, type PeerTlsSource } from "./dispatcher.ts";
export { systemClock, type Clock } from "./clock.ts";
export { WarningLimiter, type LogFields, type Logger } from "./log.ts";
export { TransportError, type TransportErrorCode } from "./errors.ts";

// Questions to other members, and our answers to theirs
export {
  fetchMembers,
  fetchVersion,
  type AskOptions,
  type RemoteCluster,
  type RemoteVersions,
} from "./peer-client.ts";
export { encodeMembersJson, type MemberInfo } from "./members-json.ts";
export { compareMinorVersions, parseVersion, type Version } from "./versions.ts";
export { parsePeerUrl } from "./url-picker.ts";

// The HTTP seam
export {
  HttpBodyError,
  type HttpHandler,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
} from "./http.ts";
