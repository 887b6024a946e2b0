import { expect, test } from "vitest";
import { NONE, parseNodeId, type NodeId } from "@kv/raft";
import { ManualClock } from "../server.test.support.ts";
import { RateWindow } from "./rate-window.ts";
import { Stats } from "./stats.ts";

const [A, B] = ["a", "b"].map(parseNodeId) as [NodeId, NodeId];

test("a rate is messages and bytes over the span of the window", () => {
  const window = new RateWindow();
  for (const ms of [0, 100, 200]) window.add(ms, 50);

  expect(window.rates(300)).toEqual({ packages: 15, bandwidth: 750 });
});

test("only the last 200 messages count", () => {
  const window = new RateWindow();
  for (let i = 0; i < 300; i++) window.add(i < 100 ? i : 100 + (i - 100) * 10, i < 100 ? 1_000_000 : 1);

  const { packages, bandwidth } = window.rates(2_100);

  expect(packages).toBeCloseTo(200 / 1.99);
  expect(bandwidth).toBeCloseTo(200 / 1.99);
});

test("a rate is 0 a second after the last message, and the window starts anew", () => {
  const window = new RateWindow();
  window.add(0, 1);
  window.add(500, 1);

  expect(window.rates(1_501)).toEqual({ packages: 0, bandwidth: 0 });
  window.add(2_000, 1);
  expect(window.rates(2_000)).toEqual({ packages: 0, bandwidth: 0 });
});

test("state and leader move by append traffic and by an election won", () => {
  const clock = new ManualClock();
  const stats = new Stats("n", A, clock);
  expect(stats.self()).toMatchObject({ name: "n", id: "a", state: "StateFollower", leader: NONE });

  clock.advance(10);
  stats.receivedAppend(B, 100);
  const following = stats.self();
  expect(following).toMatchObject({ state: "StateFollower", leader: "b", recvAppendRequestCount: 1 });
  expect(following.leaderStartTimeMs - following.startTimeMs).toBe(10);

  clock.advance(10);
  stats.becameLeader();
  stats.sentAppend(B, 100);
  stats.sentAppend(B, 100);
  const leading = stats.self();
  expect(leading).toMatchObject({ state: "StateLeader", leader: "a", sendAppendRequestCount: 2 });
  expect(leading.leaderStartTimeMs - leading.startTimeMs).toBe(20);
});

test("latencies of a follower have etcd's figures, and 2^63 before the first success", () => {
  const stats = new Stats("n", A, new ManualClock());
  stats.followerFailed(B, "pipeline");
  expect(stats.followers().get(B)).toEqual({
    latency: { current: 0, average: 0, standardDeviation: 0, minimum: 2 ** 63, maximum: 0 },
    fail: 1,
    success: 0,
  });

  for (const ms of [2, 4, 4, 4, 5, 5, 7, 9]) stats.followerSucceeded(B, ms, "msgappv2");

  expect(stats.followers().get(B)).toEqual({
    latency: { current: 9, average: 5, standardDeviation: 2, minimum: 2, maximum: 9 },
    fail: 1,
    success: 8,
  });
  stats.removeFollower(B);
  expect(stats.followers().size).toBe(0);
});

test("appends are timed for each member and way", () => {
  const stats = new Stats("a", A, new ManualClock());

  stats.followerSucceeded(B, 1, "msgappv2");
  stats.followerSucceeded(B, 3_000, "msgappv2");
  stats.followerFailed(B, "pipeline");

  const sent = stats.sentAppends();
  expect(sent.map(({ to, sendingType, failedCount }) => [to, sendingType, failedCount])).toStrictEqual([
    [B, "msgappv2", 0],
    [B, "message", 0],
    [B, "pipeline", 1],
  ]);
  expect(sent[0]?.durations.sum).toBeCloseTo(3.001);
  expect(sent[0]?.durations.counts.filter((count) => count > 0)).toStrictEqual([1, 1]);
});
