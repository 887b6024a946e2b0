import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RaftError } from "../errors.ts";
import { Message, MessageType } from "../message.ts";
import type { ConfChange, ConfChangeV2, ConfState, Entry, HardState, Snapshot } from "../types.ts";
import { decodeConfChange, decodeConfChangeV2, encodeConfChange, encodeConfChangeV2 } from "./conf-change.ts";
import { decodeEntry, encodeEntry, entrySize } from "./entry.ts";
import { decodeMessage, encodeMessage, messageSize } from "./message.ts";
import { nodeIdFromBigInt } from "./node-id.ts";
import {
  confStateSize,
  decodeConfState,
  decodeHardState,
  decodeSnapshot,
  encodeConfState,
  encodeHardState,
  encodeSnapshot,
  hardStateSize,
  snapshotSize,
} from "./records.ts";

const index = fc.oneof(fc.maxSafeNat(), fc.nat(300));
const id = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(nodeIdFromBigInt);
const data = fc.uint8Array({ maxLength: 300 });
const optionalData = fc.option(data);
const ids = fc.array(id, { maxLength: 4 });

const entry: fc.Arbitrary<Entry> = fc.record({
  term: index,
  index,
  type: fc.constantFrom(0, 1, 2),
  data: optionalData,
});
const hardState: fc.Arbitrary<HardState> = fc.record({ term: index, vote: id, commit: index });
const confState: fc.Arbitrary<ConfState> = fc.record({
  voters: ids,
  learners: ids,
  votersOutgoing: ids,
  learnersNext: ids,
  autoLeave: fc.boolean(),
});
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  meta: fc.record({ index, term: index, confState }),
  data: optionalData,
});
const change: fc.Arbitrary<ConfChange> = fc.record({
  id,
  type: fc.constantFrom(0, 1, 2, 3),
  nodeId: id,
  context: optionalData,
});
const changeV2: fc.Arbitrary<ConfChangeV2> = fc.record({
  transition: fc.constantFrom(0, 1, 2),
  changes: fc.array(fc.record({ type: fc.constantFrom(0, 1, 2, 3), nodeId: id }), { maxLength: 5 }),
  context: optionalData,
});
const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom(...Object.values(MessageType)),
    to: id,
    from: id,
    term: index,
    logTerm: index,
    index,
    entries: fc.array(entry, { maxLength: 5 }),
    commit: index,
    snapshot,
    reject: fc.boolean(),
    rejectHint: index,
    context: fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 })),
  })
  .map(({ type, ...fields }) => Object.assign(new Message(type), fields));

interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  readonly size?: (value: T) => number;
}

// Checks the laws of one kind of record; a function, so that value and codec have the same type.
function laws<T>(name: string, arbitrary: fc.Arbitrary<T>, { encode, decode, size }: Codec<T>): void {
  test(`decoding an encoded ${name} gives it back, and its size was foretold`, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = encode(value);

        expect(decode(bytes)).toEqual(value);
        if (size !== undefined) expect(bytes.length).toBe(size(value));
      }),
    );
  });

  test(`any bytes are a ${name} or are refused with a RaftError`, () => {
    const damaged = fc
      .tuple(arbitrary, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat())
      .map(([value, changes, cut]) => {
        const bytes = encode(value).slice();
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, cut % 4 === 0 ? cut % (bytes.length + 1) : bytes.length);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RaftError);
        }
      }),
      { numRuns: 500 },
    );
  });
}

laws("entry", entry, { encode: encodeEntry, decode: decodeEntry, size: entrySize });
laws("hard state", hardState, { encode: encodeHardState, decode: decodeHardState, size: hardStateSize });
laws("configuration", confState, { encode: encodeConfState, decode: decodeConfState, size: confStateSize });
laws("snapshot", snapshot, { encode: encodeSnapshot, decode: decodeSnapshot, size: snapshotSize });
laws("message", message, { encode: encodeMessage, decode: decodeMessage, size: messageSize });
laws("change", change, { encode: encodeConfChange, decode: decodeConfChange });
laws("joint change", changeV2, { encode: encodeConfChangeV2, decode: decodeConfChangeV2 });

test("an encoded record shares no memory with later ones", () => {
  const first = encodeEntry({ term: 1, index: 1, type: 0, data: Uint8Array.of(1, 2, 3) });
  const before = first.slice();

  encodeEntry({ term: 9, index: 9, type: 0, data: Uint8Array.of(9, 9, 9) });

  expect(first).toEqual(before);
});
