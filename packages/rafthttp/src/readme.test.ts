// The example of the README, run, and compared with what the README prints.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Message, MessageType } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { HttpTransport, systemClock } from "./index.ts";
import {
  CLUSTER,
  Happenings,
  portOf,
  RecordingReceiver,
  recordingLogger,
  serve,
  TestMember,
} from "./member.test.support.ts";

test("the example of the README joins a member and sends it a message", async () => {
  await using other = await TestMember.start("b");
  const happenings = new Happenings();
  const receiver = new RecordingReceiver(happenings);
  const stats = receiver;
  const logger = recordingLogger(happenings);
  const clusterId = CLUSTER;
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ownUrl = `http://127.0.0.1:${portOf(server)}`;
  const otherUrl = other.url;
  function listen(transport: HttpTransport): void {
    serve(server, transport.handler, happenings);
  }

  // README
  const own = parseNodeId("a");
  const peer = parseNodeId("b");
  const transport = new HttpTransport(
    { id: own, clusterId, peerUrls: [ownUrl], version: "2.3.8", minClusterVersion: "2.2.0" },
    { receiver, stats, clock: systemClock, logger },
  );
  listen(transport); // mounts transport.handler on any engine of the HTTP seam

  transport.addPeer(peer, [otherUrl]); // dials both streams now, and again whenever they end
  transport.send([new Message(MessageType.HeartbeatResp, peer, own, 7)]); // never waits
  // end of README

  await other.happenings.until(/^process 9 from a/);
  await transport.close();
  server.closeAllConnections();
  server.close();
  expect(readFileSync(join(import.meta.dirname, "../README.md"), "utf8")).toContain(
    exampleOf(import.meta.filename),
  );
});

function exampleOf(file: string): string {
  const source = readFileSync(file, "utf8");
  const example = source.slice(source.indexOf("  // README\n") + 12, source.indexOf("  // end of README"));
  return example.replaceAll(/^ {2}/gm, "");
}
