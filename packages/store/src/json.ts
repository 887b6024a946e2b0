// The snapshot form of the small parts: events, history fields, counters. Member order and escapes are
// etcd's (disk-format.md §5), so its members can load what we write.

import type { StoreEvent } from "./event.ts";
import type { NodeExtern } from "./node-extern.ts";
import { quoteJson } from "./quote-json.ts";
import { STAT_NAMES, type StoreStats } from "./stats.ts";
import { formatTimestamp } from "./timestamp.ts";

/** An event with full store paths, as it stands in the history of a snapshot. */
export function eventToJson(event: StoreEvent): string {
  let out = `{"action":"${event.action}","node":${nodeToJson(event.node)}`;
  if (event.prevNode !== null) out += `,"prevNode":${nodeToJson(event.prevNode)}`;
  return `${out}${event.refresh ? ',"refresh":true}' : "}"}`;
}

/** The counters, in etcd's order. */
export function statsToJson(stats: StoreStats): string {
  return `{${STAT_NAMES.map((name) => `"${name}":${stats[name]}`).join(",")}}`;
}

function nodeToJson(node: NodeExtern): string {
  let out = `{"key":${quoteJson(node.key)}`;
  if (node.value !== null) out += `,"value":${quoteJson(node.value)}`;
  if (node.dir) out += ',"dir":true';
  if (node.expiration !== null) out += `,"expiration":"${formatTimestamp(node.expiration)}"`;
  if (node.ttl !== 0) out += `,"ttl":${node.ttl}`;
  if (node.modifiedIndex !== 0) out += `,"modifiedIndex":${node.modifiedIndex}`;
  if (node.createdIndex !== 0) out += `,"createdIndex":${node.createdIndex}`;
  return `${out}}`;
}
