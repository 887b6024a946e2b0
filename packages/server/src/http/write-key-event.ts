// A key event as clients read it, byte for byte as etcd prints it: fixed member order, nothing that
// is empty, zero or false (client-api.md §2.1, §5). Put together by hand. Hot path.

import { formatTimestamp, quoteJson, type NodeExtern, type StoreEvent } from "@kv/store";
import { KEYS_NAMESPACE } from "./parse-key-request.ts";

/** The event with its nodes, and a line feed. */
export function keyEventJson(event: StoreEvent): string {
  const prevNode = event.prevNode === null ? "" : `,"prevNode":${nodeJson(event.prevNode)}`;
  return `{"action":"${event.action}","node":${nodeJson(event.node)}${prevNode}}\n`;
}

/** The same, made once for all watchers of the event. */
export function sharedEventJson(event: StoreEvent): string {
  event.encoded ??= keyEventJson(event);
  return event.encoded;
}

/** The event without its nodes, for `noValueOnSuccess`. */
export function keyEventJsonWithoutNodes(event: StoreEvent): string {
  return `{"action":"${event.action}"}\n`;
}

function nodeJson(node: NodeExtern): string {
  // For clients the root has an empty key, and an empty key is not printed. It is always a directory.
  const isRoot = node.key.length === KEYS_NAMESPACE.length;
  let json = isRoot ? '{"dir":true' : `{"key":${quoteJson(node.key.slice(KEYS_NAMESPACE.length))}`;
  if (node.value !== null) json += `,"value":${quoteJson(node.value)}`;
  if (node.dir && !isRoot) json += ',"dir":true';
  if (node.expiration !== null) json += `,"expiration":"${formatTimestamp(node.expiration)}"`;
  if (node.ttl !== 0) json += `,"ttl":${node.ttl}`;
  if (node.nodes !== null) json += `,"nodes":${nodesJson(node.nodes)}`;
  if (node.modifiedIndex !== 0) json += `,"modifiedIndex":${node.modifiedIndex}`;
  if (node.createdIndex !== 0) json += `,"createdIndex":${node.createdIndex}`;
  return `${json}}`;
}

function nodesJson(nodes: readonly NodeExtern[]): string {
  return `[${nodes.map(nodeJson).join(",")}]`;
}
