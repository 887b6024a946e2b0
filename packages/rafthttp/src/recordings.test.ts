// Traffic between real members, recorded on the wire (conformance/fixtures/README.md): every byte of
// it is understood as the recording says, and written again as it was.
//
// Left out, and why: the entry streams of 2.0.13 (a format that 2.3 no longer speaks), and the
// re-encoding of whole messages of 3.4.23, whose empty ConfState has other bytes.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageType, type Entry, type Message } from "@kv/raft";
import { decodeMessage, encodeMessage, parseNodeId, Writer } from "@kv/raft/codec";
import { describe, expect, test } from "vitest";
import { isLinkHeartbeat, type FrameDecoder, type FrameEncoder } from "./frames.ts";
import { MessageDecoder, MessageEncoder } from "./frames-message.ts";
import { MsgappV2Decoder, MsgappV2Encoder } from "./frames-msgappv2.ts";
import { decodeMembersJson, encodeMembersJson } from "./members-json.ts";
import { MergedSnapshotReader } from "./merged-snapshot.ts";
import { areCompatible } from "./versions.ts";

// KV_FIXTURES names another folder of recordings.
const ROOT = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "../../../conformance/fixtures"),
  "peer",
);
const LENGTH_BYTES = 8;

// As the JSON of a recording shows things; only what is compared.
interface RecordedMessage {
  readonly type: string;
  readonly to: string;
  readonly from: string;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly commit: number;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly entries: readonly RecordedEntry[];
  readonly snapshot?: RecordedSnapshot;
}
interface RecordedEntry {
  readonly Type: "EntryNormal" | "EntryConfChange";
  readonly Term: number;
  readonly Index: number;
  readonly Data?: null;
}
interface RecordedSnapshot {
  readonly dataLength: number;
  readonly dataSha1: string;
  readonly metadata: { readonly index: number; readonly term: number; readonly nodes: readonly string[] };
}
interface RecordedFrame {
  readonly offset: number;
  readonly kind?: "app" | "appEntries" | "linkHeartbeat";
  readonly linkHeartbeat?: boolean;
  readonly message?: RecordedMessage;
  readonly implied?: { term: number; logTerm: number; index: number; from: string; to: string };
  readonly entries?: readonly RecordedEntry[];
  readonly commit?: number;
}
interface RecordedExchange {
  readonly request: {
    readonly line: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly bodyLength: number;
    readonly message?: RecordedMessage;
    readonly snapshotBody?: { readonly messageLength: number; readonly message: RecordedMessage };
  };
  readonly response?: {
    readonly line: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly frames?: readonly RecordedFrame[];
  };
}
interface Exchange extends RecordedExchange {
  readonly name: string;
  readonly requestBytes: Buffer;
  readonly responseBytes: Buffer;
}

const FOLDERS = [
  { folder: "peer-v238-election", posts: 2, frames: 132 },
  { folder: "peer-v238-join-snapshot", posts: 19, frames: 215 },
  { folder: "peer-v2013-election", posts: 24, frames: 0 },
  { folder: "peer-v3423-election", posts: 1, frames: 108 },
  { folder: "peer-v3423-join-snapshot", posts: 15, frames: 219 },
];

describe.each(FOLDERS)("$folder", ({ folder, posts, frames }) => {
  const exchanges = readExchanges(folder);
  const is2x = !folder.includes("v3");
  const posted = exchanges.filter((exchange) => exchange.request.message !== undefined);
  const streams = exchanges.filter((exchange) =>
    /^GET \/raft\/stream\/(msgapp|message)\//.test(exchange.request.line),
  );

  test("holds what this test is about", () => {
    expect(posted.length).toBe(posts);
    expect(streams.reduce((sum, stream) => sum + (stream.response?.frames?.length ?? 0), 0)).toBe(frames);
  });

  test("every posted message reads as recorded, and is written as it was", () => {
    for (const { name, request, requestBytes } of posted) {
      const message = decodeMessage(requestBytes);

      expect(describeMessage(message), name).toEqual(asDescribed(request.message));
      if (is2x) expect(Buffer.from(encodeMessage(message)).equals(requestBytes), name).toBe(true);
    }
  });

  test.each([{ chunkBytes: 1 }, { chunkBytes: 7 }, { chunkBytes: 1_000_000 }])(
    "every stream frame reads as recorded in chunks of $chunkBytes bytes",
    ({ chunkBytes }) => {
      for (const stream of streams) {
        const decoder = decoderOf(stream);
        const seen: unknown[] = [];
        let offset = 0;
        for (let start = 0; start < stream.responseBytes.length; start += chunkBytes) {
          decoder.push(stream.responseBytes.subarray(start, start + chunkBytes));
          for (let message = decoder.next(); message !== null; message = decoder.next()) {
            seen.push({ offset, ...describeFramed(message) });
            offset += isLinkHeartbeat(message) ? linkHeartbeatBytes(stream, offset) : decoder.frameSizeBytes;
          }
        }

        const recorded = stream.response?.frames ?? [];
        expect(seen, stream.name).toEqual(recorded.map(frameAsDescribed));
        expect(offset, stream.name).toBe(stream.responseBytes.length);
      }
    },
  );

  test("every stream is written as it was", () => {
    for (const stream of streams) {
      const decoder = decoderOf(stream);
      const encoder = encoderOf(stream);
      decoder.push(stream.responseBytes);
      const writer = new Writer();
      let start = 0;
      for (let message = decoder.next(); message !== null; message = decoder.next()) {
        const isHeartbeat = isLinkHeartbeat(message);
        if (isHeartbeat) encoder.writeLinkHeartbeat(writer);
        else encoder.write(writer, message);
        const written = Buffer.from(writer.take());
        const size = isHeartbeat ? linkHeartbeatBytes(stream, start) : decoder.frameSizeBytes;
        const original = stream.responseBytes.subarray(start, start + size);
        start += size;
        // Whole messages of 3.4 differ in their empty ConfState; the short form of appends does not.
        if (is2x || original[0] === 1)
          expect(written.equals(original), `${stream.name} at ${start}`).toBe(true);
      }
      expect(start, stream.name).toBe(stream.responseBytes.length);
    }
  });

  test("the answers to GET /members read and write back to the same bytes", () => {
    for (const { name, request, response, responseBytes } of exchanges) {
      if (!request.line.startsWith("GET /members") || response === undefined) continue;
      if (responseBytes.includes("isLearner")) continue; // 3.4 knows more about members
      const text = responseBytes.toString();

      expect(encodeMembersJson(decodeMembersJson(text)), name).toBe(text);
    }
  });

  test("the versions that members announce to each other are compatible", () => {
    for (const { request } of exchanges) {
      const server = request.headers["X-Server-Version"];
      const minCluster = request.headers["X-Min-Cluster-Version"];
      if (server === undefined || minCluster === undefined) continue;
      expect(areCompatible({ server, minCluster }, { server, minCluster })).toBe(true);
    }
  });
});

test("the snapshot of 3.4.23 is read from in front of its database, however it is cut", async () => {
  const exchange = readExchanges("peer-v3423-join-snapshot").find(
    ({ request }) => request.snapshotBody !== undefined,
  );
  const recorded = exchange?.request.snapshotBody;
  if (exchange === undefined || recorded === undefined)
    throw new Error("the recording has a merged snapshot");

  for (const chunkBytes of [1000, 65_536, 1_000_000]) {
    const reader = new MergedSnapshotReader(inChunks(exchange.requestBytes, chunkBytes));
    const message = await reader.readMessage();
    await reader.skipDatabase();

    expect(describeMessage(message)).toEqual(asDescribed(recorded.message));
    expect(reader.messageBytes).toBe(recorded.messageLength);
  }
});

function decoderOf(stream: Exchange): FrameDecoder {
  const dialler = stream.request.line.split(" ")[1]?.split("/").at(-1) ?? "";
  const server = stream.request.headers["X-Raft-To"] ?? "";
  return stream.request.line.includes("/msgapp/")
    ? new MsgappV2Decoder(parseNodeId(server), parseNodeId(dialler))
    : new MessageDecoder();
}

function encoderOf(stream: Exchange): FrameEncoder {
  return stream.request.line.includes("/msgapp/") ? new MsgappV2Encoder() : new MessageEncoder();
}

// 1 byte in an append stream; a whole message in the other one, longer from 3.4.
function linkHeartbeatBytes(stream: Exchange, offset: number): number {
  if (stream.request.line.includes("/msgapp/")) return 1;
  return LENGTH_BYTES + Number(stream.responseBytes.readBigUInt64BE(offset));
}

function describeMessage(message: Message): unknown {
  const { data, meta } = message.snapshot;
  return {
    type: typeName(message.type),
    to: message.to,
    from: message.from,
    term: message.term,
    logTerm: message.logTerm,
    index: message.index,
    commit: message.commit,
    reject: message.reject,
    rejectHint: message.rejectHint,
    entries: message.entries.map(describeEntry),
    snapshot:
      meta.index === 0
        ? null
        : {
            dataLength: data?.length ?? 0,
            dataSha1: createHash("sha1")
              .update(data ?? "")
              .digest("hex"),
            metadata: { index: meta.index, term: meta.term, nodes: meta.confState.voters },
          },
  };
}

function describeFramed(message: Message): object {
  return isLinkHeartbeat(message) ? { linkHeartbeat: true } : { message: describeMessage(message) };
}

function describeEntry(entry: Entry): unknown {
  return { type: entry.type, term: entry.term, index: entry.index, isEmpty: entry.data === null };
}

function asDescribed(recorded: RecordedMessage | undefined): unknown {
  if (recorded === undefined) throw new Error("the recording shows a message");
  return {
    ...recorded,
    entries: recorded.entries.map(entryAsDescribed),
    snapshot: recorded.snapshot ?? null,
  };
}

function entryAsDescribed(recorded: RecordedEntry): unknown {
  return {
    type: recorded.Type === "EntryConfChange" ? 1 : 0,
    term: recorded.Term,
    index: recorded.Index,
    isEmpty: recorded.Data === null,
  };
}

function frameAsDescribed(frame: RecordedFrame): unknown {
  const { offset, implied } = frame;
  if (frame.linkHeartbeat === true || frame.kind === "linkHeartbeat") return { offset, linkHeartbeat: true };
  if (implied === undefined) return { offset, message: asDescribed(frame.message) };
  const rest = {
    type: "MsgApp",
    entries: frame.entries ?? [],
    commit: frame.commit ?? 0,
    reject: false,
    rejectHint: 0,
  };
  return { offset, message: asDescribed({ ...implied, ...rest }) };
}

function typeName(type: number): string {
  return `Msg${Object.entries(MessageType).find(([, value]) => value === type)?.[0]}`;
}

function readExchanges(folder: string): Exchange[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => /^conn-\d+\.json$/.test(name));
  return names.toSorted().flatMap((file) => {
    const path = join(ROOT, folder, file.slice(0, -".json".length));
    const recorded: { exchanges: RecordedExchange[] } = JSON.parse(readFileSync(`${path}.json`, "utf8"));
    const requests = splitHttp(readFileSync(`${path}.c2s.bin`));
    const responses = splitHttp(readFileSync(`${path}.s2c.bin`));
    return recorded.exchanges.map((exchange, i) => ({
      ...exchange,
      name: `${folder}/${file} ${exchange.request.line}`,
      requestBytes: requests[i] ?? Buffer.alloc(0),
      responseBytes: responses[i] ?? Buffer.alloc(0),
    }));
  });
}

// The bodies of the HTTP messages in one direction of a connection; the last one may be cut off.
function splitHttp(bytes: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd < 0) throw new Error("a head is cut off");
    const head = bytes.toString("latin1", at, headEnd);
    at = headEnd + 4;
    if (/\r\ntransfer-encoding: chunked/i.test(head)) {
      const dechunked = dechunk(bytes, at);
      bodies.push(dechunked.body);
      at = dechunked.end;
    } else {
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      bodies.push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return bodies;
}

function dechunk(bytes: Buffer, start: number): { body: Buffer; end: number } {
  const chunks: Buffer[] = [];
  let at = start;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2;
    if (size === 0) return { body: Buffer.concat(chunks), end: at + 2 };
    chunks.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  return { body: Buffer.concat(chunks), end: at };
}

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes)
    yield bytes.subarray(start, start + chunkBytes);
}
