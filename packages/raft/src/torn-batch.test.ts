// A power cut in the middle of a batch: etcd's log has the entries of a batch before its hard state, so
// entries of a term can be on disk without that term. Spec: raft.md §13.4.

import { expect, test } from "vitest";
import { MemoryStorage } from "./memory-storage.ts";
import { RawNode } from "./raw-node.ts";
import { EntryType, NONE, Role, type NodeId } from "./types.ts";

const id = "1" as NodeId;
const peer = "2" as NodeId;

function tornStorage(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot({
    meta: {
      index: 5,
      term: 1,
      confState: { voters: [id, peer], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
    },
    data: null,
  });
  storage.setHardState({ term: 1, vote: peer, commit: 5 });
  storage.append([{ term: 3, index: 6, type: EntryType.Normal, data: null }]);
  return storage;
}

test("a node starts in the term of its last entry if the hard state behind the entry was lost", () => {
  const node = new RawNode({ id, storage: tornStorage(), random: () => 0 });

  node.tick();

  expect(node.status()).toMatchObject({ term: 3, vote: NONE, role: Role.Follower, lastIndex: 6, commit: 5 });
});

test("its first Ready makes that term durable before anything is promised in it", () => {
  const node = new RawNode({ id, storage: tornStorage(), random: () => 0 });

  expect(node.hasReady()).toBe(true);
  expect(node.ready()).toMatchObject({ hardState: { term: 3, vote: NONE, commit: 5 }, mustSync: true });
});
