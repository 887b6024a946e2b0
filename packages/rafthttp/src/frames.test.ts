import { EntryType, Message, MessageType, type Entry } from "@kv/raft";
import { parseNodeId, Writer } from "@kv/raft/codec";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TransportError } from "./errors.ts";
import {
  isLinkHeartbeat,
  LINK_HEARTBEAT,
  MESSAGE_LIMIT_BYTES,
  type FrameDecoder,
  type FrameEncoder,
} from "./frames.ts";
import { MessageDecoder, MessageEncoder } from "./frames-message.ts";
import { MsgappV2Decoder, MsgappV2Encoder } from "./frames-msgappv2.ts";

const SERVER = parseNodeId("cf24673f32ccb42c");
const DIALLER = parseNodeId("2cd70cf44861eeb1");

const STREAMS: { kind: string; decoder: () => FrameDecoder; encoder: () => FrameEncoder }[] = [
  { kind: "message", decoder: () => new MessageDecoder(), encoder: () => new MessageEncoder() },
  {
    kind: "append",
    decoder: () => new MsgappV2Decoder(SERVER, DIALLER),
    encoder: () => new MsgappV2Encoder(),
  },
];

// Appends as a leader sends them: mostly one after the other, now and then from somewhere else.
const appends = fc
  .array(
    fc.record({
      jump: fc.option(fc.nat(1000), { freq: 4 }),
      term: fc.integer({ min: 1, max: 3 }),
      logTerm: fc.integer({ min: 0, max: 3 }),
      commit: fc.nat(),
      data: fc.array(fc.option(fc.uint8Array({ maxLength: 80 })), { maxLength: 4 }),
    }),
    { maxLength: 12 },
  )
  .map((steps) => {
    let index = 0;
    return steps.map((step) => {
      index = step.jump ?? index;
      const message = new Message(MessageType.App, DIALLER, SERVER, step.term);
      message.logTerm = step.jump === null ? step.term : step.logTerm;
      message.index = index;
      message.commit = step.commit;
      message.entries = step.data.map((data): Entry => ({
        term: step.term,
        index: ++index,
        type: EntryType.Normal,
        data,
      }));
      return message;
    });
  });

describe.each(STREAMS)("the $kind stream", ({ decoder: newDecoder, encoder: newEncoder }) => {
  test("gives back what was written, however it is cut", () => {
    fc.assert(
      fc.property(appends, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (messages, cuts) => {
        const bytes = encodeAll(newEncoder(), messages);

        const decoded = decodeAll(newDecoder(), bytes, cuts);

        expect(decoded).toEqual(messages);
      }),
    );
  });

  test("survives any bytes: messages or a TransportError, nothing else", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (bytes, cuts) => {
          try {
            decodeAll(newDecoder(), bytes, cuts);
          } catch (error) {
            expect(error).toBeInstanceOf(TransportError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("survives any one changed byte of a real stream", () => {
    fc.assert(
      fc.property(appends, fc.nat(), fc.integer({ min: 1, max: 255 }), (messages, place, change) => {
        const bytes = encodeAll(newEncoder(), messages);
        if (bytes.length === 0) return;
        bytes[place % bytes.length]! ^= change;
        try {
          decodeAll(newDecoder(), bytes, [bytes.length]);
        } catch (error) {
          expect(error).toBeInstanceOf(TransportError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a stream that is cut off yields the whole messages before the cut and then waits", () => {
    fc.assert(
      fc.property(appends, fc.nat(), (messages, place) => {
        const bytes = encodeAll(newEncoder(), messages);
        const end = bytes.length === 0 ? 0 : place % bytes.length;

        const decoded = decodeAll(newDecoder(), bytes.subarray(0, end), [7]);

        expect(decoded).toEqual(messages.slice(0, decoded.length));
        expect(messages.length === 0 || decoded.length < messages.length).toBe(true);
      }),
    );
  });

  test("link heartbeats may stand anywhere and change nothing", () => {
    const encoder = newEncoder();
    const writer = new Writer();
    const messages = [append(3, 1), append(4, 1), append(5, 0)];
    for (const message of messages) {
      encoder.writeLinkHeartbeat(writer);
      encoder.write(writer, message);
    }

    const decoded = decodeAll(newDecoder(), writer.take(), [3]);

    expect(decoded.filter((message) => isLinkHeartbeat(message)).length).toBe(3);
    expect(decoded.filter((message) => !isLinkHeartbeat(message))).toEqual(messages);
  });

  test("entries do not pin the chunks they came in", () => {
    const bytes = encodeAll(newEncoder(), [append(1, 2), append(3, 2), append(5, 500)]);
    const chunk = new Uint8Array(1 << 20);
    chunk.set(bytes);

    const decoded = decodeAll(newDecoder(), chunk.subarray(0, bytes.length), [bytes.length]);

    const entries = decoded.flatMap((message) => message.entries);
    const pinned = new Set(entries.map((entry) => entry.data?.buffer));
    const pinnedBytes = [...pinned].reduce((sum, memory) => sum + (memory?.byteLength ?? 0), 0);
    expect(entries).toHaveLength(504);
    expect(pinnedBytes).toBeLessThan(bytes.length + 2 * 65_536);
  });
});

test("the link heartbeat of the message stream has the bytes of 2.3.8", () => {
  const writer = new Writer();
  new MessageEncoder().writeLinkHeartbeat(writer);

  // peer-protocol.md §6.1
  expect(Buffer.from(writer.take()).toString("hex")).toBe(
    "000000000000001c08081000180020002800300040004a0812060a001000180050005800",
  );
});

test("a heartbeat of 3.4, which is two bytes longer, is a link heartbeat, too", () => {
  const decoder = new MessageDecoder();
  decoder.push(
    Buffer.from("000000000000001e08081000180020002800300040004a0a12080a0228001000180050005800", "hex"),
  );

  const message = decoder.next();

  expect(message !== null && isLinkHeartbeat(message)).toBe(true);
});

describe("an append stream is written in the short form", () => {
  const cases = [
    { name: "never as its first frame", messages: [append(1, 1)], kinds: [2] },
    {
      name: "when the next append continues",
      messages: [append(1, 2), append(3, 1), append(4, 0)],
      kinds: [2, 1, 1],
    },
    { name: "not after a gap", messages: [append(1, 1), append(3, 1)], kinds: [2, 2] },
    { name: "not when it goes back", messages: [append(1, 3), append(2, 1)], kinds: [2, 2] },
    {
      name: "not in a new term",
      messages: [append(1, 1), append(2, 1, { term: 4, logTerm: 3 })],
      kinds: [2, 2],
    },
    {
      name: "not after an older entry",
      messages: [append(1, 0, { logTerm: 2 }), append(1, 1, { logTerm: 2 })],
      kinds: [2, 2],
    },
    { name: "again after a gap", messages: [append(1, 1), append(9, 1), append(10, 1)], kinds: [2, 2, 1] },
  ];
  test.each(cases)("$name", ({ messages, kinds }) => {
    const encoder = new MsgappV2Encoder();
    const writer = new Writer();
    const written = messages.map((message) => {
      encoder.write(writer, message);
      return writer.take()[0];
    });

    expect(written).toEqual(kinds);
  });
});

describe("an append stream is broken by", () => {
  const started = hexOf(encodeAll(new MsgappV2Encoder(), [append(4, 1)])); // the next index is 6
  const cases = [
    { name: "an unknown kind", hex: "03", code: "E_FRAME" },
    { name: "an entry one index too far", hex: `${started}01${lengthHex(1)}${entryHex(7)}`, code: "E_FRAME" },
    {
      name: "an entry one index too early",
      hex: `${started}01${lengthHex(1)}${entryHex(5)}`,
      code: "E_FRAME",
    },
    {
      name: "a second entry that repeats the first",
      hex: `${started}01${lengthHex(2)}${entryHex(6)}${entryHex(6)}`,
      code: "E_FRAME",
    },
    { name: "a short frame before any whole one", hex: `01${lengthHex(0)}${lengthHex(0)}`, code: "E_FRAME" },
    {
      name: "an entry that is not one",
      hex: `${started}01${lengthHex(1)}${lengthHex(2)}ffff`,
      code: "E_FRAME",
    },
    { name: "a message that is not one", hex: `02${lengthHex(2)}ffff`, code: "E_FRAME" },
    { name: "a message that is not an append", hex: `02${lengthHex(2)}0808`, code: "E_FRAME" },
    {
      name: "a commit index above 2^53",
      hex: `${started}01${lengthHex(0)}${lengthHex(1n << 60n)}`,
      code: "E_FRAME",
    },
    { name: "a giant count", hex: `01${lengthHex((1n << 64n) - 1n)}`, code: "E_TOO_LARGE" },
    { name: "a giant entry", hex: `${started}01${lengthHex(1)}${lengthHex(1n << 63n)}`, code: "E_TOO_LARGE" },
    {
      name: "an entry just over the limit",
      hex: `${started}01${lengthHex(1)}${lengthHex(MESSAGE_LIMIT_BYTES)}`,
      code: "E_TOO_LARGE",
    },
    { name: "a giant message", hex: `02${lengthHex(MESSAGE_LIMIT_BYTES + 1)}`, code: "E_TOO_LARGE" },
  ];
  test.each(cases)("$name", ({ hex, code }) => {
    const bytes = Buffer.from(hex, "hex");

    expect(() => decodeAll(new MsgappV2Decoder(SERVER, DIALLER), bytes, [bytes.length])).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("nothing, when the entry is the expected one", () => {
    const bytes = Buffer.from(`${started}01${lengthHex(1)}${entryHex(6)}${lengthHex(6)}`, "hex");

    expect(decodeAll(new MsgappV2Decoder(SERVER, DIALLER), bytes, [bytes.length])).toHaveLength(2);
  });
});

test("a length allocates nothing before its bytes have come", () => {
  const decoders = Array.from({ length: 200 }, () => new MessageDecoder());
  const before = process.memoryUsage().arrayBuffers;

  for (const decoder of decoders) {
    decoder.push(Buffer.from(MESSAGE_LIMIT_BYTES.toString(16).padStart(16, "0"), "hex"));
    expect(decoder.next()).toBeNull();
  }

  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 << 20);
});

test("the link heartbeat is never changed by those who read it", () => {
  expect(LINK_HEARTBEAT).toEqual(new Message(MessageType.Heartbeat));
});

function append(index: number, entryCount: number, terms: { term?: number; logTerm?: number } = {}): Message {
  const term = terms.term ?? 3;
  const message = new Message(MessageType.App, DIALLER, SERVER, term);
  message.logTerm = terms.logTerm ?? term;
  message.index = index;
  message.commit = index;
  message.entries = Array.from({ length: entryCount }, (_, i) => ({
    term,
    index: index + i + 1,
    type: EntryType.Normal,
    data: new Uint8Array([i]),
  }));
  return message;
}

function encodeAll(encoder: FrameEncoder, messages: readonly Message[]): Uint8Array {
  const writer = new Writer();
  for (const message of messages) encoder.write(writer, message);
  return writer.take();
}

function decodeAll(decoder: FrameDecoder, bytes: Uint8Array, cuts: readonly number[]): Message[] {
  const messages: Message[] = [];
  let start = 0;
  for (let i = 0; start < bytes.length; i++) {
    const end = start + (cuts[i % cuts.length] ?? 1);
    decoder.push(bytes.subarray(start, end));
    for (let message = decoder.next(); message !== null; message = decoder.next()) messages.push(message);
    start = end;
  }
  return messages;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function lengthHex(value: number | bigint): string {
  return value.toString(16).padStart(16, "0");
}

// An empty entry of term 3 with an index below 16, and its length.
function entryHex(index: number): string {
  return `00000000000000060800100318${index.toString(16).padStart(2, "0")}`;
}
