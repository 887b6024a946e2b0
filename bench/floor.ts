// The floor: a bare node:net server that gives every request the same answer, one as etcd gives to a read,
// and does nothing else. What is left to gain below it are the runtime, the kernel and wrk.
//
//   node bench/floor.ts PORT HOST
//
// Only the first request of a connection is looked at: it may be a wait at the gate, the question how many wait
// there, or the write that opens it (gate.ts).

import { createServer } from "node:net";
import type { Socket } from "node:net";
import process from "node:process";

const EVENT = `{"action":"get","node":{"key":"/bench/0","value":"${"v".repeat(64)}","modifiedIndex":4,"createdIndex":4}}\n`;
const ANSWER = Buffer.from(answer(EVENT, "keep-alive"), "latin1");

let waiting: Socket[] = [];

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy()); // wrk resets its connections at the end of a run.
  socket.once("data", (request) => answerFirst(socket, request.toString("latin1")));
});

server.listen(Number(process.argv[2]), process.argv[3], () => console.error("floor is ready"));

function answerFirst(socket: Socket, request: string): void {
  if (request.startsWith("GET /v2/stats/store")) {
    socket.end(answer(`{"watchers":${waiting.length}}`, "close"));
    return;
  }
  if (request.startsWith("PUT ")) {
    for (const waiter of waiting) waiter.write(ANSWER);
    waiting = [];
    socket.end(answer(EVENT, "close"));
    return;
  }
  socket.on("data", () => socket.write(ANSWER));
  if (request.includes("?wait=true")) waiting.push(socket);
  else socket.write(ANSWER);
}

function answer(body: string, connection: string): string {
  return [
    "HTTP/1.1 200 OK",
    "Content-Type: application/json",
    "X-Etcd-Cluster-Id: 7e27652122e8b2ae",
    "X-Etcd-Index: 1003",
    "X-Raft-Index: 1007",
    "X-Raft-Term: 2",
    "Date: Thu, 01 Jan 2026 00:00:00 GMT",
    `Connection: ${connection}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}
