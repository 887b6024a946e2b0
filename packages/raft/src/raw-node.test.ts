import { expect, test } from "vitest";
import { Role } from "./types.ts";
import { bytes, TestCluster, TestNode } from "./test-cluster.ts";

test("A-31: a single node becomes leader when its vote is durable, and commits when its entry is", () => {
  const node = new TestNode({ voters: ["1"] });

  node.raw.campaign();
  const election = node.raw.ready();

  expect(node.raw.role).toBe(Role.Candidate);
  expect(election.hardState).toEqual({ term: 1, vote: "1", commit: 0 });

  node.persist(election);
  node.raw.advance();
  expect(node.raw.role).toBe(Role.Leader);
  expect(node.raw.commit).toBe(0);

  node.handle();
  expect(node.raw.commit).toBe(1);
});

test("A-15: a proposal is applied once on every node when a majority has it", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");

  cluster.propose("1", "x");

  for (const node of cluster.nodes.values()) {
    expect(node.applied.map((entry) => entry.data)).toEqual([null, bytes("x")]);
    expect(node.raw.commit).toBe(2);
  }
});
