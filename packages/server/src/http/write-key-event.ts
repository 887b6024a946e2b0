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

/**
 * The event with its nodes in pieces: text, and in place of values that are long their quoted bytes as they are.
 * null: the value is printed.
 */
export function keyEventPieces(
  event: StoreEvent,
  quotedValue: Uint8Array | null,
  quotedPrevValue: Uint8Array | null,
): readonly (string | Uint8Array)[] {
  const pieces: (string | Uint8Array)[] = [];
  let text = nodePieces(pieces, `{"action":"${event.action}","node":`, event.node, quotedValue);
  if (event.prevNode !== null)
    text = nodePieces(pieces, `${text},"prevNode":`, event.prevNode, quotedPrevValue);
  pieces.push(`${text}}\n`);
  return pieces;
}

/** Adds what ends with the quoted value; returns the text behind it. */
function nodePieces(
  pieces: (string | Uint8Array)[],
  before: string,
  node: NodeExtern,
  quoted: Uint8Array | null,
): string {
  if (quoted === null) return before + nodeJson(node);
  pieces.push(`${before}${keyJson(node)},"value":`, quoted);
  return nodeRest(node);
}

function nodeJson(node: NodeExtern): string {
  const value = node.value === null ? "" : `,"value":${quoteJson(node.value)}`;
  return keyJson(node) + value + nodeRest(node);
}

/** For clients the root has an empty key, and an empty key is not printed. It is always a directory. */
function keyJson({ key }: NodeExtern): string {
  return isRoot(key) ? '{"dir":true' : `{"key":${quoteJson(key.slice(KEYS_NAMESPACE.length))}`;
}

/** What follows the value. */
function nodeRest(node: NodeExtern): string {
  let json = node.dir && !isRoot(node.key) ? ',"dir":true' : "";
  if (node.expiration !== null) json += `,"expiration":"${formatTimestamp(node.expiration)}"`;
  if (node.ttl !== 0) json += `,"ttl":${node.ttl}`;
  if (node.nodes !== null) json += `,"nodes":${nodesJson(node.nodes)}`;
  if (node.modifiedIndex !== 0) json += `,"modifiedIndex":${node.modifiedIndex}`;
  if (node.createdIndex !== 0) json += `,"createdIndex":${node.createdIndex}`;
  return `${json}}`;
}

function isRoot(key: string): boolean {
  return key.length === KEYS_NAMESPACE.length;
}

function nodesJson(nodes: readonly NodeExtern[]): string {
  return `[${nodes.map(nodeJson).join(",")}]`;
}
