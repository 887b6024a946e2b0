import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeEntry } from "./codec/index.ts";
import { entriesSizeBytes, limitSize, payloadSizeBytes } from "./entry-size.ts";
import { EntryType, type Entry } from "./types.ts";

const anyEntry = fc.record({
  term: fc.nat(100_000),
  index: fc.nat(100_000),
  type: fc.constantFrom(EntryType.Normal, EntryType.ConfChange),
  data: fc.option(fc.uint8Array({ maxLength: 300 })),
}) satisfies fc.Arbitrary<Entry>;

test("sizes are those of the encoded entries and of their data", () => {
  fc.assert(
    fc.property(fc.array(anyEntry), (entries) => {
      const encoded = entries.reduce((sum, entry) => sum + encodeEntry(entry).length, 0);
      const payload = entries.reduce((sum, entry) => sum + (entry.data?.length ?? 0), 0);

      expect([entriesSizeBytes(entries), payloadSizeBytes(entries)]).toEqual([encoded, payload]);
    }),
  );
});

const EDGES = [0, 127, 128, 16_383, 16_384, Number.MAX_SAFE_INTEGER];

test("B-43: the size of an entry is that of its bytes wherever a varint grows", () => {
  for (const term of EDGES) {
    for (const index of EDGES) {
      for (const length of [null, 0, 127, 128]) {
        const data = length === null ? null : new Uint8Array(length);
        const entry: Entry = { term, index, type: EntryType.Normal, data };

        expect([term, index, length, entriesSizeBytes([entry])]).toEqual([
          term,
          index,
          length,
          encodeEntry(entry).length,
        ]);
      }
    }
  }
});

test("B-40: limitSize gives the longest prefix within the limit, but at least one entry", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { minLength: 1 }), fc.nat(2_000), (entries, maxSizeBytes) => {
      const end = limitSize(entries, 0, entries.length, maxSizeBytes);

      expect(end).toBeGreaterThanOrEqual(1);
      if (end > 1) expect(entriesSizeBytes(entries.slice(0, end))).toBeLessThanOrEqual(maxSizeBytes);
      if (end < entries.length)
        expect(entriesSizeBytes(entries.slice(0, end + 1))).toBeGreaterThan(maxSizeBytes);
    }),
  );
});
