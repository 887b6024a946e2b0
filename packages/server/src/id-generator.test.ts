import { expect, test } from "vitest";
import { parseNodeId } from "@kv/raft/codec";
import { IdGenerator, idToHex } from "./id-generator.ts";

test("an id carries 16 bits of the member, then the time, then a counter that may run over", () => {
  const ids = new IdGenerator(parseNodeId("837219e913a142eb"), 0xab_cdef_0123);
  const suffix = ids.nextSuffix();
  const high = ids.high(suffix);
  const low = suffix % 2 ** 32;

  expect(idToHex(high, low)).toBe("42ebabcdef012301");
  expect(ids.ownSuffix(high, low)).toBe(suffix);
});

test("ids differ, also when the counter overflows into the time", () => {
  const ids = new IdGenerator(parseNodeId("1"), 5);
  const seen = new Set(Array.from({ length: 1_000 }, () => ids.nextSuffix()));

  expect(seen.size).toBe(1_000);
});

test("an id of another member is not our own", () => {
  const ours = new IdGenerator(parseNodeId("1"), 5);
  const theirs = new IdGenerator(parseNodeId("2"), 5);
  const suffix = theirs.nextSuffix();

  expect(ours.ownSuffix(theirs.high(suffix), suffix % 2 ** 32)).toBe(-1);
});
