// Finding the first members of a cluster through a token on a discovery service, which is a v2 key
// space: each member writes itself below the token and waits until as many as wanted have done so.
//
//   status (size, list) ─► register ─► see self ─► status ─► wait ─► name=url,…
//
// Spec: cluster.md §7; texts: server-flags.md §5.

import { parseInitialCluster, UrlError } from "@kv/server";
import { DiscoveryService } from "./discovery-service.ts";
import type { DiscoveryAnswer, DiscoveryNode } from "./discovery-service.ts";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** Where the token is and what finding members needs. */
export interface DiscoveryOptions {
  /** The token's URL, exactly as given: ids are computed from it. */
  readonly url: string;
  /** An HTTP proxy on the way to the service; null: none. */
  readonly proxy: string | null;
  readonly logger: Logger;
  /** Waits between attempts to reach the service. It must keep the process alive. */
  readonly pause: (delayMs: number) => Promise<void>;
}

/** Who registers: the own id, computed with the token's URL, and `name=url[,name=url]`. */
export interface Registration {
  readonly id: string;
  readonly cluster: string;
}

const SIZE_KEY = "/_config/size";
const CONFIG_NAME = "_config";
const ERROR_NODE_EXISTS = 105;
const ERROR_HISTORY_CLEARED = 401;
/** From the eighth on all pauses are equal: four minutes. */
const DOUBLINGS_MAX = 8;
const SECOND_MS = 1_000;

/**
 * Registers with the token and waits for the other members.
 *
 * @returns the initial cluster, `name=url,name=url`, in the order in which the members registered.
 * @throws {KvdError} `E_DISCOVERY_FULL`, `E_DISCOVERY_DUPLICATE_ID`, `E_DISCOVERY_DUPLICATE_NAME`, `E_DISCOVERY`
 */
export async function joinThroughDiscovery(
  options: DiscoveryOptions,
  registration: Registration,
): Promise<string> {
  await using discovery = new Discovery(options, registration.id);
  const before = await discovery.status();
  if (before.isFull) throw clusterIsFull();
  await discovery.register(registration.cluster);
  return await discovery.waitForMembers();
}

/**
 * Finds the members of a token without registering: what a proxy does.
 *
 * @returns as `joinThroughDiscovery`; the first members when there are more than wanted.
 * @throws {KvdError} `E_DISCOVERY_DUPLICATE_NAME`, `E_DISCOVERY`
 */
export async function readDiscovery(options: DiscoveryOptions): Promise<string> {
  await using discovery = new Discovery(options, null);
  const { isFull, nodes } = await discovery.status();
  return isFull ? clusterOf(nodes) : await discovery.waitForMembers();
}

interface Status {
  readonly size: number;
  /** By the order of registration; at most `size`. */
  readonly nodes: readonly DiscoveryNode[];
  /** There is no place left for this process. */
  readonly isFull: boolean;
  /** Of the list: what happens later has a greater index. */
  readonly etcdIndex: number;
}

/** One conversation with the service. */
class Discovery implements AsyncDisposable {
  readonly #service: DiscoveryService;
  readonly #options: DiscoveryOptions;
  /** null: a proxy, which does not register. */
  readonly #id: string | null;
  #failureCount = 0;

  constructor(options: DiscoveryOptions, id: string | null) {
    this.#service = new DiscoveryService(options.url, options.proxy);
    this.#options = options;
    this.#id = id;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#service.close();
  }

  /** The wanted size and who is registered; asks until the service answers. */
  async status(): Promise<Status> {
    for (;;) {
      const size = await this.#service.get(SIZE_KEY);
      if (size.kind === "unreachable") {
        await this.#pauseAfter(size.reason, "cluster status check");
        continue;
      }
      const wanted = sizeOf(size);
      const list = await this.#service.get("");
      if (list.kind === "unreachable") {
        await this.#pauseAfter(list.reason, "cluster status check");
        continue;
      }
      if (list.kind !== "event") throw refusal(list);
      return this.#statusOf(wanted, list.node.nodes, list.etcdIndex);
    }
  }

  /** Takes a place, once: whether a lost answer means a place is unknown, and asking again would find it taken. */
  async register(cluster: string): Promise<void> {
    const answer = await this.#service.create(`/${this.#id}`, cluster);
    if (answer.kind === "error" && answer.errorCode === ERROR_NODE_EXISTS) {
      throw new KvdError("E_DISCOVERY_DUPLICATE_ID", "discovery: found duplicate id");
    }
    if (answer.kind === "unreachable") throw new KvdError("E_DISCOVERY", answer.reason);
    if (answer.kind !== "event") throw refusal(answer);
    // The service may be several servers: go on with one that knows us.
    const seen = await this.#service.wait(`/${this.#id}`, {
      recursive: false,
      waitIndex: answer.node.createdIndex,
    });
    if (seen.kind === "unreachable") throw new KvdError("E_DISCOVERY", seen.reason);
    if (seen.kind !== "event") throw refusal(seen);
  }

  /** Waits until enough members are registered. */
  async waitForMembers(): Promise<string> {
    for (;;) {
      const status = await this.status();
      if (status.isFull) {
        if (this.#id !== null) throw clusterIsFull();
        return clusterOf(status.nodes);
      }
      const nodes = await this.#waitFrom(status);
      if (nodes !== null) return clusterOf(nodes);
    }
  }

  /** null: the wait was cut off, and what happened meanwhile must be looked up. */
  async #waitFrom(status: Status): Promise<readonly DiscoveryNode[] | null> {
    const nodes = [...status.nodes];
    for (const node of nodes) this.#logFound(node);
    let waitIndex = status.etcdIndex + 1;
    while (nodes.length < status.size) {
      this.#log(`found ${nodes.length} peer(s), waiting for ${status.size - nodes.length} more`);
      const answer = await this.#service.wait("", { recursive: true, waitIndex });
      if (answer.kind === "unreachable") {
        await this.#pauseAfter(answer.reason, "waiting for other nodes");
        return null;
      }
      if (answer.kind === "error" && answer.errorCode === ERROR_HISTORY_CLEARED) return null;
      if (answer.kind !== "event") throw refusal(answer);
      waitIndex = answer.node.modifiedIndex + 1;
      const { node } = answer;
      if (node.value === "" || nodes.some(({ key }) => key === node.key)) continue;
      nodes.push(node);
      this.#logFound(node);
    }
    this.#log(`found ${nodes.length} needed peer(s)`);
    return nodes;
  }

  #statusOf(size: number, listed: readonly DiscoveryNode[], etcdIndex: number): Status {
    const nodes = listed
      .filter((node) => nameOf(node) !== CONFIG_NAME)
      .toSorted((a, b) => a.createdIndex - b.createdIndex);
    const own = nodes.findIndex((node) => nameOf(node) === this.#id);
    const isFull = own < 0 ? nodes.length >= size : own >= size;
    return { size, nodes: nodes.slice(0, size), isFull, etcdIndex };
  }

  async #pauseAfter(reason: string, step: string): Promise<void> {
    const log = this.#options.logger.child({ pkg: "discovery" });
    this.#failureCount = Math.min(this.#failureCount + 1, DOUBLINGS_MAX);
    const seconds = 2 ** this.#failureCount;
    log.error(`error #0: ${reason}`);
    log.info(`${step}: error connecting to ${this.#service.origin}, retrying in ${seconds}s`);
    await this.#options.pause(seconds * SECOND_MS);
  }

  #logFound(node: DiscoveryNode): void {
    const name = nameOf(node);
    this.#log(`found ${name === this.#id ? "self" : "peer"} ${name} in the cluster`);
  }

  #log(message: string): void {
    this.#options.logger.child({ pkg: "discovery" }).notice(message);
  }
}

function sizeOf(answer: Exclude<DiscoveryAnswer, { kind: "unreachable" }>): number {
  if (answer.kind === "garbage") throw new KvdError("E_DISCOVERY", "discovery: bad discovery endpoint");
  if (answer.kind === "error") throw refusal(answer);
  const size = /^\+?\d{1,9}$/.test(answer.node.value) ? Number(answer.node.value) : 0;
  if (size < 1) throw new KvdError("E_DISCOVERY", "discovery: size key is bad");
  return size;
}

/** The values of all nodes in one string. */
function clusterOf(nodes: readonly DiscoveryNode[]): string {
  const cluster = nodes.map((node) => node.value).join(",");
  let nameCount: number;
  try {
    nameCount = parseInitialCluster(cluster).size;
  } catch (cause) {
    if (!(cause instanceof UrlError)) throw cause;
    throw new KvdError("E_DISCOVERY", "discovery: invalid URL", { cause });
  }
  if (nameCount === nodes.length) return cluster;
  throw new KvdError("E_DISCOVERY_DUPLICATE_NAME", "discovery: found duplicate name");
}

/** The last component of a key: for members their id. */
function nameOf(node: DiscoveryNode): string {
  return node.key.slice(node.key.lastIndexOf("/") + 1);
}

function clusterIsFull(): KvdError {
  return new KvdError("E_DISCOVERY_FULL", "discovery: cluster is full");
}

/** The service's own words. */
function refusal(answer: Extract<DiscoveryAnswer, { kind: "error" | "garbage" }>): KvdError {
  if (answer.kind === "garbage") return new KvdError("E_DISCOVERY", "client: response is invalid json");
  const { errorCode, message, cause, index } = answer;
  return new KvdError("E_DISCOVERY", `${errorCode}: ${message} (${cause}) [${index}]`);
}
