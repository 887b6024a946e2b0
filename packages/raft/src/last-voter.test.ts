// The last voter of a log that etcd 2.x wrote may be removed: `--force-new-cluster` on a backup does so,
// and adds its own member behind it (cluster.md §12). Elsewhere it may not: membership.test.ts, F-09.

import { expect, test } from "vitest";
import { id, TestNode } from "./cluster.test.support.ts";
import { ConfChangeType, Role, type ConfChange } from "./types.ts";

function change(type: ConfChange["type"], nodeId: string): ConfChange {
  return { id: "0", type, nodeId: id(nodeId), context: null };
}

test("in a log of etcd 2.x a removed last voter is gone, and the one added behind it rules alone", () => {
  const node = new TestNode({ id: "2", voters: ["1"], compat: "etcd2" });

  const removed = node.raw.applyConfChange(change(ConfChangeType.RemoveNode, "1"));
  const added = node.raw.applyConfChange(change(ConfChangeType.AddNode, "2"));
  node.raw.campaign();
  node.drain();

  expect(removed.confState.voters).toEqual([]);
  expect(added.confState.voters).toEqual(["2"]);
  expect(node.raw.status().role).toBe(Role.Leader);
});
