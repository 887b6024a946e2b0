// The v2 store: what each operation checks, changes and tells. Open this file first.
//
//   request ─► Store ─► Tree          nodes, TTL order
//                 ├───► EventHistory  the last 1000 events
//                 └───► WatcherHub    who waits
//
// Source: client-api.md §3 (the rules), §18 (where we differ from 2.3.8 on purpose). Hot path.

import { EtcdError, ErrorCode } from "./errors.ts";
import { StoreEvent, type Action } from "./event.ts";
import { EventHistory } from "./event-history.ts";
import { FrozenStore } from "./freeze.ts";
import { isLarge, Listing } from "./listing.ts";
import { isHiddenName, newDirectory, pathOf, type StoreNode } from "./node.ts";
import { expandedExternOf, externOf, type NodeExtern, type Now } from "./node-extern.ts";
import type {
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
import { cleanPath } from "./path.ts";
import { readSnapshot } from "./snapshot-reader.ts";
import { newStats, type StoreStats } from "./stats.ts";
import type { UnixNanos } from "./timestamp.ts";
import { pathsBelow, Tree, type Place } from "./tree.ts";
import { QueuedWatcher, type Watcher } from "./watcher.ts";
import { WatcherHub } from "./watcher-hub.ts";

/** Earlier instants mean "permanent" to set and create: 2000-01-01T00:00:00Z. */
const EARLIEST_EXPIRATION = 946_684_800_000_000_000n;

/** Descendants of a removed directory that the history remembers by name; above, it counts all as existing. */
const REMEMBERED_PATHS_MAX = 10_000;

const PLAIN = { refresh: false };

/**
 * The replicated tree of one member: files and directories with indexes, TTLs, conditions, history and
 * watches, exactly as etcd 2.3.8 keeps them.
 *
 * Synchronous. `index` grows by exactly one with every successful write and every expired node. The same
 * calls in the same order give the same state on every member: no clock and no iteration order enters it.
 * Paths include the namespace (`/1/foo`) and are cleaned. A refused call changes nothing but a counter.
 *
 * Every operation throws {@link EtcdError}; codes by operation are in the README.
 */
export class Store {
  readonly #now: Now;
  readonly #readOnly: ReadonlySet<string>;
  readonly #hub = new WatcherHub();
  #tree = new Tree();
  #history = new EventHistory();
  #stats = newStats();
  #index = 0;
  /** `CurrentVersion` of snapshots: the version of their layout, 2. */
  #version = 2;

  constructor(options: StoreOptions) {
    this.#now = options.now;
    const namespaces = (options.namespaces ?? []).map(cleanPath);
    this.#readOnly = new Set(["/", ...namespaces]);
    for (const path of namespaces) {
      this.#tree.root.children?.set(path.slice(1), newDirectory(path.slice(1), this.#tree.root, 0));
    }
  }

  /** The number of successful writes and expirations so far: `X-Etcd-Index`. */
  get index(): number {
    return this.#index;
  }

  /** Reads a file, or a directory with its visible children. */
  get(rawPath: string, options: GetOptions): StoreEvent {
    const path = cleanPath(rawPath);
    return this.#eventOf(this.#findToRead(path), path, options);
  }

  /**
   * As {@link get}, but a directory of which much is shown comes as a listing, to be walked in slices while the store
   * goes on. Walk it or close it.
   */
  read(rawPath: string, { recursive, sorted }: GetOptions): StoreEvent | Listing {
    const path = cleanPath(rawPath);
    const node = this.#findToRead(path);
    const options = { path, recursive, sorted };
    return isLarge(node, recursive)
      ? new Listing(this.#tree, node, this.#index, options, this.#now)
      : this.#eventOf(node, path, options);
  }

  /** The names of the visible children of a directory, in no order; none for a file. Counts as a read. */
  names(rawPath: string): string[] {
    const { children } = this.#findToRead(cleanPath(rawPath));
    return [...(children?.keys() ?? [])].filter((name) => !isHiddenName(name));
  }

  /** Counts a read that nobody here waits for, as {@link get} would, without its work. */
  countRead(rawPath: string): void {
    this.#findToRead(cleanPath(rawPath));
  }

  /** The value of the file at a clean path; null when there is none. Counts as no read. */
  peek(path: string): string | null {
    const { node } = this.#tree.locate(path, this.#index);
    return node === null || node.isDirectory ? null : node.value;
  }

  /** Writes a file, or creates a directory (also in place of a file). */
  set(rawPath: string, options: SetOptions): StoreEvent {
    const path = cleanPath(rawPath);
    const { dir, refresh } = options;
    if (this.#readOnly.has(path)) throw this.#refuse("setsFail", ErrorCode.RootReadOnly, "/");
    const place = this.#locate(path, "setsFail");
    const old = place.node;
    if (old === null && refresh) this.#find(path, "setsFail");
    if (old?.isDirectory === true) throw this.#refuse("setsFail", ErrorCode.NotAFile, path);

    const index = this.#index + 1;
    const prevNode = old === null ? null : externOf(old, path, this.#now);
    const value = refresh && old !== null ? old.value : options.value;
    const expiration = permanentIfAncient(options.expiration);
    this.#stats.setsSuccess++;
    if (old !== null && !dir) {
      this.#tree.replaceFile(old, value, expiration, index);
      return this.#record("set", externOf(old, path, this.#now), prevNode, refresh);
    }
    if (old !== null) this.#tree.remove(old);
    const node = this.#tree.add(place, path, { dir, value, expiration }, index);
    return this.#record("set", externOf(node, path, this.#now), prevNode, refresh);
  }

  /** Creates a file or directory that must not exist. */
  create(rawPath: string, options: CreateOptions): StoreEvent {
    const index = this.#index + 1;
    const path = cleanPath(options.unique ? `${rawPath}/${inOrderName(index)}` : rawPath);
    if (this.#readOnly.has(path)) throw this.#refuse("createFail", ErrorCode.RootReadOnly, "/");
    const place = this.#locate(path, "createFail");
    if (place.node !== null) throw this.#refuse("createFail", ErrorCode.KeyExists, path);

    const { dir, value } = options;
    const expiration = permanentIfAncient(options.expiration);
    const node = this.#tree.add(place, path, { dir, value, expiration }, index);
    this.#stats.createSuccess++;
    return this.#record("create", externOf(node, path, this.#now), null, false);
  }

  /** Writes an existing file, or gives an existing directory another TTL. */
  update(rawPath: string, options: UpdateOptions): StoreEvent {
    const path = cleanPath(rawPath);
    if (this.#readOnly.has(path)) throw this.#refuse("updateFail", ErrorCode.RootReadOnly, "/");
    const node = this.#find(path, "updateFail");
    if (node.isDirectory && options.value !== "") throw this.#refuse("updateFail", ErrorCode.NotAFile, path);
    this.#stats.updateSuccess++;
    return this.#overwrite("update", node, path, options);
  }

  /** Writes an existing file if the condition holds. */
  compareAndSwap(rawPath: string, options: CompareAndSwapOptions): StoreEvent {
    const path = cleanPath(rawPath);
    if (this.#readOnly.has(path)) throw this.#refuse("compareAndSwapFail", ErrorCode.RootReadOnly, "/");
    const node = this.#findMatching(path, options, "compareAndSwapFail");
    this.#stats.compareAndSwapSuccess++;
    return this.#overwrite("compareAndSwap", node, path, options);
  }

  /** Removes a file, or a directory if the options allow it. */
  delete(rawPath: string, options: DeleteOptions): StoreEvent {
    const path = cleanPath(rawPath);
    if (this.#readOnly.has(path)) throw this.#refuse("deleteFail", ErrorCode.RootReadOnly, "/");
    const node = this.#find(path, "deleteFail");
    if (node.children !== null) {
      if (!options.dir && !options.recursive) throw this.#refuse("deleteFail", ErrorCode.NotAFile, path);
      if (node.children.size > 0 && !options.recursive) {
        throw this.#refuse("deleteFail", ErrorCode.DirectoryNotEmpty, path);
      }
    }
    this.#stats.deleteSuccess++;
    return this.#remove("delete", node, path);
  }

  /** Removes a file if the condition holds. */
  compareAndDelete(rawPath: string, options: Condition): StoreEvent {
    const path = cleanPath(rawPath);
    const node = this.#findMatching(path, options, "compareAndDeleteFail");
    this.#stats.compareAndDeleteSuccess++;
    return this.#remove("compareAndDelete", node, path);
  }

  /**
   * Removes every node whose instant is not after `cutoff`, earliest first, one index and one event each.
   *
   * Nothing else expires keys: `cutoff` is the leader's clock, carried by the log.
   */
  deleteExpired(cutoff: UnixNanos): void {
    for (;;) {
      const node = this.#tree.expiring.top();
      if (node === null || node.expiration === null || node.expiration > cutoff) return;
      this.#stats.expireCount++;
      this.#remove("expire", node, pathOf(node));
    }
  }

  /**
   * Watches a key, whether it exists or not. Kept events from `since` on come first: all of them for a
   * stream, else the first one.
   *
   * @throws {EtcdError} 401 if `since` is older than the history.
   */
  watch(rawPath: string, options: WatchOptions): Watcher {
    const path = cleanPath(rawPath);
    const { recursive, stream } = options;
    const since = Number(options.since) === 0 ? this.#index + 1 : Number(options.since);
    const limit = stream ? Number.MAX_SAFE_INTEGER : 1;
    const backlog = this.#history.scan(path, { recursive, since, limit }, this.#index);
    const watcher = new QueuedWatcher(path, { recursive, stream, since }, this.#index, backlog, this.#hub);
    if (!watcher.ended) this.#hub.add(watcher);
    return watcher;
  }

  /**
   * Takes a picture of the store as it is now, in constant time. Later writes do not show in it; until it
   * has been encoded or closed, each of them first saves what it overwrites.
   */
  freeze(): FrozenStore {
    return new FrozenStore(this.#tree, {
      index: this.#index,
      version: this.#version,
      history: this.#history.state(),
      stats: { ...this.#stats },
    });
  }

  /**
   * Replaces everything by a snapshot of etcd 2.x or of ourselves. All watchers end.
   *
   * @throws {StoreDataError} if `data` is not a snapshot; the store is unchanged then.
   */
  recover(data: Uint8Array): void {
    const state = readSnapshot(data);
    const tree = new Tree(state.root);
    const history = new EventHistory(state.history);
    this.#tree = tree;
    this.#history = history;
    this.#stats = state.stats;
    this.#index = state.index;
    this.#version = state.version;
    this.#hub.clear();
  }

  /** The counters, with the watchers registered now. */
  stats(): StoreStats {
    // etcd also refreshes the number that goes into snapshots only when it is asked.
    this.#stats.watchers = this.#hub.count;
    return { ...this.#stats };
  }

  /** Throws if an invariant of the tree is broken. For tests. */
  checkInvariants(): void {
    this.#tree.checkInvariants();
  }

  #overwrite(action: Action, node: StoreNode, path: string, options: UpdateOptions): StoreEvent {
    const prevNode = externOf(node, path, this.#now);
    const index = this.#index + 1;
    this.#tree.write(node, options.refresh ? node.value : options.value, options.expiration, index);
    const shown = externOf(node, path, this.#now);
    // The event of a directory has the new index, the directory itself keeps the old one.
    const shownNode = node.isDirectory ? { ...shown, modifiedIndex: index } : shown;
    return this.#record(action, shownNode, prevNode, options.refresh);
  }

  #remove(action: Action, node: StoreNode, path: string): StoreEvent {
    const prevNode = externOf(node, path, this.#now);
    this.#tree.remove(node);
    const index = ++this.#index;
    const shown: NodeExtern = {
      key: path,
      value: null,
      // 2.3.8 leaves `dir` out of expire events.
      dir: node.isDirectory && action !== "expire",
      expiration: null,
      ttl: 0,
      nodes: null,
      modifiedIndex: index,
      createdIndex: node.createdIndex,
    };
    const event = new StoreEvent(action, shown, prevNode, index, PLAIN);
    const remembered = node.isDirectory ? pathsBelow(node, path, REMEMBERED_PATHS_MAX) : null;
    this.#history.add(event, remembered);
    if (this.#hub.count > 0) this.#hub.notify(event, remembered ?? pathsBelow(node, path, Infinity));
    return event;
  }

  /** Moves the index, keeps the event and tells the watchers. */
  #record(action: Action, node: NodeExtern, prevNode: NodeExtern | null, refresh: boolean): StoreEvent {
    this.#index++;
    const event = new StoreEvent(action, node, prevNode, this.#index, { refresh });
    this.#history.add(event, null);
    if (!refresh) this.#hub.notify(event, null);
    return event;
  }

  #findMatching(path: string, condition: Condition, counter: keyof StoreStats): StoreNode {
    const node = this.#find(path, counter);
    if (node.isDirectory) throw this.#refuse(counter, ErrorCode.NotAFile, path);
    const cause = mismatch(node, condition);
    if (cause !== "") throw this.#refuse(counter, ErrorCode.CompareFailed, cause);
    return node;
  }

  /** Finds what a read is about, and counts the read. */
  #findToRead(path: string): StoreNode {
    const node = this.#find(path, "getsFail");
    this.#stats.getsSuccess++;
    return node;
  }

  #eventOf(node: StoreNode, path: string, options: GetOptions): StoreEvent {
    return new StoreEvent("get", expandedExternOf(node, path, options, this.#now), null, this.#index, PLAIN);
  }

  #find(path: string, counter: keyof StoreStats): StoreNode {
    try {
      return this.#tree.find(path, this.#index);
    } catch (error) {
      this.#stats[counter]++;
      throw error;
    }
  }

  #locate(path: string, counter: keyof StoreStats): Place {
    try {
      return this.#tree.locate(path, this.#index);
    } catch (error) {
      this.#stats[counter]++;
      throw error;
    }
  }

  #refuse(counter: keyof StoreStats, code: ErrorCode, cause: string): EtcdError {
    this.#stats[counter]++;
    return new EtcdError(code, cause, this.#index);
  }
}

function permanentIfAncient(expiration: UnixNanos | null): UnixNanos | null {
  return expiration !== null && expiration < EARLIEST_EXPIRATION ? null : expiration;
}

function inOrderName(index: number): string {
  return index.toString().padStart(20, "0");
}

/** What does not match, as etcd words it; "" if the condition holds. */
function mismatch(node: StoreNode, condition: Condition): string {
  const { prevValue, prevIndex } = condition;
  const isIndexWrong = Number(prevIndex) !== 0 && Number(prevIndex) !== node.modifiedIndex;
  const isValueWrong = prevValue !== "" && prevValue !== node.value;
  if (!isIndexWrong && !isValueWrong) return "";
  const indexCause = `[${prevIndex} != ${node.modifiedIndex}]`;
  const valueCause = `[${prevValue} != ${node.value}]`;
  if (!isValueWrong) return indexCause;
  return isIndexWrong ? `${valueCause} ${indexCause}` : valueCause;
}
