// Who belongs to the cluster, as of the applied index. The truth is in the store under /0, because
// it must be in snapshots; this keeps the same in memory and changes both together
// (disk-format.md §6.3, cluster.md §9).

import { compareNodeIds, parseNodeId } from "@kv/raft/codec";
import type { NodeId } from "@kv/raft";
import { EtcdError, ErrorCode, type NodeExtern, type Store } from "@kv/store";
import { parseAttributes, parseRaftAttributes, raftAttributesJson } from "./member.ts";
import { MemberError, type Member } from "./server-api.ts";
import { ClusterDataError } from "./errors.ts";
import { isLowerRelease, isVersion } from "./versions.ts";

const MEMBERS = "/0/members";
const REMOVED = "/0/removed_members";
const VERSION = "/0/version";
const ATTRIBUTES_PATH = /^\/0\/members\/([0-9a-f]{1,16})\/attributes$/;

/** Where a member publishes its name and client URLs. */
export function attributesPath(id: NodeId): string {
  return `${MEMBERS}/${id}/attributes`;
}

/** Where the leader writes the cluster's version. */
export const VERSION_PATH: string = VERSION;

/** The membership of one cluster as one member has applied it. */
export class Cluster {
  readonly id: NodeId;
  readonly #store: Store;
  readonly #onVersion: (version: string, previous: string | null) => void;
  #members = new Map<NodeId, Member>();
  #removed = new Set<NodeId>();
  #version: string | null = null;
  #sorted: readonly Member[] | null = null;

  readonly #ownVersion: string;
  readonly #forgetsNewerVersions: boolean;

  /**
   * `onVersion` hears of each cluster version that is set, and of the one before. With `forgetsNewerVersions`
   * one that is above `ownVersion` counts as undecided, so that the next leader sets another.
   */
  constructor(
    id: NodeId,
    store: Store,
    options: {
      readonly onVersion: (version: string, previous: string | null) => void;
      readonly ownVersion: string;
      readonly forgetsNewerVersions: boolean;
    },
  ) {
    this.id = id;
    this.#store = store;
    this.#onVersion = options.onVersion;
    this.#ownVersion = options.ownVersion;
    this.#forgetsNewerVersions = options.forgetsNewerVersions;
  }

  /** `2.3.0`, or null while undecided. */
  get version(): string | null {
    return this.#version;
  }

  /** Ascending by numeric id. */
  members(): readonly Member[] {
    this.#sorted ??= [...this.#members.values()].toSorted((a, b) => compareNodeIds(a.id, b.id));
    return this.#sorted;
  }

  member(id: NodeId): Member | null {
    return this.#members.get(id) ?? null;
  }

  isRemoved(id: NodeId): boolean {
    return this.#removed.has(id);
  }

  /** Members that are known before any entry has been applied: those a joining or a new member was told of. */
  learn(members: readonly Member[]): void {
    for (const member of members) this.#put(member);
  }

  /** Reads everything anew from the store, after it was replaced. */
  recover(): void {
    this.#members = new Map();
    this.#removed = new Set();
    this.#sorted = null;
    for (const node of this.#children(MEMBERS)) {
      const member = memberOf(node);
      this.#members.set(member.id, member);
    }
    for (const node of this.#children(REMOVED)) this.#removed.add(idOf(node));
    const version = this.#valueOf(VERSION);
    this.#version = version === null ? null : this.#acceptVersion(version);
  }

  /** Whether an addition may be applied. @throws {MemberError} */
  checkAdd(member: Member): void {
    this.#checkNotRemoved(member.id);
    if (this.#stored(member.id)) throw new MemberError("E_ID_EXISTS", "etcdserver: ID exists");
    this.#checkUrlsFree(member);
  }

  /** Whether a removal may be applied. @throws {MemberError} */
  checkRemove(id: NodeId): void {
    this.#checkNotRemoved(id);
    if (!this.#stored(id)) throw new MemberError("E_ID_NOT_FOUND", "etcdserver: ID not found");
  }

  /** Whether new peer URLs may be applied. @throws {MemberError} */
  checkUpdate(member: Member): void {
    this.#checkNotRemoved(member.id);
    if (!this.#stored(member.id)) throw new MemberError("E_ID_NOT_FOUND", "etcdserver: ID not found");
    this.#checkUrlsFree(member);
  }

  /** One store index. */
  add(member: Member): void {
    this.#store.create(`${MEMBERS}/${member.id}/raftAttributes`, {
      dir: false,
      value: raftAttributesJson(member.peerUrls),
      unique: false,
      expiration: null,
    });
    // What a member published survives in memory when the log is replayed over a learned list.
    const known = this.#members.get(member.id);
    const named = member.name === "" && known !== undefined;
    this.#put(named ? { ...member, name: known.name, clientUrls: known.clientUrls } : member);
  }

  /** Two store indexes: the member goes, the memory of its removal comes. */
  remove(id: NodeId): void {
    this.#store.delete(`${MEMBERS}/${id}`, { dir: true, recursive: true });
    this.#store.create(`${REMOVED}/${id}`, { dir: false, value: "", unique: false, expiration: null });
    this.#members.delete(id);
    this.#removed.add(id);
    this.#sorted = null;
  }

  /** One store index. */
  updatePeerUrls(id: NodeId, peerUrls: readonly string[]): void {
    this.#store.update(`${MEMBERS}/${id}/raftAttributes`, {
      value: raftAttributesJson(peerUrls),
      expiration: null,
      refresh: false,
    });
    const known = this.#members.get(id);
    if (known !== undefined) this.#put({ ...known, peerUrls });
  }

  /**
   * Notices a plain PUT under /0 before it reaches the store.
   *
   * @returns false when nothing may be stored: the attributes of a removed member (2.3.8 drops them).
   * @throws {ClusterDataError} when the attributes cannot be read, or the cluster's version is above ours.
   */
  beforePut(path: string, value: string): boolean {
    if (path === VERSION) {
      const previous = this.#version;
      this.#version = this.#acceptVersion(value);
      if (this.#version !== null) this.#onVersion(value, previous);
      return true;
    }
    const id = ATTRIBUTES_PATH.exec(path)?.[1];
    if (id === undefined) return true;
    const nodeId = parseNodeId(id);
    if (this.#removed.has(nodeId)) return false;
    const attributes = parseAttributes(value);
    if (attributes === null) throw new ClusterDataError(`attributes of member ${id} are no JSON object`);
    const known = this.#members.get(nodeId);
    if (known !== undefined) this.#put({ ...known, ...attributes });
    return true;
  }

  /** What holds after `version` was set: a member must not serve a cluster whose features it does not have. */
  #acceptVersion(version: string): string | null {
    if (!isVersion(version)) throw new ClusterDataError(`the cluster version ${version} is none`);
    if (!isLowerRelease(this.#ownVersion, version)) return version;
    if (this.#forgetsNewerVersions) return null;
    throw new ClusterDataError(
      `cluster cannot be downgraded (current version: ${this.#ownVersion} is lower than determined cluster version: ${version})`,
    );
  }

  #put(member: Member): void {
    this.#members.set(member.id, member);
    this.#sorted = null;
  }

  #checkNotRemoved(id: NodeId): void {
    if (this.#valueOf(`${REMOVED}/${id}`) !== null) {
      throw new MemberError("E_ID_REMOVED", "etcdserver: ID removed");
    }
  }

  #checkUrlsFree(member: Member): void {
    for (const node of this.#children(MEMBERS)) {
      const other = memberOf(node);
      if (other.id === member.id) continue;
      if (other.peerUrls.some((url) => member.peerUrls.includes(url))) {
        throw new MemberError("E_PEER_URL_EXISTS", "etcdserver: peerURL exists");
      }
    }
  }

  #stored(id: NodeId): boolean {
    return this.#children(MEMBERS).some((node) => idOf(node) === id);
  }

  #children(path: string): readonly NodeExtern[] {
    return this.#get(path)?.nodes ?? [];
  }

  #valueOf(path: string): string | null {
    return this.#get(path)?.value ?? null;
  }

  #get(path: string): NodeExtern | null {
    try {
      return this.#store.get(path, { recursive: true, sorted: true }).node;
    } catch (error) {
      if (error instanceof EtcdError && error.errorCode === ErrorCode.KeyNotFound) return null;
      throw error;
    }
  }
}

function idOf(node: NodeExtern): NodeId {
  return parseNodeId(node.key.slice(node.key.lastIndexOf("/") + 1));
}

function memberOf(node: NodeExtern): Member {
  let member: Member = { id: idOf(node), name: "", peerUrls: [], clientUrls: [] };
  for (const child of node.nodes ?? []) {
    const name = child.key.slice(child.key.lastIndexOf("/") + 1);
    const value = child.value ?? "";
    if (name === "raftAttributes") {
      const peerUrls = parseRaftAttributes(value);
      if (peerUrls === null)
        throw new ClusterDataError(`raftAttributes of member ${member.id} are no JSON object`);
      member = { ...member, peerUrls };
    } else if (name === "attributes") {
      const attributes = parseAttributes(value);
      if (attributes === null)
        throw new ClusterDataError(`attributes of member ${member.id} are no JSON object`);
      member = { ...member, ...attributes };
    }
  }
  return member;
}
