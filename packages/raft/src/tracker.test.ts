import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { id } from "./cluster.test.support.ts";
import { Tracker, VoteResult } from "./tracker.ts";
import { EMPTY_CONF_STATE, type NodeId } from "./types.ts";

const { Won, Lost, Pending } = VoteResult;

function trackerOf(voters: readonly string[], outgoing: readonly string[] = []): Tracker {
  const tracker = new Tracker(16, 0);
  const halves = { voters: voters.map(id), votersOutgoing: outgoing.map(id) };
  tracker.switchTo({ ...EMPTY_CONF_STATE, ...halves }, 10);
  return tracker;
}

/** The highest index that more than half of the members have, found by trying all. */
function naiveMajority(voters: readonly string[], matches: ReadonlyMap<string, number>): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const reached = (index: number): boolean =>
    voters.filter((voter) => (matches.get(voter) ?? 0) >= index).length * 2 > voters.length;
  let index = 0;
  while (reached(index + 1)) index++;
  return index;
}

function naiveVote(voters: readonly string[], votes: ReadonlyMap<string, boolean>): VoteResult {
  if (voters.length === 0) return Won;
  const yes = voters.filter((voter) => votes.get(voter) === true).length;
  const no = voters.filter((voter) => votes.get(voter) === false).length;
  if (yes * 2 > voters.length) return Won;
  return (voters.length - no) * 2 > voters.length ? Pending : Lost;
}

const anyVoters = fc.uniqueArray(fc.integer({ min: 1, max: 12 }).map(String), { maxLength: 9 });
const anyMatches = fc.dictionary(fc.integer({ min: 1, max: 12 }).map(String), fc.nat(8));
const anyVotes = fc.dictionary(fc.integer({ min: 1, max: 12 }).map(String), fc.boolean());

test("F-31: the committed index is the smaller of what both halves have", () => {
  fc.assert(
    fc.property(anyVoters, anyVoters, anyMatches, (voters, outgoing, record) => {
      const matches = new Map(Object.entries(record));
      const tracker = trackerOf(voters, outgoing);
      for (const progress of tracker.progresses) progress.match = matches.get(progress.id) ?? 0;

      const expected = Math.min(naiveMajority(voters, matches), naiveMajority(outgoing, matches));

      expect(tracker.committedIndex()).toBe(expected);
      const acks = new Map([...matches].map(([key, ack]): [NodeId, number] => [id(key), ack]));
      expect(tracker.committedAck(acks)).toBe(expected);
    }),
  );
});

test("F-32: a vote is won when both halves are, and lost when either is", () => {
  fc.assert(
    fc.property(anyVoters, anyVoters, anyVotes, (voters, outgoing, record) => {
      const votes = new Map(Object.entries(record));
      const tracker = trackerOf(voters, outgoing);
      for (const [voter, isGranted] of votes) tracker.recordVote(id(voter), isGranted);

      const halves = [naiveVote(voters, votes), naiveVote(outgoing, votes)];
      const expected = halves.includes(Lost) ? Lost : halves.includes(Pending) ? Pending : Won;

      expect(tracker.tallyVotes()).toBe(expected);
    }),
  );
});

describe("activity", () => {
  test.for([
    [["1", "2", "3"], [], [], false],
    [["1", "2", "3"], [], ["2"], true],
    [["1", "2", "3", "4"], [], ["2"], false],
    [["1", "2", "3"], ["1", "4", "5"], ["2"], false],
    [["1", "2", "3"], ["1", "4", "5"], ["2", "4"], true],
    [["1"], [], [], true],
  ] as const)(
    "of %o && %o with %o active makes a quorum with the leader: %s",
    ([voters, outgoing, active, isQuorum]) => {
      const tracker = trackerOf(voters, outgoing);
      for (const progress of tracker.progresses) {
        progress.isRecentlyActive = active.some((one) => one === progress.id);
      }

      expect(tracker.isQuorumActive(id("1"))).toBe(isQuorum);
    },
  );

  test("F-16: of a learner does not count", () => {
    const tracker = new Tracker(16, 0);
    tracker.switchTo({ ...EMPTY_CONF_STATE, voters: ["1", "2"].map(id), learners: ["3"].map(id) }, 10);
    for (const progress of tracker.progresses) progress.isRecentlyActive = progress.id === "3";

    expect(tracker.isQuorumActive(id("1"))).toBe(false);
    expect(tracker.voterIds()).toEqual(["1", "2"]);
  });
});

test("members that stay keep their progress, new ones are probed from the last index, removed ones go", () => {
  const tracker = trackerOf(["1", "2"]);
  for (const progress of tracker.progresses) progress.maybeUpdate(7);

  tracker.switchTo({ ...EMPTY_CONF_STATE, voters: ["3", "1"].map(id) }, 20);

  expect(tracker.progresses.map(({ id: one, match, next }) => [one, match, next])).toEqual([
    ["1", 7, 10],
    ["3", 0, 20],
  ]);
  expect(tracker.get(id("2"))).toBeUndefined();
  expect(tracker.get(id("3"))?.isRecentlyActive).toBe(true);
});

test("a renewed member starts without progress", () => {
  const tracker = trackerOf(["1", "2"]);
  for (const progress of tracker.progresses) progress.maybeUpdate(7);

  tracker.switchTo(tracker.config, 20, new Set([id("2")]));

  expect(tracker.progresses.map((progress) => progress.match)).toEqual([7, 0]);
});

test("a configuration that contradicts itself is fatal", () => {
  const config = { ...EMPTY_CONF_STATE, voters: ["1"].map(id), learners: ["1"].map(id) };

  expect(() => new Tracker(16, 0).switchTo(config, 1)).toThrow("learner 1 is also a voter");
});
