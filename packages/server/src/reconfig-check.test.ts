import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { checkQuorumAfterAdd, checkQuorumAfterRemove } from "./reconfig-check.ts";
import type { Member } from "./server-api.ts";

/** `s` started, `-` added and never started; ids ascend from 1. */
function members(states: string): readonly Member[] {
  return states.split("").map((state, i) => ({
    id: parseNodeId((i + 1).toString(16)),
    name: state === "s" ? `m${i}` : "",
    peerUrls: [],
    clientUrls: [],
  }));
}

const REFUSED = expect.objectContaining({ code: "E_NOT_ENOUGH_STARTED" });

// cluster.md §9
test.each([
  ["s", null],
  ["ss", null],
  ["sss", null],
  ["-", REFUSED],
  ["s-", REFUSED],
  ["ss-", REFUSED],
  ["sss-", null],
  ["ss--", REFUSED],
])("adding one to %s", (states, refusal) => {
  expect(outcomeOf(() => checkQuorumAfterAdd(members(states)))).toEqual(refusal);
});

test.each([
  ["sss", "1", null],
  ["ss-", "3", null],
  ["ss-", "1", REFUSED],
  ["s-", "2", null],
  ["s-", "1", REFUSED],
  ["s", "1", REFUSED],
  ["sss--", "1", REFUSED],
  ["sss--", "4", null],
])("removing from %s the member %s", (states, id, refusal) => {
  expect(outcomeOf(() => checkQuorumAfterRemove(members(states), parseNodeId(id)))).toEqual(refusal);
});

function outcomeOf(check: () => void): unknown {
  try {
    check();
    return null;
  } catch (error) {
    return error;
  }
}
