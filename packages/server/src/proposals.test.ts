import { expect, test } from "vitest";
import { parseNodeId } from "@kv/raft";
import { StoreEvent } from "@kv/store";
import { IdGenerator } from "./id-generator.ts";
import { Proposals, type ProposalsDeps } from "./proposals.ts";
import { newRequest } from "./request.ts";

type Outcome = ReturnType<ProposalsDeps["submit"]>;

function proposalsOn(start: Outcome): {
  readonly proposals: Proposals;
  readonly submitted: Uint8Array[];
  become: (next: Outcome) => void;
  advance: (ms: number) => void;
} {
  let outcome = start;
  let nowMs = 0;
  const submitted: Uint8Array[] = [];
  const proposals = new Proposals({
    ids: new IdGenerator(parseNodeId("1"), 0),
    timeoutMs: 7_000,
    now: () => nowMs,
    submit: (data) => {
      if (outcome === "ok") submitted.push(data);
      return outcome;
    },
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
  proposals.waiting.take(1)?.resolve({ event: anEvent, watcher: null });
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
