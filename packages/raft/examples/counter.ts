// A counter on several machines, over TCP or local sockets:
//
//   node examples/counter.ts 1 1=7001 2=7002 3=7003        (and the same with 2 and 3 in front)
//
// A line on standard input is a number to add; the leader answers with the new value, the others say whom
// to ask. The members keep everything in memory: one that ends must not come back. `@kv/wal` is a disk.

import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { EntryType, MemoryStorage, NONE, parseNodeId, RaftError } from "@kv/raft";
import type { ConfChange, Entry, Message, NodeId, Snapshot } from "@kv/raft";
import { decodeMessage, encodeMessage } from "@kv/raft/codec";
import { MemoryStable, runNode, systemClock } from "@kv/raft/node";
import type { StateMachine } from "@kv/raft/node";

const LENGTH_BYTES = 4;
const RECONNECT_MS = 100;

class Counter implements StateMachine {
  value = 0;

  apply(entries: readonly Entry[]): number[] {
    return entries.map(({ type, data }) => {
      if (type === EntryType.Normal && data !== null) this.value += Number(new TextDecoder().decode(data));
      return this.value;
    });
  }
  applyConfChange(change: ConfChange): ConfChange {
    return change;
  }
  restore({ data }: Snapshot): void {
    this.value = Number(new TextDecoder().decode(data ?? new Uint8Array(0)));
  }
}

/** One direction of a link: a frame is the length of a message and the message. What cannot be sent is lost. */
class Link {
  readonly #address: string;
  readonly #onLost: () => void;
  #socket: Socket | null = null;

  constructor(address: string, onLost: () => void) {
    this.#address = address;
    this.#onLost = onLost;
    this.#open();
  }

  send(message: Message): void {
    if (this.#socket === null) {
      this.#onLost();
      return;
    }
    const bytes = encodeMessage(message);
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length);
    frame.writeUInt32BE(bytes.length);
    frame.set(bytes, LENGTH_BYTES);
    this.#socket.write(frame);
  }

  #open(): void {
    const port = Number(this.#address);
    const socket = Number.isInteger(port) ? connect(port) : connect(this.#address);
    socket.on("connect", () => (this.#socket = socket));
    socket.on("error", () => this.#onLost());
    socket.on("close", () => {
      this.#socket = null;
      setTimeout(() => this.#open(), RECONNECT_MS);
    });
  }
}

/** Calls `onMessage` for each whole frame that arrives. */
function receive(socket: Socket, onMessage: (message: Message) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt32BE();
      if (rest.length < end) return;
      onMessage(decodeMessage(rest.subarray(LENGTH_BYTES, end)));
      rest = rest.subarray(end);
    }
  });
  socket.on("error", () => socket.destroy());
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

const [self = "", ...pairs] = process.argv.slice(2);
const addresses = new Map(
  pairs.map((pair): [NodeId, string] => {
    const [id = "", address = ""] = pair.split("=");
    return [parseNodeId(id), address];
  }),
);
const id = parseNodeId(self);
const links = new Map<NodeId, Link>();

const node = runNode({
  raft: { id, random: (n) => Math.floor(Math.random() * n) },
  memory: new MemoryStorage(),
  stable: new MemoryStable(),
  transport: { send: (messages) => messages.forEach((message) => links.get(message.to)?.send(message)) },
  machine: new Counter(),
  clock: systemClock,
  tickMs: 20,
  bootstrap: [...addresses.keys()].map((member) => ({ id: member })),
  onFatal: (error) => {
    throw error;
  },
});
node.on("leader", ({ lead }) => {
  if (lead !== NONE) print(`leader ${lead}`);
});

for (const [member, address] of addresses) {
  if (member !== id) links.set(member, new Link(address, () => node.reportUnreachable(member)));
}
const address = addresses.get(id) ?? "";
const server = createServer((socket) => receive(socket, (message) => node.step(message)));
server.listen(Number.isInteger(Number(address)) ? Number(address) : address);

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { result } = await node.propose(new TextEncoder().encode(line));
    print(`= ${String(result)}`);
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    print(error.code === "E_PROPOSAL_DROPPED" ? `ask ${node.leader}` : error.code);
  }
}
