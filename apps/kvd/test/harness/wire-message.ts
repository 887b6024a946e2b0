// Raft messages as they are on the wire, written and read by hand: what other programs send and
// expect must not depend on the codec under test. Fields and numbers: disk-format.md §2.

/** Types of messages. */
export const WireType = {
  App: 3n,
  AppResp: 4n,
  Vote: 5n,
  VoteResp: 6n,
  Snap: 7n,
  Heartbeat: 8n,
  HeartbeatResp: 9n,
} as const;

/** The numeric fields of a message; those that are missing are zero. */
export interface WireFields {
  readonly type: bigint;
  readonly to?: bigint;
  readonly from?: bigint;
  readonly term?: bigint;
  readonly logTerm?: bigint;
  readonly index?: bigint;
  readonly commit?: bigint;
  readonly reject?: boolean;
  readonly rejectHint?: bigint;
}

/** What a message says, and its bytes in hex. */
export interface WireMessage extends Required<WireFields> {
  readonly entryCount: number;
  readonly raw: string;
}

/** The empty snapshot that 2.3.8 writes into every message. */
const NO_SNAPSHOT = [0x4a, 0x08, 0x12, 0x06, 0x0a, 0x00, 0x10, 0x00, 0x18, 0x00];

/** The bytes of 2.3.8 for a message without entries. */
export function encodeWireMessage(fields: WireFields): Uint8Array {
  const { type, to = 0n, from = 0n, term = 0n, logTerm = 0n, index = 0n, commit = 0n } = fields;
  const head = [type, to, from, term, logTerm, index];
  return Uint8Array.from([
    ...head.flatMap((value, i) => [(i + 1) * 8, ...varint(value)]),
    8 * 8,
    ...varint(commit),
    ...NO_SNAPSHOT,
    10 * 8,
    fields.reject === true ? 1 : 0,
    11 * 8,
    ...varint(fields.rejectHint ?? 0n),
  ]);
}

/** The fields of a protobuf record by number, in their order: numbers and bytes. */
export function wireFieldsOf(bytes: Uint8Array): readonly (readonly [number, bigint | Uint8Array])[] {
  const fields: [number, bigint | Uint8Array][] = [];
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(next());
    if (tag % 8 === 0) {
      fields.push([tag >> 3, next()]);
    } else {
      const size = Number(next());
      fields.push([tag >> 3, bytes.subarray(at, (at += size))]);
    }
  }
  return fields;
}

/** Reads a message; entries are only counted. */
export function decodeWireMessage(bytes: Uint8Array): WireMessage {
  const fields = wireFieldsOf(bytes);
  const field = (wanted: number): bigint => {
    const value = fields.find(([number]) => number === wanted)?.[1];
    return typeof value === "bigint" ? value : 0n;
  };
  return {
    type: field(1),
    to: field(2),
    from: field(3),
    term: field(4),
    logTerm: field(5),
    index: field(6),
    commit: field(8),
    reject: field(10) !== 0n,
    rejectHint: field(11),
    entryCount: fields.filter(([number]) => number === 7).length,
    raw: Buffer.from(bytes).toString("hex"),
  };
}

/** A number as protobuf writes it. */
export function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}
