// The core anywhere: bundled into one script, it elects a leader in a context that has only the language
// and the encoder that every browser has. No process, no Buffer, no timers.

import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build } from "rolldown";
import { expect, test } from "vitest";

/** Elects node 1 of three, proposes an entry, and returns what all of them have applied. */
const ELECTION = `
  const voters = ["1", "2", "3"].map(raft.parseNodeId);
  const confState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const nodes = voters.map((id) => {
    const storage = new raft.MemoryStorage();
    storage.applySnapshot({ meta: { index: 1, term: 1, confState }, data: null });
    storage.setHardState({ term: 1, vote: raft.NONE, commit: 1 });
    return { id, storage, raw: new raft.RawNode({ id, storage, random: () => 0 }), applied: [] };
  });
  const settle = () => {
    while (nodes.some(({ raw }) => raw.hasReady())) {
      for (const { raw, storage, applied } of nodes) {
        if (!raw.hasReady()) continue;
        const ready = raw.ready();
        if (ready.hardState !== null) storage.setHardState(ready.hardState);
        storage.append(ready.entries);
        for (const message of ready.messages) nodes.find(({ id }) => id === message.to).raw.step(message);
        for (const { index, data } of ready.committedEntries) applied.push([index, data && [...data]]);
        raw.advance(ready);
      }
    }
  };
  nodes[0].raw.tick(10);
  settle();
  nodes[0].raw.propose(Uint8Array.of(7));
  settle();
  nodes[0].raw.tick(1);
  settle();
  JSON.stringify({ leads: nodes.map(({ raw }) => raw.lead), applied: nodes.map(({ applied }) => applied) });
`;

test("the core elects a leader and commits in a context without anything of Node.js", async () => {
  const { output } = await build({
    input: join(import.meta.dirname, "index.ts"),
    write: false,
    output: { format: "iife", name: "raft" },
  });
  const context = createContext({ TextEncoder, TextDecoder });

  const outcome: unknown = runInContext(`${output[0].code}\n${ELECTION}`, context);

  const applied = [
    [2, null],
    [3, [7]],
  ];
  expect(JSON.parse(String(outcome))).toEqual({
    leads: ["1", "1", "1"],
    applied: [applied, applied, applied],
  });
  expect(runInContext("typeof process + typeof Buffer + typeof setTimeout", context)).toBe(
    "undefined".repeat(3),
  );
});
