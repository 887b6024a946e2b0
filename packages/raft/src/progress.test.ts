import { describe, expect, test } from "vitest";
import { Inflights } from "./inflights.ts";
import { Progress, ProgressState } from "./progress.ts";
import { id } from "./cluster.test.support.ts";

const { Probe, Replicate, Snapshot } = ProgressState;

function progress(fields: Partial<Omit<Progress, "id" | "inflights">>): Progress {
  return Object.assign(new Progress(id("2"), 1, false, new Inflights(3, 0)), fields);
}

test.for([
  ["replicate", { state: Replicate, match: 1, next: 5 }, 2],
  ["a snapshot at 10", { state: Snapshot, match: 1, next: 5, pendingSnapshot: 10 }, 11],
  ["a snapshot below match", { state: Snapshot, match: 5, next: 6, pendingSnapshot: 1 }, 6],
] as const)("C-04: probing after %s goes on at the next possible index", ([, fields, next]) => {
  const peer = progress({ ...fields, sentCommit: 100 });

  peer.becomeProbe();

  expect([peer.state, peer.match, peer.next, peer.pendingSnapshot]).toEqual([Probe, fields.match, next, 0]);
  expect(peer.sentCommit).toBe(next - 1);
});

test("C-05: replicate begins behind match, a snapshot is remembered", () => {
  const peer = progress({ match: 1, next: 5 });

  peer.becomeReplicate();
  expect([peer.state, peer.match, peer.next]).toEqual([Replicate, 1, 2]);

  peer.becomeSnapshot(10);
  expect([peer.state, peer.match, peer.pendingSnapshot, peer.next]).toEqual([Snapshot, 1, 10, 11]);
});

test.for([
  [2, false, 3, 5],
  [3, false, 3, 5],
  [4, true, 4, 5],
  [5, true, 5, 6],
] as const)("C-06: an acknowledgement of %i is news: %s", ([index, isNews, match, next]) => {
  const peer = progress({ match: 3, next: 5, isFlowPaused: true });

  expect(peer.maybeUpdate(index)).toBe(isNews);

  expect([peer.match, peer.next, peer.isFlowPaused]).toEqual([match, next, !isNews]);
});

test.for([
  [5, false, 10],
  [4, false, 10],
  [9, true, 6],
] as const)("C-07: a replicating peer's rejection of %i counts: %s", ([rejected, counts, next]) => {
  const peer = progress({ state: Replicate, match: 5, next: 10 });

  expect(peer.maybeDecrementTo(rejected, rejected)).toBe(counts);

  expect(peer.next).toBe(next);
});

test.for([
  ["stale", { match: 0, next: 10 }, 5, 5, false, 10],
  ["the hint is the rejected index", { match: 0, next: 10 }, 9, 9, true, 9],
  ["the hint is lower", { match: 0, next: 10 }, 9, 2, true, 3],
  ["at the beginning", { match: 0, next: 2 }, 1, 1, true, 1],
  ["no hint", { match: 0, next: 10 }, 9, 0, true, 1],
  ["a hint below match", { match: 6, next: 10 }, 9, 2, true, 7],
] as const)("C-08: a probed peer's rejection: %s", ([, fields, rejected, hint, counts, next]) => {
  const peer = progress({ ...fields, isFlowPaused: true });

  expect(peer.maybeDecrementTo(rejected, hint)).toBe(counts);

  expect([peer.next, peer.isFlowPaused]).toEqual([next, !counts]);
  peer.checkInvariants(20);
});

test.for([
  [{ state: Probe, isFlowPaused: false }, false],
  [{ state: Probe, isFlowPaused: true }, true],
  [{ state: Replicate, isFlowPaused: false }, false],
  [{ state: Replicate, isFlowPaused: true }, true],
  [{ state: Snapshot, isFlowPaused: false }, true],
] as const)("C-09: %o is paused: %s", ([fields, isPaused]) => {
  expect(progress(fields).isPaused()).toBe(isPaused);
});

describe("what was sent", () => {
  test("moves next and fills the window of a replicating peer until it pauses", () => {
    const peer = progress({ state: Replicate, match: 1, next: 2 });

    peer.sentEntries(2, 10);
    peer.sentEntries(1, 10);
    expect([peer.next, peer.inflights.count, peer.isFlowPaused]).toEqual([5, 2, false]);

    peer.sentEntries(4, 10);
    expect([peer.next, peer.inflights.count, peer.isFlowPaused]).toEqual([9, 3, true]);
  });

  test("pauses a probed peer only if there were entries", () => {
    const peer = progress({ match: 1, next: 2 });

    peer.sentEntries(0, 0);
    expect(peer.isFlowPaused).toBe(false);

    peer.sentEntries(1, 10);
    expect([peer.next, peer.isFlowPaused]).toEqual([2, true]);
  });
});

test("C-29: activity is kept across changes of state and forgotten by a reset", () => {
  const peer = progress({ match: 1, next: 2 });
  peer.becomeReplicate();
  peer.becomeProbe();
  peer.becomeSnapshot(5);
  expect(peer.isRecentlyActive).toBe(true);

  peer.reset(7);

  expect([peer.match, peer.next, peer.state, peer.isRecentlyActive]).toEqual([0, 8, Probe, false]);
});

test("J-29: invariants notice a next at match, and appends in flight to a peer that is probed", () => {
  expect(() => progress({ match: 5, next: 5 }).checkInvariants(20)).toThrow("match is below next");
  expect(() => progress({ match: 5, next: 6 }).checkInvariants(4)).toThrow("match is at most lastIndex");
  const peer = progress({ match: 1, next: 2 });
  peer.inflights.add(2, 1);
  expect(() => peer.checkInvariants(20)).toThrow("in flight");
});
