import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Message, type MessageType } from "../message.ts";
import { EMPTY_SNAPSHOT } from "../types.ts";
import type {
  ConfChange,
  ConfChangeType,
  ConfState,
  Entry,
  EntryType,
  HardState,
  NodeId,
  Snapshot,
} from "../types.ts";
import { decodeConfChange, decodeConfChangeV2, encodeConfChange, encodeConfChangeV2 } from "./conf-change.ts";
import { decodeEntry, encodeEntry, entrySize } from "./entry.ts";
import { decodeMessage, encodeMessage, messageSize } from "./message.ts";
import { parseNodeId } from "./node-id.ts";
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

// Written by the marshalling of etcd 2.3.8. Numbers are decimal text, ids and bytes are hex.
interface Vector {
  readonly hex: string;
  readonly kind: "Entry" | "ConfChange" | "HardState" | "Snapshot" | "Message";
  readonly name: string;
  readonly size: number;
  readonly value: VectorValue;
}
interface VectorValue {
  readonly type?: EntryType | MessageType | ConfChangeType;
  readonly id?: string;
  readonly nodeID?: string;
  readonly to?: string;
  readonly from?: string;
  readonly term?: string;
  readonly vote?: string;
  readonly logTerm?: string;
  readonly index?: string;
  readonly commit?: string;
  readonly reject?: boolean;
  readonly rejectHint?: string;
  readonly nodes?: readonly string[];
  readonly entries?: readonly (readonly [string, string, EntryType, string | null])[];
  readonly data?: string;
  readonly dataIsNil?: boolean;
  readonly context?: string;
  readonly snapshot?: string;
}
const VECTORS_URL = new URL("../../../../conformance/raft-codec-vectors.json", import.meta.url);
const vectors: readonly Vector[] = JSON.parse(readFileSync(VECTORS_URL, "utf8")).vectors;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const toHex = (encoded: Uint8Array): string => Buffer.from(encoded).toString("hex");
const optionalBytes = (hex: string | null | undefined): Uint8Array | null =>
  typeof hex === "string" ? bytes(hex) : null;
const number = (text = "0"): number => Number(text);
const id = (text = "0"): NodeId => parseNodeId(text);
const voters = (ids: readonly string[]): ConfState => ({
  voters: ids.map(parseNodeId),
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
});

function entryOf(value: VectorValue): Entry {
  return {
    term: number(value.term),
    index: number(value.index),
    type: value.type === 1 ? 1 : 0,
    data: value.dataIsNil === true ? null : optionalBytes(value.data),
  };
}

function snapshotOf(value: VectorValue): Snapshot {
  const confState = voters(value.nodes ?? []);
  return {
    meta: { index: number(value.index), term: number(value.term), confState },
    data: optionalBytes(value.data),
  };
}

function messageOf(value: VectorValue): Message {
  const message = new Message(value.type ?? 0, id(value.to), id(value.from), number(value.term));
  message.logTerm = number(value.logTerm);
  message.index = number(value.index);
  message.commit = number(value.commit);
  message.reject = value.reject === true;
  message.rejectHint = number(value.rejectHint);
  message.entries = (value.entries ?? []).map(([term, index, type, data]) => ({
    term: number(term),
    index: number(index),
    type,
    data: optionalBytes(data),
  }));
  if (value.snapshot !== undefined) {
    message.snapshot = snapshotOf(vectors.find((vector) => vector.name === "snapshot")!.value);
  }
  return message;
}

describe("K-01: the bytes of etcd 2.3.8", () => {
  test.each(vectors.filter((vector) => vector.kind === "Entry"))("entry $name", ({ hex, size, value }) => {
    const entry = entryOf(value);

    expect(toHex(encodeEntry(entry))).toBe(hex);
    expect(decodeEntry(bytes(hex))).toEqual(entry);
    expect(entrySize(entry)).toBe(size);
  });

  test.each(vectors.filter((vector) => vector.kind === "HardState"))(
    "hard state $name",
    ({ hex, size, value }) => {
      const state: HardState = {
        term: number(value.term),
        vote: id(value.vote),
        commit: number(value.commit),
      };

      expect(toHex(encodeHardState(state))).toBe(hex);
      expect(decodeHardState(bytes(hex))).toEqual(state);
      expect(hardStateSize(state)).toBe(size);
    },
  );

  test.each(vectors.filter((vector) => vector.kind === "Snapshot"))(
    "snapshot $name",
    ({ hex, size, value }) => {
      const snapshot = snapshotOf(value);

      expect(toHex(encodeSnapshot(snapshot))).toBe(hex);
      expect(decodeSnapshot(bytes(hex))).toEqual(snapshot);
      expect(snapshotSize(snapshot)).toBe(size);
    },
  );

  test.each(vectors.filter((vector) => vector.kind === "ConfChange"))("change $name", ({ hex, value }) => {
    const change: ConfChange = {
      id: id(value.id),
      type: value.type === 1 ? 1 : 0,
      nodeId: id(value.nodeID),
      context: optionalBytes(value.context),
    };

    expect(toHex(encodeConfChange(change))).toBe(hex);
    expect(decodeConfChange(bytes(hex))).toEqual(change);
  });

  test.each(vectors.filter((vector) => vector.kind === "Message"))(
    "message $name",
    ({ hex, size, value }) => {
      const message = messageOf(value);

      expect(toHex(encodeMessage(message))).toBe(hex);
      expect(decodeMessage(bytes(hex))).toEqual(message);
      expect(messageSize(message)).toBe(size);
    },
  );
});

test("a configuration of voters only is written as 2.x does, without auto_leave", () => {
  const state = voters(["1", "8e9e05c52164694d"]);

  expect(toHex(encodeConfState(state))).toBe("080108cdd2918bd2b881cf8e01");
});

test("K-03: a configuration of 3.4, which ends with auto_leave, and a packed one are read", () => {
  expect(decodeConfState(bytes("080108022800"))).toEqual(voters(["1", "2"]));
  expect(decodeConfState(bytes("0a020102"))).toEqual(voters(["1", "2"]));
});

test("modern configuration fields are written when they say something", () => {
  const state: ConfState = {
    voters: [id("1")],
    learners: [id("2")],
    votersOutgoing: [id("1"), id("3")],
    learnersNext: [id("3")],
    autoLeave: true,
  };

  const encoded = encodeConfState(state);

  expect(toHex(encoded)).toBe("080110021801180320032801");
  expect(encoded.length).toBe(confStateSize(state));
  expect(decodeConfState(encoded)).toEqual(state);
});

test("K-07: the empty snapshot inside a decoded message is the shared one", () => {
  const heartbeat = decodeMessage(bytes("08081002180120022800300040054a0812060a001000180050005800"));

  expect(heartbeat.snapshot).toBe(EMPTY_SNAPSHOT);
});

test("K-02: fields may come in any order, unknown ones are passed over and missing ones are zero", () => {
  const data = "2203616263";
  const unknown = "7a0161f80101890101020304050607087d01020304";

  expect(decodeEntry(bytes(`${unknown}1807${data}`))).toEqual({
    term: 0,
    index: 7,
    type: 0,
    data: bytes("616263"),
  });
});

test("K-08: no data and empty data are different, and each comes back as it was", () => {
  const none: Entry = { term: 1, index: 2, type: 0, data: null };
  const empty: Entry = { ...none, data: new Uint8Array(0) };

  expect([none, empty].map((entry) => toHex(encodeEntry(entry)))).toEqual([
    "080010011802",
    "0800100118022200",
  ]);
  expect([none, empty].map((entry) => decodeEntry(encodeEntry(entry)))).toEqual([none, empty]);
});

test("K-07: a message without the field of the snapshot has the empty one, like one that writes it", () => {
  expect(decodeMessage(bytes("0808")).snapshot).toEqual(EMPTY_SNAPSHOT);
  expect(decodeMessage(bytes("08084a00")).snapshot).toEqual(EMPTY_SNAPSHOT);
});

test("K-12: the joint change that leaves by itself is two bytes, and no bytes at all are the same", () => {
  const leave = { transition: 0, changes: [], context: null } as const;

  expect(toHex(encodeConfChangeV2(leave))).toBe("0800");
  expect(decodeConfChangeV2(bytes("0800"))).toEqual(leave);
  expect(decodeConfChangeV2(new Uint8Array(0))).toEqual(leave);
});

test.each([
  ["data that is longer than the bytes", "08002205616263"],
  ["an end inside a varint", "080018ff"],
  ["K-05: a varint of eleven bytes", "10808080808080808080808001"],
  ["K-05: a varint above 64 bits", "10ffffffffffffffffff02"],
  ["K-06: a length of 2^63", "0800 22 80808080808080808001"],
  ["K-06: a length of 2^32 without the bytes", "0800 22 8080808010"],
  ["a group", "0b0c"],
  ["a field number of 0", "0000"],
  ["an unknown wire type", "0f00"],
  ["another wire type than the field has", "0d01000000"],
  ["a type of entry that nobody knows", "0803"],
])("%s is refused", (_, hex) => {
  expect(() => decodeEntry(bytes(hex.replaceAll(" ", "")))).toThrow(
    expect.objectContaining({ code: "E_CODEC" }),
  );
});

test("K-05: an index above 2^53-1 is out of range, and the largest one below is not", () => {
  const largest = encodeEntry({ term: 1, index: Number.MAX_SAFE_INTEGER, type: 0, data: null });

  expect(decodeEntry(largest).index).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => decodeEntry(bytes("188080808080808010"))).toThrow(
    expect.objectContaining({ code: "E_U64_RANGE" }),
  );
});

test("a message of a type that nobody knows is refused", () => {
  expect(() => decodeMessage(bytes("0818"))).toThrow(expect.objectContaining({ code: "E_CODEC" }));
});

test("a nested message cannot reach beyond its own length", () => {
  // field 7 is an entry of two bytes, whose second field is cut by that length
  expect(() => decodeMessage(bytes("3a02108001"))).toThrow(expect.objectContaining({ code: "E_CODEC" }));
});
