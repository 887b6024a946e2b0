// Committed entries become changes of the store and of the membership, and answers for those who
// wait. Everything here is a function of the entries alone: no clock, no randomness, or the
// replicas would differ (architecture §7, invariant 6; disk-format.md §6).
//
// Hot path: one call per committed entry.

import { ConfChangeType, EntryType, NONE, type ConfChange, type Entry, type NodeId } from "@kv/raft";
import { EtcdError, type Listing, type Store, type StoreEvent } from "@kv/store";
import { assert } from "./assert.ts";
import type { Cluster } from "./cluster.ts";
import type { IdGenerator } from "./id-generator.ts";
import { decodeMemberContext } from "./member.ts";
import { decodeRequest, peekRequestId } from "./request-codec.ts";
import type { Request } from "./request.ts";
import { MemberError, resultOf, type Member, type Result } from "./server-api.ts";
import type { Wait, Waiter } from "./wait.ts";

/** What the network must follow, and who must stop. */
export interface MembershipObserver {
  memberAdded(member: Member): void;
  memberUpdated(member: Member): void;
  memberRemoved(id: NodeId): void;
}

/** An applied configuration change as its proposer learns of it. */
export type ConfChangeOutcome = MemberError | null;

export interface ApplierDeps {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly ids: IdGenerator;
  readonly requests: Pick<Wait<Request, Result>, "take">;
  /** Keyed by the id in hex, as configuration changes print it. */
  readonly confChanges: Map<string, (outcome: ConfChangeOutcome) => void>;
  readonly members: MembershipObserver;
  /** Called once per process for an entry that is no v2 request; it changes nothing. */
  readonly onForeignEntry: (index: number) => void;
}

/** Applies entries in order. `index` and `term` are those of the last one. */
export class Applier {
  index: number;
  term: number;
  readonly #deps: ApplierDeps;
  readonly #idHalves = new Uint32Array(2);

  constructor(deps: ApplierDeps, applied: { readonly index: number; readonly term: number }) {
    this.#deps = deps;
    this.index = applied.index;
    this.term = applied.term;
  }

  /** Normal entries. @throws what makes going on impossible; refused requests go to those who wait. */
  apply(entries: readonly Entry[]): void {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry !== undefined) this.#advance(entry);
      if (entry?.type === EntryType.Normal && entry.data !== null && entry.data.length > 0) {
        this.#applyRequest(entry.index, entry.data);
      }
    }
  }

  /**
   * A configuration change at its place in the log. A change that is not allowed is neutralised: the
   * same one with node id 0, on every member alike.
   */
  applyConfChange(change: ConfChange): ConfChange {
    const outcome = this.#changeMembership(change);
    const waiting = this.#deps.confChanges.get(change.id);
    this.#deps.confChanges.delete(change.id);
    waiting?.(outcome);
    return outcome === null ? change : { ...change, nodeId: NONE };
  }

  /** Starts over from a snapshot that has been loaded into the store. */
  restored(applied: { readonly index: number; readonly term: number }): void {
    this.index = applied.index;
    this.term = applied.term;
  }

  #advance(entry: Entry): void {
    assert(entry.index === this.index + 1, "entries are applied in order and without gaps");
    this.index = entry.index;
    this.term = entry.term;
  }

  #applyRequest(index: number, data: Uint8Array): void {
    const halves = this.#idHalves;
    const suffix = peekRequestId(data, halves)
      ? this.#deps.ids.ownSuffix(halves[0] ?? 0, halves[1] ?? 0)
      : -1;
    const waiter = suffix < 0 ? null : this.#deps.requests.take(suffix);
    // The one who waits holds the request already: its bytes decode to the same (request-codec.test.ts).
    const request = waiter?.value ?? decodeRequest(data);
    if (request === null) {
      this.#deps.onForeignEntry(index);
      return;
    }
    this.#carryOut(request, waiter);
    // Reads that share the entry: they change nothing but this member's counters.
    if (waiter !== null && waiter.joined !== null)
      for (const reader of waiter.joined) this.#carryOut(reader.value, reader);
  }

  #carryOut(request: Request, waiter: Waiter<Request, Result> | null): void {
    let done: StoreEvent | Listing | null = null;
    try {
      // A read is no work for those who do not wait for it, but all members count it.
      if (waiter === null && request.method === "QGET") this.#deps.store.countRead(request.path);
      else done = this.#dispatch(request);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      waiter?.reject(error);
      return;
    }
    if (done !== null) waiter?.resolve(resultOf(done));
  }

  #dispatch(request: Request): StoreEvent | Listing | null {
    const { store } = this.#deps;
    switch (request.method) {
      case "PUT":
        return this.#put(request);
      case "POST":
        return store.create(request.path, {
          dir: request.dir,
          value: request.val,
          unique: true,
          expiration: expirationOf(request),
        });
      case "DELETE":
        return request.prevIndex !== 0 || request.prevValue !== ""
          ? store.compareAndDelete(request.path, {
              prevValue: request.prevValue,
              prevIndex: request.prevIndex,
            })
          : store.delete(request.path, { dir: request.dir, recursive: request.recursive });
      case "QGET":
        return store.read(request.path, { recursive: request.recursive, sorted: request.sorted });
      case "SYNC":
        store.deleteExpired(request.time);
        return null;
      case "GET":
      case "HEAD":
        break; // never proposed; nothing would change if someone did
    }
    return null;
  }

  #put(request: Request): StoreEvent | null {
    const { store, cluster } = this.#deps;
    const { path, prevExist, prevValue, prevIndex, val: value, dir } = request;
    const expiration = expirationOf(request);
    const refresh = request.refresh === true;
    if (prevExist === false) return store.create(path, { dir, value, unique: false, expiration });
    if (prevIndex !== 0 || prevValue !== "") {
      return store.compareAndSwap(path, { prevValue, prevIndex, value, expiration, refresh });
    }
    if (prevExist === true) return store.update(path, { value, expiration, refresh });
    if (path.startsWith("/0/") && !cluster.beforePut(path, value)) return null;
    return store.set(path, { dir, value, expiration, refresh });
  }

  #changeMembership(change: ConfChange): ConfChangeOutcome {
    try {
      switch (change.type) {
        case ConfChangeType.AddNode:
        case ConfChangeType.AddLearner:
          return this.#addMember(change);
        case ConfChangeType.UpdateNode:
          return this.#updateMember(change);
        case ConfChangeType.RemoveNode:
          this.#deps.cluster.checkRemove(change.nodeId);
          this.#deps.cluster.remove(change.nodeId);
          this.#deps.members.memberRemoved(change.nodeId);
      }
      return null;
    } catch (error) {
      if (error instanceof MemberError) return error;
      throw error;
    }
  }

  #addMember(change: ConfChange): ConfChangeOutcome {
    const member = contextOf(change);
    this.#deps.cluster.checkAdd(member);
    this.#deps.cluster.add(member);
    this.#deps.members.memberAdded(member);
    return null;
  }

  #updateMember(change: ConfChange): ConfChangeOutcome {
    const member = contextOf(change);
    this.#deps.cluster.checkUpdate(member);
    this.#deps.cluster.updatePeerUrls(member.id, member.peerUrls);
    this.#deps.members.memberUpdated(member);
    return null;
  }
}

function expirationOf(request: Request): bigint | null {
  return request.expiration === 0n ? null : request.expiration;
}

function contextOf(change: ConfChange): Member {
  const member = change.context === null ? null : decodeMemberContext(change.context);
  // A change that came through the log is refused by every member alike, never a reason to crash.
  if (member === null || member.id !== change.nodeId) {
    throw new MemberError("E_BAD_CONTEXT", "etcdserver: configuration change does not describe its member");
  }
  return member;
}
