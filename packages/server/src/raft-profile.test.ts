import type { Compat, NodeId } from "@kv/raft";
import { parseNodeId } from "@kv/raft";
import type { PeerDialect } from "@kv/rafthttp";
import { expect, test } from "vitest";
import { RaftProfile } from "./raft-profile.ts";
import { rememberingLogger } from "./server.test.support.ts";

const [B, C] = ["b", "c"].map(parseNodeId) as [NodeId, NodeId];

/** A member a whose surroundings the test changes; each change is followed by its decision. */
function memberA(): {
  readonly profile: RaftProfile;
  readonly set: Compat[];
  readonly lines: string[];
  knows(others: readonly NodeId[] | null, dialects: Readonly<Record<NodeId, PeerDialect>>): Compat;
} {
  const set: Compat[] = [];
  const lines: string[] = [];
  const deferred: (() => void)[] = [];
  let others: readonly NodeId[] | null = null;
  let dialects: Readonly<Record<NodeId, PeerDialect>> = {};
  const profile = new RaftProfile({
    logger: rememberingLogger(lines),
    others: () => others,
    dialect: (id) => dialects[id] ?? null,
    setCompat: (compat) => set.push(compat),
    defer: (callback) => deferred.push(callback),
  });
  return {
    profile,
    set,
    lines,
    knows(members, said) {
      others = members;
      dialects = said;
      profile.changed();
      profile.changed();
      expect(deferred).toHaveLength(1);
      deferred.shift()?.();
      return profile.compat;
    },
  };
}

test.each<{
  name: string;
  others: readonly NodeId[] | null;
  said: Readonly<Record<NodeId, PeerDialect>>;
  expected: Compat;
}>([
  { name: "a member that has not applied who belongs to it", others: null, said: {}, expected: "etcd2" },
  { name: "a member alone", others: [], said: {}, expected: "modern" },
  { name: "all others kv", others: [B, C], said: { [B]: "kv", [C]: "kv" }, expected: "modern" },
  { name: "one of etcd", others: [B, C], said: { [B]: "kv", [C]: "etcd2" }, expected: "etcd2" },
  { name: "one unknown", others: [B, C], said: { [B]: "kv" }, expected: "etcd2" },
  { name: "all unknown", others: [B, C], said: {}, expected: "etcd2" },
  {
    name: "one of etcd that is no member any more",
    others: [B],
    said: { [B]: "kv", [C]: "etcd2" },
    expected: "modern",
  },
])("$name: $expected", ({ others, said, expected }) => {
  expect(memberA().knows(others, said)).toBe(expected);
});

test("it follows members that come and go, in both directions, and says so once each", () => {
  const a = memberA();
  const both = { [B]: "kv", [C]: "kv" } as const;

  const seen = [
    a.knows([], {}),
    a.knows([B], {}), // added, not started yet
    a.knows([B], { [B]: "kv" }),
    a.knows([B, C], { [B]: "kv", [C]: "etcd2" }), // a 2.3.8 joins
    a.knows([B, C], both), // and is replaced by kv
    a.knows([B, C], both),
    a.knows([B, C], { ...both, [B]: "etcd2" }), // b is started with the old program
    a.knows([C], both), // b is removed
  ];

  expect(seen).toEqual(["modern", "etcd2", "modern", "etcd2", "modern", "modern", "etcd2", "modern"]);
  expect(a.set).toEqual(["modern", "etcd2", "modern", "etcd2", "modern", "etcd2", "modern"]);
  expect(a.lines.filter((line) => line.includes("all members are kv"))).toHaveLength(4);
  expect(a.lines.filter((line) => line.includes("rules of etcd 2"))).toHaveLength(3);
});
