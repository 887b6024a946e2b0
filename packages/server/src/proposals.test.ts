import { describe, expect, test } from "vitest";
import { parseNodeId } from "@kv/raft";
import { StoreEvent } from "@kv/store";
import { IdGenerator } from "./id-generator.ts";
import { Proposals, type ProposalsDeps } from "./proposals.ts";
import { decodeRequest } from "./request-codec.ts";
import { newRequest } from "./request.ts";
import { resultOf } from "./server-api.ts";

type Outcome = ReturnType<ProposalsDeps["submit"]>;

function proposalsOn(start: Outcome): {
  readonly proposals: Proposals;
  readonly submitted: Uint8Array[];
  become: (next: Outcome) => void;
  advance: (ms: number) => void;
  endTurn: () => void;
} {
  let outcome = start;
  let nowMs = 0;
  const submitted: Uint8Array[] = [];
  const deferred: (() => void)[] = [];
  const proposals = new Proposals({
    ids: new IdGenerator(parseNodeId("1"), 0),
    timeoutMs: 7_000,
    now: () => nowMs,
    submit: (data) => {
      if (outcome === "ok") submitted.push(data);
      return outcome;
    },
    defer: (callback) => deferred.push(callback),
    timeoutCause: (startMs) => `began at ${startMs}`,
  });
  return {
    proposals,
    submitted,
    become: (next) => {
      outcome = next;
    },
    advance: (ms) => {
      nowMs += ms;
    },
    endTurn: () => {
      for (const callback of deferred.splice(0)) callback();
    },
  };
}

const anEvent = new StoreEvent(
  "get",
  {
    key: "/1/a",
    value: "",
    dir: false,
    expiration: null,
    ttl: 0,
    nodes: null,
    modifiedIndex: 1,
    createdIndex: 1,
  },
  null,
  1,
  { refresh: false },
);

test("a proposal that finds no leader goes out once there is one", async () => {
  const { proposals, submitted, become } = proposalsOn("dropped");
  const answer = proposals.propose(newRequest("PUT", "/1/a"));
  expect(submitted).toHaveLength(0);

  become("ok");
  proposals.leaderKnown();
  proposals.leaderKnown();

  expect(submitted).toHaveLength(1);
  proposals.waiting.take(1)?.resolve(resultOf(anEvent));
  expect((await answer).event).toBe(anEvent);
});

test("a proposal whose client has been answered is not let out any more", async () => {
  const { proposals, submitted, become, advance } = proposalsOn("dropped");
  const answer = proposals.propose(newRequest("PUT", "/1/a"));
  const noted = expect(answer).rejects.toMatchObject({ errorCode: 300, etcdCause: "began at 0" });
  advance(7_000);
  proposals.sweep();
  await noted;

  become("ok");
  proposals.leaderKnown();

  expect(submitted).toHaveLength(0);
});

test.each<[Outcome, string]>([
  ["busy", "etcdserver: too many requests are waiting"],
  ["stopped", "etcdserver: server stopped"],
])("a driver that is %s refuses at once", async (outcome, cause) => {
  const { proposals } = proposalsOn(outcome);

  await expect(proposals.propose(newRequest("PUT", "/1/a"))).rejects.toMatchObject({ etcdCause: cause });
  expect(proposals.waiting.size).toBe(0);
});

describe("reads through the log", () => {
  test("of one turn share an entry, those of the next have another", () => {
    const { proposals, submitted, endTurn } = proposalsOn("ok");
    for (const path of ["/1/a", "/1/b", "/1/c"]) void proposals.propose(newRequest("QGET", path));
    expect(submitted).toHaveLength(0);

    endTurn();
    void proposals.propose(newRequest("QGET", "/1/d"));
    endTurn();

    expect(submitted.map((data) => decodeRequest(data)?.path)).toEqual(["/1/a", "/1/d"]);
    const shared = proposals.take(1);
    expect(shared?.value.path).toBe("/1/a");
    expect(shared?.joined?.map(({ value }) => value.path)).toEqual(["/1/b", "/1/c"]);
    expect(proposals.take(2)?.joined).toBeNull();
  });

  test("join none that has been proposed: what was written since would be missing", () => {
    const { proposals, submitted, endTurn } = proposalsOn("ok");
    void proposals.propose(newRequest("QGET", "/1/a"));
    endTurn();
    void proposals.propose(newRequest("PUT", "/1/a"));

    void proposals.propose(newRequest("QGET", "/1/a"));
    endTurn();

    expect(submitted.map((data) => decodeRequest(data)?.method)).toEqual(["QGET", "PUT", "QGET"]);
  });

  test("end together when nobody answers, and all are counted", async () => {
    const { proposals, endTurn, advance } = proposalsOn("ok");
    const answers = ["/1/a", "/1/b"].map((path) => proposals.propose(newRequest("QGET", path)));
    endTurn();
    expect(proposals.waiting.size).toBe(2);
    const noted = Promise.all(
      answers.map((answer) => expect(answer).rejects.toMatchObject({ etcdCause: "began at 0" })),
    );

    advance(7_000);
    proposals.sweep();

    await noted;
    expect(proposals.failedCount).toBe(2);
    expect(proposals.waiting.size).toBe(0);
  });

  test("join none that has timed out within its turn", () => {
    const { proposals, submitted, endTurn, advance } = proposalsOn("ok");
    proposals.propose(newRequest("QGET", "/1/a")).catch(() => undefined);
    advance(7_000); // the process stood still
    proposals.sweep();

    void proposals.propose(newRequest("QGET", "/1/b"));
    endTurn();

    expect(submitted.map((data) => decodeRequest(data)?.path)).toEqual(["/1/b"]);
  });

  test("are refused together by a driver that is busy", async () => {
    const { proposals, endTurn } = proposalsOn("busy");
    const answers = ["/1/a", "/1/b"].map((path) => proposals.propose(newRequest("QGET", path)));
    const noted = Promise.all(
      answers.map((answer) =>
        expect(answer).rejects.toMatchObject({ etcdCause: expect.stringContaining("too many requests") }),
      ),
    );

    endTurn();

    await noted;
  });

  test("are proposed no more when the member stops before the end of the turn", async () => {
    const { proposals, submitted, endTurn } = proposalsOn("ok");
    const noted = expect(proposals.propose(newRequest("QGET", "/1/a"))).rejects.toMatchObject({
      etcdCause: "etcdserver: server stopped",
    });

    proposals.stop();
    endTurn();

    await noted;
    expect(submitted).toHaveLength(0);
  });
});
