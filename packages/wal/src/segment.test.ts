import { describe, expect, test } from "vitest";
import { parseSegmentName, segmentAt, segmentsFrom, segmentsOf } from "./segment.ts";

const LOG = [segmentAt(3, 100), segmentAt(4, 200), segmentAt(5, 300)];

describe("segment names", () => {
  test("are sequence and index in 16 hex digits", () => {
    expect(segmentAt(10, 0x263).name).toBe("000000000000000a-0000000000000263.wal");
    expect(parseSegmentName("000000000000000a-0000000000000263.wal")).toEqual(segmentAt(10, 0x263));
  });

  test.each([
    "0.tmp",
    "000000000000000a-0000000000000263.wal.tmp",
    "a-b.wal",
    "000000000000000A-0000000000000263.wal",
  ])("%s is none", (name) => expect(parseSegmentName(name)).toBeNull());

  test("a number beyond 2^53 is none", () => {
    expect(parseSegmentName("ffffffffffffffff-0000000000000000.wal")).toBeNull();
  });

  test("are sorted by age, others left out", () => {
    const names = [LOG[2]!.name, "1.tmp", LOG[0]!.name, `${LOG[1]!.name}.broken`, LOG[1]!.name];
    expect(segmentsOf(names)).toEqual(LOG);
  });
});

describe("the segments needed for a snapshot", () => {
  test.each([
    { index: 100, first: 0 },
    { index: 199, first: 0 },
    { index: 200, first: 1 },
    { index: 9999, first: 2 },
  ])("at $index begin with number $first", ({ index, first }) => {
    expect(segmentsFrom(LOG, index)).toEqual(LOG.slice(first));
  });

  test("must begin early enough", () => {
    expect(() => segmentsFrom(LOG, 99)).toThrow(expect.objectContaining({ code: "E_NO_SEGMENT" }));
  });

  test("must be complete from there on", () => {
    expect(() => segmentsFrom([LOG[0]!, LOG[2]!], 150)).toThrow(expect.objectContaining({ code: "E_GAP" }));
    expect(segmentsFrom([LOG[0]!, LOG[2]!], 300)).toEqual([LOG[2]]);
  });
});
