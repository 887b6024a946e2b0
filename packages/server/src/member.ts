// Who a member is: its ids, and the three JSON texts in which the cluster keeps it
// (cluster.md §1, disk-format.md §6.3, §6.4).

import { createHash } from "node:crypto";
import { compareNodeIds, nodeIdFromBigInt, nodeIdToBigInt } from "@kv/raft/codec";
import type { NodeId } from "@kv/raft";
import { quoteJson } from "@kv/store";
import type { Member } from "./server-api.ts";
import { compareBytewise } from "./urls.ts";

/**
 * The id of a member: a hash of its peer URLs and the cluster's token; for one that is added later
 * the token is empty and the Unix time in seconds takes its place.
 */
export function memberId(peerUrls: readonly string[], token: string, unixSeconds: number | null): NodeId {
  const hash = createHash("sha1");
  for (const url of peerUrls.toSorted(compareBytewise)) hash.update(url);
  hash.update(token);
  if (unixSeconds !== null) hash.update(String(unixSeconds));
  return nodeIdFromBigInt(hash.digest().readBigUInt64BE(0));
}

/** The id of a cluster: a hash of its first members' ids. It never changes afterwards. */
export function clusterId(members: readonly NodeId[]): NodeId {
  const hash = createHash("sha1");
  const bytes = Buffer.alloc(8);
  for (const id of members.toSorted(compareNodeIds)) {
    bytes.writeBigUInt64BE(nodeIdToBigInt(id));
    hash.update(bytes);
  }
  return nodeIdFromBigInt(hash.digest().readBigUInt64BE(0));
}

/** A member that has not told its name and client URLs yet. */
export function newMember(id: NodeId, peerUrls: readonly string[], name = ""): Member {
  return { id, name, peerUrls: peerUrls.toSorted(compareBytewise), clientUrls: [] };
}

/** The context of a configuration change. The id is a bare 64-bit number, as etcd writes it. */
export function encodeMemberContext(member: Member): Uint8Array {
  const name = member.name === "" ? "" : `,"name":${quoteJson(member.name)}`;
  const clients = member.clientUrls.length === 0 ? "" : `,"clientURLs":${listJson(member.clientUrls)}`;
  return Buffer.from(
    `{"id":${nodeIdToBigInt(member.id)},"peerURLs":${listJson(member.peerUrls)}${name}${clients}}`,
  );
}

/**
 * Reads the context of a configuration change.
 *
 * @returns null when it is not what etcd writes there.
 */
export function decodeMemberContext(context: Uint8Array): Member | null {
  const text = Buffer.from(context).toString("utf8");
  const id = /"id"\s*:\s*(\d{1,20})/.exec(text)?.[1];
  const fields = parseObject(text);
  if (id === undefined || fields === null) return null;
  return {
    id: nodeIdFromBigInt(BigInt.asUintN(64, BigInt(id))),
    name: typeof fields["name"] === "string" ? fields["name"] : "",
    peerUrls: strings(fields["peerURLs"]),
    clientUrls: strings(fields["clientURLs"]),
  };
}

/** The value of `/0/members/<id>/raftAttributes`. */
export function raftAttributesJson(peerUrls: readonly string[]): string {
  return `{"peerURLs":${peerUrls.length === 0 ? "null" : listJson(peerUrls)}}`;
}

/** The value of `/0/members/<id>/attributes`; empty fields are left out. */
export function attributesJson(name: string, clientUrls: readonly string[]): string {
  const parts: string[] = [];
  if (name !== "") parts.push(`"name":${quoteJson(name)}`);
  if (clientUrls.length > 0) parts.push(`"clientURLs":${listJson(clientUrls)}`);
  return `{${parts.join(",")}}`;
}

/** The peer URLs in a raftAttributes value, or null when it is not one. */
export function parseRaftAttributes(value: string): readonly string[] | null {
  const fields = parseObject(value);
  return fields === null ? null : strings(fields["peerURLs"]);
}

/** Name and client URLs in an attributes value, or null when it is not one. */
export function parseAttributes(value: string): Pick<Member, "name" | "clientUrls"> | null {
  const fields = parseObject(value);
  if (fields === null) return null;
  return {
    name: typeof fields["name"] === "string" ? fields["name"] : "",
    clientUrls: strings(fields["clientURLs"]),
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
  } catch {
    return null; // the caller decides what a value that is no JSON means
  }
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function listJson(items: readonly string[]): string {
  return `[${items.map(quoteJson).join(",")}]`;
}
