// Questions to a member that need no transport: who is in the cluster, and which versions run there.
// Used to join and by the version monitor. Spec: peer-protocol.md §1, §12.

import type { NodeId } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { createDispatcher, type PeerTlsSource } from "./dispatcher.ts";
import { TransportError } from "./errors.ts";
import { decodeMembersJson, type MemberInfo } from "./members-json.ts";
import { readText } from "./response-text.ts";
import { UNANNOUNCED_VERSION } from "./versions.ts";
import { parsePeerUrl } from "./url-picker.ts";

const ANSWER_LIMIT_BYTES = 1024 * 1024;
const NOT_DECIDED = "not_decided";

/** How to ask. */
export interface AskOptions {
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly tls?: PeerTlsSource | null;
  readonly signal?: AbortSignal;
}

/** A cluster as one of its members knows it. */
export interface RemoteCluster {
  readonly clusterId: NodeId;
  /** Ascending by id. */
  readonly members: readonly MemberInfo[];
}

/** What a member says about versions; `cluster` is null while none is decided. */
export interface RemoteVersions {
  readonly server: string;
  readonly cluster: string | null;
}

/**
 * Asks the member at `url` for the member list.
 *
 * @throws {TransportError} E_STATUS, E_FRAME, E_TOO_LARGE or E_URL; network errors and the reason of `signal` as they are.
 */
export async function fetchMembers(url: string, options: AskOptions): Promise<RemoteCluster> {
  const answer = await ask(url, "/members", options);
  if (answer.status !== 200) throw unexpected("/members", answer);
  return { clusterId: readClusterId(answer.clusterId), members: decodeMembersJson(answer.text) };
}

/**
 * Asks the member at `url` for its versions. A member that has no `/version` counts as 2.0.0.
 *
 * @throws as `fetchMembers`.
 */
export async function fetchVersion(url: string, options: AskOptions): Promise<RemoteVersions> {
  const answer = await ask(url, "/version", options);
  if (answer.status === 404) return { server: UNANNOUNCED_VERSION, cluster: UNANNOUNCED_VERSION };
  if (answer.status !== 200) throw unexpected("/version", answer);
  const server = /"etcdserver":"([^"\\]{1,64})"/.exec(answer.text)?.[1];
  const cluster = /"etcdcluster":"([^"\\]{1,64})"/.exec(answer.text)?.[1];
  if (server === undefined || cluster === undefined) {
    throw new TransportError("E_FRAME", "the answer to /version does not name both versions");
  }
  return { server, cluster: cluster === NOT_DECIDED ? null : cluster };
}

interface Answer {
  readonly status: number;
  readonly clusterId: string | null;
  readonly text: string;
}

async function ask(url: string, path: string, options: AskOptions): Promise<Answer> {
  const origin = parsePeerUrl(url);
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const dispatcher = createDispatcher({
    dialTimeoutMs: options.timeoutMs,
    tls: options.tls ?? null,
  });
  try {
    const response = await dispatcher.request({ origin, path, method: "GET", signal });
    const text = await readText(response.body, ANSWER_LIMIT_BYTES);
    const clusterId = response.headers["x-etcd-cluster-id"];
    return { status: response.statusCode, clusterId: typeof clusterId === "string" ? clusterId : null, text };
  } finally {
    await dispatcher.destroy();
  }
}

function readClusterId(text: string | null): NodeId {
  try {
    return parseNodeId(text ?? "");
  } catch (cause) {
    throw new TransportError("E_FRAME", "the answer to /members does not name the cluster", { cause });
  }
}

function unexpected(path: string, answer: Answer): TransportError {
  return new TransportError(
    "E_STATUS",
    `${path} was answered with ${answer.status}: ${answer.text.trim().slice(0, 200)}`,
  );
}
