// Reading a snapshot (disk-format.md §5.1): the JSON of etcd 2.0 to 3.4 and our own. Everything is read and
// checked before the store takes any of it.

import type { StoreDataError } from "./errors.ts";
import { StoreEvent, type Action } from "./event.ts";
import type { HistoryState } from "./event-history.ts";
import { JsonReader } from "./json-reader.ts";
import type { NodeExtern } from "./node-extern.ts";
import { StoreNode } from "./node.ts";
import { newStats, STAT_NAMES, type StoreStats } from "./stats.ts";
import { parseTimestamp, ZERO_TIME, type UnixNanos } from "./timestamp.ts";

/** A whole store, as read from a snapshot. */
export interface SnapshotState {
  readonly root: StoreNode;
  readonly history: HistoryState;
  readonly stats: StoreStats;
  readonly index: number;
  readonly version: number;
}

const ACTIONS: ReadonlySet<string> = new Set<Action>([
  "get",
  "set",
  "create",
  "update",
  "delete",
  "compareAndSwap",
  "compareAndDelete",
  "expire",
]);

/** @throws {StoreDataError} if `data` is not a snapshot. */
export function readSnapshot(data: Uint8Array): SnapshotState {
  const reader = new JsonReader(data);
  const found: Partial<SnapshotStateFields> = {};
  reader.object((name) => {
    if (name === "Root") found.root = readRoot(reader);
    else if (name === "WatcherHub") found.history = readHub(reader);
    else if (name === "CurrentIndex") found.index = reader.integer();
    else if (name === "Stats") found.stats = readStats(reader);
    else if (name === "CurrentVersion") found.version = reader.integer();
    else reader.skip();
  });
  reader.end();
  const root = required(reader, found.root, "Root");
  const history = required(reader, found.history, "WatcherHub");
  const index = required(reader, found.index, "CurrentIndex");
  if (history.size > 0 && history.lastIndex !== index) {
    throw shapeError(reader, "an event history that does not end at the store index");
  }
  return { root, history, stats: found.stats ?? newStats(), index, version: found.version ?? 0 };
}

type SnapshotStateFields = { -readonly [K in keyof SnapshotState]: SnapshotState[K] };

function required<T>(reader: JsonReader, value: T | undefined, name: string): T {
  if (value === undefined) throw shapeError(reader, `expected a member ${name}`);
  return value;
}

function shapeError(reader: JsonReader, message: string): StoreDataError {
  return reader.error("E_SHAPE", message);
}

function readRoot(reader: JsonReader): StoreNode {
  const root = readNode(reader, "", null);
  if (root.children === null) throw shapeError(reader, "expected the root to be a directory");
  return root;
}

function readNode(reader: JsonReader, name: string, parent: StoreNode | null): StoreNode {
  const node = new StoreNode(name, parent, 0, "", null);
  reader.object((field) => {
    if (field === "CreatedIndex") node.createdIndex = reader.integer();
    else if (field === "ModifiedIndex") node.modifiedIndex = reader.integer();
    else if (field === "ExpireTime") node.expiration = readExpireTime(reader);
    else if (field === "Value") node.value = reader.string();
    else if (field === "Children") node.children = readChildren(reader, node);
    // Path is known from the names; ACL (2.0) has no meaning any more.
    else reader.skip();
  });
  return node;
}

/** null is the only mark of a file. */
function readChildren(reader: JsonReader, parent: StoreNode): Map<string, StoreNode> | null {
  if (reader.acceptNull()) return null;
  const children = new Map<string, StoreNode>();
  reader.object((name) => {
    if (name === "" || name.includes("/")) throw shapeError(reader, "a child without a proper name");
    children.set(name, readNode(reader, name, parent));
  });
  return children;
}

function readExpireTime(reader: JsonReader): UnixNanos | null {
  const text = reader.string();
  return text === ZERO_TIME ? null : readTime(reader, text);
}

function readTime(reader: JsonReader, text: string): UnixNanos {
  const nanos = parseTimestamp(text);
  if (nanos === null) throw shapeError(reader, "expected an RFC 3339 time");
  return nanos;
}

function readHub(reader: JsonReader): HistoryState {
  const found: { history?: HistoryState } = {};
  reader.object((name) => {
    if (name === "EventHistory") found.history = readHistory(reader);
    else reader.skip();
  });
  return required(reader, found.history, "EventHistory");
}

function readHistory(reader: JsonReader): HistoryState {
  const events: (StoreEvent | null)[] = [];
  const numbers = { Size: 0, Front: 0, Back: 0, StartIndex: 0, LastIndex: 0 };
  const readNumber = (name: string): void => {
    if (isMember(numbers, name)) numbers[name] = reader.integer();
    else reader.skip();
  };
  reader.object((name) => {
    if (name !== "Queue") return readNumber(name);
    return reader.object((field) => {
      if (field !== "Events") return readNumber(field);
      return reader.array(() => events.push(reader.acceptNull() ? null : readEvent(reader)));
    });
  });
  const { Size: size, Front: front, Back: back, StartIndex: startIndex, LastIndex: lastIndex } = numbers;
  const history = { events, size, front, back, startIndex, lastIndex };
  if (!isConsistent(history)) throw shapeError(reader, "an event history with holes");
  return history;
}

function isConsistent(history: HistoryState): boolean {
  const { events, size, front, back, startIndex, lastIndex } = history;
  const capacity = events.length;
  if (capacity === 0 || size < 0 || size > capacity || front < 0 || front >= capacity) return false;
  if (back !== (front + size) % capacity) return false;
  if (size > 0 && lastIndex !== startIndex + size - 1) return false;
  for (let i = 0; i < size; i++) {
    if (events[(front + i) % capacity]?.node.modifiedIndex !== startIndex + i) return false;
  }
  return true;
}

function readEvent(reader: JsonReader): StoreEvent {
  const found: { action?: string; node?: NodeExtern; prevNode?: NodeExtern | null; refresh?: boolean } = {};
  reader.object((name) => {
    if (name === "action") found.action = reader.string();
    else if (name === "node") found.node = readExtern(reader);
    else if (name === "prevNode") found.prevNode = reader.acceptNull() ? null : readExtern(reader);
    else if (name === "refresh") found.refresh = reader.boolean();
    else reader.skip();
  });
  const action = required(reader, found.action, "action");
  if (!isAction(action)) throw shapeError(reader, "an event without a known action");
  const node = required(reader, found.node, "node");
  const refresh = found.refresh ?? false;
  return new StoreEvent(action, node, found.prevNode ?? null, node.modifiedIndex, { refresh });
}

function readExtern(reader: JsonReader): NodeExtern {
  const node = {
    key: "",
    value: null as string | null,
    dir: false,
    expiration: null as UnixNanos | null,
    ttl: 0,
    nodes: null,
    modifiedIndex: 0,
    createdIndex: 0,
  };
  reader.object((name) => {
    if (name === "key") node.key = reader.string();
    else if (name === "value") node.value = reader.acceptNull() ? null : reader.string();
    else if (name === "dir") node.dir = reader.boolean();
    else if (name === "expiration") node.expiration = readTime(reader, reader.string());
    else if (name === "ttl") node.ttl = reader.integer();
    else if (name === "modifiedIndex") node.modifiedIndex = reader.integer();
    else if (name === "createdIndex") node.createdIndex = reader.integer();
    else reader.skip();
  });
  return node;
}

function readStats(reader: JsonReader): StoreStats {
  const stats = newStats();
  reader.object((name) => {
    const counter = STAT_NAMES.find((known) => known === name);
    if (counter === undefined) reader.skip();
    else stats[counter] = reader.integer();
  });
  return stats;
}

function isAction(text: string): text is Action {
  return ACTIONS.has(text);
}

function isMember<T extends object>(record: T, name: string): name is Extract<keyof T, string> {
  return Object.hasOwn(record, name);
}
