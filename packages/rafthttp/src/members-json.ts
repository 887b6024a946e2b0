// The member list as members exchange it: GET /members on a peer URL. Ids are bare 64-bit numbers
// there, above what a JavaScript number can hold, so they are read and written digit by digit.
// Spec: peer-protocol.md §1.

import type { NodeId } from "@kv/raft";
import { compareNodeIds, nodeIdFromBigInt, nodeIdToBigInt, parseNodeId } from "@kv/raft/codec";
import { TransportError } from "./errors.ts";

/** A member as others see it; `name` is "" and `clientUrls` empty until it has published them. */
export interface MemberInfo {
  readonly id: NodeId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** The body of an answer to GET /members: ascending by id, a newline at the end. */
export function encodeMembersJson(members: readonly MemberInfo[]): string {
  const items = members.toSorted((a, b) => compareNodeIds(a.id, b.id)).map(encodeMember);
  return `[${items.join(",")}]\n`;
}

/**
 * Reads the answer to GET /members.
 *
 * @throws {TransportError} E_FRAME if it is not a list of members.
 */
export function decodeMembersJson(json: string): readonly MemberInfo[] {
  const list = parseJson(json);
  if (!Array.isArray(list)) throw new TransportError("E_FRAME", "the member list is not a list");
  return list.map(decodeMember);
}

function encodeMember(member: MemberInfo): string {
  let json = `{"id":${nodeIdToBigInt(member.id)},"peerURLs":${quoteList(member.peerUrls)}`;
  if (member.name !== "") json += `,"name":${quote(member.name)}`;
  if (member.clientUrls.length > 0) json += `,"clientURLs":${quoteList(member.clientUrls)}`;
  return `${json}}`;
}

function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quote).join(",")}]`;
}

const HTML_UNSAFE = /[<>&\u2028\u2029]/g;

// As Go's encoder writes it: HTML characters escaped, what is not Unicode replaced.
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    HTML_UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json, keepId);
  } catch (cause) {
    throw new TransportError("E_FRAME", "the member list cannot be read", { cause });
  }
}

// Numeric ids become hex strings; ids that are strings already are not ids of this list.
// The standard reviver has a third argument, which the compiler's library does not know yet.
function keepId(this: unknown, key: string, value: unknown, ...rest: readonly unknown[]): unknown {
  if (key !== "id") return value;
  const context = rest[0];
  const source = typeof context === "object" && context !== null && "source" in context ? context.source : "";
  if (typeof value !== "number" || typeof source !== "string" || !/^\d{1,20}$/.test(source))
    throw new SyntaxError("an id is not a whole number");
  return nodeIdFromBigInt(BigInt(source));
}

function decodeMember(member: unknown): MemberInfo {
  if (!isRecord(member)) throw new TransportError("E_FRAME", "a member is not an object");
  const { id, name, peerURLs, clientURLs } = member;
  if (typeof id !== "string") throw new TransportError("E_FRAME", "a member has no id");
  return {
    id: parseNodeId(id),
    name: typeof name === "string" ? name : "",
    peerUrls: asTexts(peerURLs),
    clientUrls: asTexts(clientURLs),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function asTexts(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw new TransportError("E_FRAME", "a list of URLs is not a list of texts");
  }
  return value;
}
