import { expect, test } from "vitest";
import { NONE, parseNodeId, type NodeId } from "@kv/raft";
import { Leadership } from "./leadership.ts";

const [A, B, C] = ["a", "b", "c"].map(parseNodeId) as [NodeId, NodeId, NodeId];

function leadershipOfA(activeSince: ReadonlyMap<NodeId, number>): {
  leadership: Leadership;
  at: (ms: number) => void;
} {
  let nowMs = 0;
  const leadership = new Leadership({
    id: A,
    electionMs: 1_000,
    now: () => nowMs,
    activeSince: (id) => activeSince.get(id) ?? null,
    peers: () => [B, C],
  });
  return {
    leadership,
    at(ms) {
      nowMs = ms;
    },
  };
}

test("a request from the two election timeouts before a new leader blames the previous one", () => {
  const { leadership, at } = leadershipOfA(new Map([[B, 0]]));
  at(10_000);
  leadership.changed(NONE);
  leadership.changed(B);

  expect(leadership.timeoutCause(8_001)).toContain("previous leader failure");
  expect(leadership.timeoutCause(9_999)).toContain("previous leader failure");
  expect(leadership.timeoutCause(8_000)).toBe("etcdserver: request timed out");
  expect(leadership.timeoutCause(10_000)).toBe("etcdserver: request timed out");
});

test("a follower that was not connected to its leader all the time blames the connection", () => {
  const { leadership } = leadershipOfA(new Map([[B, 500]]));
  leadership.changed(B);

  expect(leadership.timeoutCause(400)).toContain("connection lost");
  expect(leadership.timeoutCause(600)).toBe("etcdserver: request timed out");
});

test("a leader blames the connection only without a quorum", () => {
  const withOne = leadershipOfA(new Map([[C, 0]])).leadership;
  const alone = leadershipOfA(new Map()).leadership;
  withOne.changed(A);
  alone.changed(A);

  expect(withOne.timeoutCause(100)).toBe("etcdserver: request timed out");
  expect(alone.timeoutCause(100)).toContain("connection lost");
});

test("without a leader nothing is said about why", () => {
  const { leadership } = leadershipOfA(new Map());

  expect(leadership.timeoutCause(100)).toBe("etcdserver: request timed out");
});
