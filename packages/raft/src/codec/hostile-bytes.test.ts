// Bytes in volume: random messages come back, random bytes and cut ones are refused with the right error.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pseudoRandom } from "../cluster.test.support.ts";
import { RaftError } from "../errors.ts";
import { Message, MessageType } from "../message.ts";
import { EMPTY_SNAPSHOT, EntryType, type Entry, type Snapshot } from "../types.ts";
import { decodeConfChange } from "./conf-change.ts";
import { decodeEntry } from "./entry.ts";
import { decodeMessage, encodeMessage, messageSize } from "./message.ts";
import { nodeIdFromHalves } from "./node-id.ts";
import { decodeHardState, decodeSnapshot } from "./records.ts";

const VECTORS_URL = new URL("../../../../conformance/raft-codec-vectors.json", import.meta.url);
const vectors: readonly { readonly hex: string; readonly kind: string; readonly name: string }[] = JSON.parse(
  readFileSync(VECTORS_URL, "utf8"),
).vectors;

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  Entry: decodeEntry,
  HardState: decodeHardState,
  Snapshot: decodeSnapshot,
  ConfChange: decodeConfChange,
  Message: decodeMessage,
};

const RANDOM_MESSAGE_COUNT = 100_000;
/** `test:fuzz` does it a million times; each refusal costs a stack trace. */
const RANDOM_BYTES_COUNT = 200_000;
const MAX_RANDOM_BYTES = 200;
/** What a writer may keep free so that it need not check each varint. */
const WRITER_SLACK_BYTES = 16;

/** Where a record may end without being damaged: behind any of its fields. Varints and bytes only, as in the vectors. */
function fieldEnds(bytes: Uint8Array): Set<number> {
  const ends = new Set([0]);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const isBytes = (varint() & 7) === 2;
    const value = varint();
    if (isBytes) at += value;
    ends.add(at);
  }
  return ends;
}

/** The code of the error that `decode` throws; null if it throws none. */
function refusal(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string | null {
  try {
    decode(bytes);
    return null;
  } catch (error) {
    if (error instanceof RaftError) return error.code;
    throw error;
  }
}

test.for(vectors)(
  "K-04: $kind $name is refused when it is cut anywhere but behind a field",
  ({ hex, kind }) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const ends = fieldEnds(bytes);

    for (let length = 0; length < bytes.length; length++) {
      const code = refusal(DECODERS[kind]!, bytes.subarray(0, length));

      expect([length, code]).toEqual([length, ends.has(length) ? null : "E_CODEC"]);
    }
  },
);

/** Numbers of every length, small ones as often as large ones. */
function randomNumber(random: (n: number) => number): number {
  const bits = random(54);
  return bits > 30 ? random(2 ** 30) * 2 ** (bits - 31) : random(2 ** bits);
}

function randomBytes(random: (n: number) => number, maxLength: number): Uint8Array {
  return Uint8Array.from({ length: random(maxLength + 1) }, () => random(256));
}

function randomMessage(random: (n: number) => number, types: readonly MessageType[]): Message {
  const id = (): Message["to"] => nodeIdFromHalves(random(2 ** 31), random(2 ** 31));
  const message = new Message(types[random(types.length)]!, id(), id(), randomNumber(random));
  message.logTerm = randomNumber(random);
  message.index = randomNumber(random);
  message.commit = randomNumber(random);
  message.reject = random(2) === 1;
  message.rejectHint = randomNumber(random);
  message.entries = Array.from({ length: random(4) }, (): Entry => {
    const data = random(3) === 0 ? null : randomBytes(random, 40);
    return { term: randomNumber(random), index: randomNumber(random), type: EntryType.Normal, data };
  });
  if (random(4) === 0) {
    const { confState } = EMPTY_SNAPSHOT.meta;
    const meta = {
      index: randomNumber(random),
      term: randomNumber(random),
      confState: { ...confState, voters: [id()] },
    };
    const snapshot: Snapshot = { meta, data: randomBytes(random, 20) };
    message.snapshot = snapshot;
  }
  if (random(3) === 0) message.context = Uint8Array.of(random(256));
  return message;
}

test("K-09: 100,000 random messages come back, and their sizes were foretold", () => {
  const random = pseudoRandom(17);
  const types = Object.values(MessageType);

  for (let i = 0; i < RANDOM_MESSAGE_COUNT; i++) {
    const message = randomMessage(random, types);
    const bytes = encodeMessage(message);
    const again = decodeMessage(bytes);

    // Comparing bytes is quick; one in a thousand is also compared field by field.
    if (bytes.length !== messageSize(message) || !Buffer.from(encodeMessage(again)).equals(bytes)) {
      expect(again).toEqual(message);
      expect(bytes).toHaveLength(messageSize(message));
    }
    if (i % 1_000 === 0) expect(again).toEqual(message);
  }
});

test("K-10: random strings of bytes are messages or are refused with a RaftError", () => {
  const random = pseudoRandom(23);
  const buffer = new Uint8Array(MAX_RANDOM_BYTES);
  const outcomes = new Map<string | null, number>();
  for (let i = 0; i < RANDOM_BYTES_COUNT; i++) {
    const length = random(MAX_RANDOM_BYTES + 1);
    // Nobody reads far into random bytes, so that only the beginning is new each time.
    for (let at = 0; at < Math.min(length, 12); at++) buffer[at] = random(256);
    const code = refusal(decodeMessage, buffer.subarray(0, length));
    outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
  }

  expect([...outcomes.keys()].filter((code) => code !== null && code !== "E_U64_RANGE")).toEqual(["E_CODEC"]);
  expect(outcomes.get("E_CODEC")).toBeGreaterThan(RANDOM_BYTES_COUNT / 2);
  expect(outcomes.get(null)).toBeGreaterThan(0);
});

test("K-11: a message of 10,000 entries is written into one buffer of its size", () => {
  const message = new Message(MessageType.App);
  message.entries = Array.from({ length: 10_000 }, (_, i): Entry => {
    return { term: 1, index: i + 1, type: EntryType.Normal, data: Uint8Array.of(i & 255) };
  });

  const bytes = encodeMessage(message);

  // A buffer that had to grow, or a part that was written on its own first, would leave a rest.
  expect(bytes).toHaveLength(messageSize(message));
  expect(bytes.buffer.byteLength - bytes.length).toBeLessThan(WRITER_SLACK_BYTES);
  expect(decodeMessage(bytes).entries).toEqual(message.entries);
});
