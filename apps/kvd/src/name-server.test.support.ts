// A name server that tests run: it answers questions for addresses and SRV records from a table.

import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";

const TYPE_A = 1;
const TYPE_SRV = 33;
const NAME_ERROR = 3;

/** What it knows: by name, addresses or `port target`. */
export type Zone = Readonly<
  Record<string, { readonly a?: readonly string[]; readonly srv?: readonly string[] }>
>;

/** Listens on a port of its own until it is disposed of. */
export class NameServer implements Disposable {
  zone: Zone = {};
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (query, from) => socket.send(answer(query, this.zone), from.port, from.address));
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket("udp4");
    const server = new NameServer(socket);
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return server;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** The answer to a query with one question (RFC 1035 §4.1). */
function answer(query: Buffer, zone: Zone): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const entry = zone[labels.join(".").toLowerCase()];
  const records =
    type === TYPE_A
      ? (entry?.a ?? []).map((address) => Buffer.from(address.split(".").map(Number)))
      : type === TYPE_SRV
        ? (entry?.srv ?? []).map(srvData)
        : [];
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8580 | (entry === undefined ? NAME_ERROR : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const question = query.subarray(12, at + 5);
  return Buffer.concat([head, question, ...records.map((data) => record(type, data))]);
}

function record(type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0); // the name of the question
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(60, 6);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

function srvData(text: string): Buffer {
  const [port = "", target = ""] = text.split(" ");
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(Number(port), 4);
  const labels = target
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([fixed, ...labels, Buffer.alloc(1)]);
}
