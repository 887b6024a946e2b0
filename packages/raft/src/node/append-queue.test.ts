import { expect, test } from "vitest";
import { Message, MessageType } from "../message.ts";
import type { AppendRequest, Ready } from "../ready.ts";
import { EMPTY_CONF_STATE, EntryType, NONE, type Entry, type Snapshot } from "../types.ts";
import { AppendQueue, type AppendBatch } from "./append-queue.ts";

const entry = (index: number, term: number): Entry => ({ term, index, type: EntryType.Normal, data: null });
const snapshotAt = (index: number): Snapshot => ({
  meta: { index, term: 1, confState: EMPTY_CONF_STATE },
  data: null,
});

function ready(request: Partial<AppendRequest>, mustSync = false): Ready {
  return {
    softState: null,
    hardState: null,
    entries: [],
    snapshot: null,
    committedEntries: [],
    messages: [],
    readStates: [],
    mustSync,
    appendRequest: { hardState: null, entries: [], snapshot: null, responses: [], ...request },
    applyRequest: null,
  };
}

function queued(...readys: Ready[]): AppendQueue {
  const queue = new AppendQueue();
  for (const one of readys) queue.add(one);
  return queue;
}

const positions = (batch: AppendBatch): string[] =>
  batch.save.entries.map(({ term, index }) => `${term}/${index}`);

test("requests become one batch: all entries, the last hard state, a sync if one wants it, responses in order", () => {
  const [first, second, third] = [1, 2, 3].map((term) => new Message(MessageType.AppResp, NONE, NONE, term));
  const queue = queued(
    ready(
      { entries: [entry(1, 1)], hardState: { term: 1, vote: NONE, commit: 0 }, responses: [first!] },
      true,
    ),
    ready({ hardState: { term: 1, vote: NONE, commit: 1 }, responses: [second!] }),
    ready({ entries: [entry(2, 1), entry(3, 1)], responses: [third!] }),
  );

  const batch = queue.take(true);

  expect(positions(batch)).toEqual(["1/1", "1/2", "1/3"]);
  expect(batch.save).toMatchObject({ hardState: { commit: 1 }, mustSync: true, snapshot: null });
  expect(batch.responses).toEqual([first, second, third]);
  expect(queue.isEmpty).toBe(true);
});

test.each([
  ["the tail", [entry(3, 2)], ["1/1", "1/2", "2/3"]],
  ["everything", [entry(1, 2), entry(2, 2)], ["2/1", "2/2"]],
  ["everything and what is on disk before it", [entry(0, 2)], ["2/0"]],
])("later entries replace %s", (_, later, joined) => {
  const queue = queued(
    ready({ entries: [entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)] }),
    ready({ entries: later }),
  );

  expect(positions(queue.take(true))).toEqual(joined);
});

test("a snapshot begins a batch of its own", () => {
  const queue = queued(
    ready({ entries: [entry(1, 1)] }),
    ready({ snapshot: snapshotAt(9), hardState: { term: 2, vote: NONE, commit: 9 } }),
    ready({ entries: [entry(10, 2)] }),
    ready({ snapshot: snapshotAt(20) }),
  );

  const batches = [queue.take(true), queue.take(true), queue.take(true)];

  expect(batches.map(({ save }) => save.snapshot?.meta.index ?? null)).toEqual([null, 9, 20]);
  expect(batches.map(positions)).toEqual([["1/1"], ["2/10"], []]);
});

test("messages alone are nothing to write", () => {
  const response = new Message(MessageType.AppResp);

  const batch = queued(ready({ responses: [response] })).take(true);

  expect(batch).toMatchObject({ isWritten: false, responses: [response] });
});

test("a Ready that appends nothing leaves the queue empty", () => {
  expect(queued({ ...ready({}), appendRequest: null }).isEmpty).toBe(true);
});

test.each([
  ["one entry of a turn that has sent nothing", [entry(1, 1)], true, true],
  ["one entry of a turn that has sent something", [entry(1, 1)], false, false],
  ["two entries", [entry(1, 1), entry(2, 1)], true, false],
  ["a hard state", [], true, false],
])("whether a batch is lone: %s", (_, entries, isQuiet, isLone) => {
  const queue = queued(ready({ entries, hardState: { term: 1, vote: NONE, commit: 0 } }));

  expect(queue.take(isQuiet).save.isLone).toBe(isLone);
});
