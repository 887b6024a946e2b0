// What a member answers on /raft and below: who may talk to us, and what it gets.
// Spec: peer-protocol.md §1 to §3; the order of the checks is the one of 2.3.8.

import { MessageType, type Message, type NodeId } from "@kv/raft";
import { decodeMessage, parseNodeId } from "@kv/raft/codec";
import { ANNOUNCEMENT, ANNOUNCEMENT_HEADER, dialectOf } from "./announcement.ts";
import type { TransportContext } from "./context.ts";
import { MESSAGE_LIMIT_BYTES, type StreamKind } from "./frames.ts";
import {
  HttpBodyError,
  type HttpHandler,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
} from "./http.ts";
import type { WarningLimiter } from "./log.ts";
import { MergedSnapshotReader } from "./merged-snapshot.ts";
import type { Peer } from "./peer.ts";
import { probeAnswer } from "./probing.ts";
import { deliver } from "./receiver.ts";
import { areCompatible, UNANNOUNCED_VERSION } from "./versions.ts";

const STREAM_PREFIX = "/raft/stream/";
const OUR_ANNOUNCEMENT: readonly [string, string] = [ANNOUNCEMENT_HEADER, ANNOUNCEMENT];

/** The members that a handler can tell apart. */
export interface PeerDirectory {
  peer(id: NodeId): Peer | null;
  /** Ignores what is not a URL. */
  addRemote(id: NodeId, urls: readonly string[]): void;
}

/** Answers /raft, /raft/stream/…, /raft/snapshot and /raft/probing; 404 for everything else. */
export function raftHandler(
  context: TransportContext,
  directory: PeerDirectory,
  warnings: WarningLimiter,
): HttpHandler {
  return (request) => {
    switch (request.path) {
      case "/raft":
        return postMessage(context, directory, warnings, request);
      case "/raft/snapshot":
        return postMergedSnapshot(context, directory, warnings, request);
      case "/raft/probing":
        return textResponse(200, probeAnswer(context.clock.unixMs()));
      default:
        if (request.path.startsWith(STREAM_PREFIX)) return openStream(context, directory, warnings, request);
        return refuse(404, "404 page not found");
    }
  };
}

async function postMessage(
  context: TransportContext,
  directory: PeerDirectory,
  warnings: WarningLimiter,
  request: HttpRequest,
): Promise<HttpResponse> {
  if (request.method !== "POST") return notAllowed("POST");
  const headers: HttpHeaders = [["X-Etcd-Cluster-ID", context.clusterId], OUR_ANNOUNCEMENT];
  const refusal = checkSender(context, warnings, request, headers);
  if (refusal !== null) return refusal;
  hearSender(directory, request);

  let body: Uint8Array;
  try {
    body = ownBytes(await request.body(MESSAGE_LIMIT_BYTES));
  } catch (error) {
    if (!(error instanceof HttpBodyError)) throw error;
    return refuse(400, "error reading raft message", headers);
  }
  let message: Message;
  try {
    message = decodeMessage(body);
  } catch (error) {
    warnings.warn("posted message cannot be read", {
      address: request.remote.address,
      reason: reasonOf(error),
    });
    return refuse(400, "error unmarshaling raft message", headers);
  }
  return processMessage(context, warnings, message, body.length, headers);
}

// Only members with v3 storage send these: a message, then a database that has no meaning for us.
async function postMergedSnapshot(
  context: TransportContext,
  directory: PeerDirectory,
  warnings: WarningLimiter,
  request: HttpRequest,
): Promise<HttpResponse> {
  if (request.method !== "POST") return notAllowed("POST");
  const headers: HttpHeaders = [["X-Etcd-Cluster-ID", context.clusterId], OUR_ANNOUNCEMENT];
  const refusal = checkSender(context, warnings, request, headers);
  if (refusal !== null) return refusal;
  hearSender(directory, request);

  const snapshot = new MergedSnapshotReader(request.chunks);
  let message: Message;
  try {
    message = await snapshot.readMessage();
  } catch (error) {
    return refuse(400, `failed to decode raft message (${reasonOf(error)})`, headers);
  }
  if (message.type !== MessageType.Snap) return refuse(400, "wrong raft message type", headers);
  try {
    await snapshot.skipDatabase();
  } catch (error) {
    return refuse(500, `failed to save database snapshot (${reasonOf(error)})`, headers);
  }
  return processMessage(context, warnings, message, snapshot.messageBytes, headers);
}

function processMessage(
  context: TransportContext,
  warnings: WarningLimiter,
  message: Message,
  sizeBytes: number,
  headers: HttpHeaders,
): HttpResponse {
  let refusal: string | null;
  try {
    refusal = deliver(context, message, sizeBytes);
  } catch (error) {
    refusal = reasonOf(error);
  }
  switch (refusal) {
    case null:
    case "internal": // as 2.3.8 answers an empty body, which is a Hup
      return { status: 204, headers, body: null };
    case "removed":
      // 2.3.8 means to answer this, but answers 500. It makes an etcd 2.x sender stop for good, as it must.
      return {
        status: 403,
        headers: [...headers, ["Content-Type", "application/json"]],
        body: '{"message":"cannot process message from removed member"}',
      };
    default:
      warnings.warn("posted message was not processed", {
        from: message.from,
        to: message.to,
        reason: refusal,
      });
      return refuse(500, "error processing raft message", headers);
  }
}

function openStream(
  context: TransportContext,
  directory: PeerDirectory,
  warnings: WarningLimiter,
  request: HttpRequest,
): HttpResponse {
  if (request.method !== "GET") return notAllowed("GET");
  const headers: HttpHeaders = [
    ["X-Server-Version", context.versions.server],
    ["X-Etcd-Cluster-ID", context.clusterId],
    OUR_ANNOUNCEMENT,
  ];
  const refusal = checkSender(context, warnings, request, headers);
  if (refusal !== null) return refusal;

  const slash = request.path.lastIndexOf("/");
  const kind = streamKind(request.path.slice(STREAM_PREFIX.length, slash));
  if (kind === null) return refuse(404, "invalid path", headers); // also the first stream version, as in 2.3
  const from = readNodeId(request.path.slice(slash + 1));
  if (from === null) return refuse(404, "invalid from", headers);
  if (context.receiver.isRemoved(from)) return refuse(410, "removed member", headers);
  const peer = directory.peer(from);
  if (peer === null) {
    const urls = request.header("x-peerurls") ?? "";
    if (urls !== "") directory.addRemote(from, urls.split(","));
    return refuse(404, "error sender not found", headers);
  }
  if (request.header("x-raft-to") !== context.id) return refuse(412, "to field mismatch", headers);
  const dialect = dialectOf(request.header(ANNOUNCEMENT_HEADER));
  return { status: 200, headers, body: peer.attach(kind, dialect, request.signal) };
}

// The sender of a post names itself; who does not is left to its streams.
function hearSender(directory: PeerDirectory, request: HttpRequest): void {
  const from = readNodeId(request.header("x-server-from") ?? "");
  if (from !== null) directory.peer(from)?.heard(dialectOf(request.header(ANNOUNCEMENT_HEADER)));
}

// Version first, then cluster: checks 2 and 3 of every request.
function checkSender(
  context: TransportContext,
  warnings: WarningLimiter,
  request: HttpRequest,
  headers: HttpHeaders,
): HttpResponse | null {
  const server = request.header("x-server-version") ?? UNANNOUNCED_VERSION;
  const minCluster = request.header("x-min-cluster-version") ?? UNANNOUNCED_VERSION;
  const address = request.remote.address;
  if (!areCompatible(context.versions, { server, minCluster })) {
    warnings.warn("request from an incompatible member was refused", { address, server, minCluster });
    return refuse(412, "incompatible version", headers);
  }
  const clusterId = request.header("x-etcd-cluster-id") ?? "";
  if (clusterId !== context.clusterId) {
    warnings.warn("request from another cluster was refused", { address, clusterId });
    return refuse(412, "cluster ID mismatch", headers);
  }
  return null;
}

function streamKind(name: string): StreamKind | null {
  return name === "msgapp" || name === "message" ? name : null;
}

function readNodeId(text: string): NodeId | null {
  try {
    return parseNodeId(text);
  } catch {
    return null; // the only thing that can be wrong is the text
  }
}

// A small body may be a view of a large buffer of the engine; its entries live long (architecture §6.5).
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function notAllowed(method: string): HttpResponse {
  return refuse(405, "Method Not Allowed", [["Allow", method]]);
}

function refuse(status: number, message: string, headers: HttpHeaders = []): HttpResponse {
  return textResponse(status, `${message}\n`, [...headers, ["X-Content-Type-Options", "nosniff"]]);
}

function textResponse(status: number, body: string, headers: HttpHeaders = []): HttpResponse {
  return { status, headers: [...headers, ["Content-Type", "text/plain; charset=utf-8"]], body };
}
