// Peers over https: both sides show the certificate, and each checks the other's.

import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { Message, MessageType } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import type { PeerTls } from "./dispatcher.ts";
import {
  CLUSTER,
  Happenings,
  ManualClock,
  portOf,
  RecordingReceiver,
  recordingLogger,
  serve,
  TestMember,
} from "./member.test.support.ts";
import { fetchMembers } from "./peer-client.ts";
import { HttpTransport } from "./transport.ts";

// Made for this test, for 127.0.0.1, valid for a hundred years; it protects nothing.
const CERT = `-----BEGIN CERTIFICATE-----
MIIBmDCCAUCgAwIBAgIUQZLyj0+Eyi0DKcDq9CisxPhbvGUwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOa3YgdGVzdCBtZW1iZXIwIBcNMjYxMTIzMDE1MDExWhgPMjEy
NjEwMzAwMTUwMTFaMBkxFzAVBgNVBAMMDmt2IHRlc3QgbWVtYmVyMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAECHlpkI2CCwd4rxIHWaiH5poPTFYPp3Ct5/X+bVNd
Y57ocgv8+52EKbvPj9/mjBM6aMXKoX3cCk9MVO1rGHAuAaNkMGIwHQYDVR0OBBYE
FJQ07CKuqkELp4iuowr412FO6gDcMB8GA1UdIwQYMBaAFJQ07CKuqkELp4iuowr4
12FO6gDcMA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjO
PQQDAgNGADBDAiBpAMkrkWlOfFXh1AM8rXCpuhBk7kJvBL1o8eUZFUCQBAIfG9Bk
XkkqgqlRl9NWtj35oLPeKTenrdirKNhywuZpUw==
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbRXY2vQ3eNgNBZiz
j8bsYfM0k2FdvSXM6Jq9xMPawcWhRANCAAQIeWmQjYILB3ivEgdZqIfmmg9MVg+n
cK3n9f5tU11jnuhyC/z7nYQpu8+P3+aMEzpoxcqhfdwKT0xU7WsYcC4B
-----END PRIVATE KEY-----
`;

const A = parseNodeId("a");
const B = parseNodeId("b");

test("streams and posts work over https with certificates on both sides", async () => {
  await using b = await startSecure();
  await using a = await TestMember.start("a", 0, { tls: { ca: CERT, cert: CERT, key: KEY } });
  b.transport.addPeer(A, [a.url]);
  a.transport.addPeer(B, [b.url]);
  await b.happenings.until(/^200 GET \/raft\/stream\/message\/a/);

  b.transport.send([new Message(MessageType.Heartbeat, A, B, 1)]);
  a.transport.send([new Message(MessageType.Snap, B, A, 1)]);

  await a.happenings.until(/^process 8/);
  await a.happenings.until(/^snapshot b delivered/);
  expect(b.happenings.count(/^204 POST/)).toBe(1);
});

const UNTRUSTED: readonly { name: string; tls: PeerTls | null }[] = [
  { name: "shows no certificate", tls: { ca: CERT } },
  { name: "does not trust the peer's", tls: null },
];
test.each(UNTRUSTED)("a member that $name gets nothing through", async ({ tls }) => {
  await using b = await startSecure();
  await using a = await TestMember.start("a", 0, { tls });
  a.transport.addRemote(B, [b.url]);

  a.transport.send([new Message(MessageType.Heartbeat, B, A, 1)]);

  await a.happenings.until(/^unreachable b/);
  expect(b.happenings.count(/^process/)).toBe(0);
  await expect(fetchMembers(b.url, { timeoutMs: 2_000, tls })).rejects.toThrow();
});

interface SecureMember extends AsyncDisposable {
  readonly url: string;
  readonly transport: HttpTransport;
  readonly happenings: Happenings;
}

async function startSecure(): Promise<SecureMember> {
  const happenings = new Happenings();
  const receiver = new RecordingReceiver(happenings);
  const server: Server = createServer({ cert: CERT, key: KEY, ca: CERT, requestCert: true });
  const transport = new HttpTransport(
    { id: B, clusterId: CLUSTER, peerUrls: [], version: "2.3.8", minClusterVersion: "2.2.0" },
    { receiver, stats: receiver, clock: new ManualClock(happenings), logger: recordingLogger(happenings) },
  );
  serve(server, transport.handler, happenings);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    happenings,
    transport,
    url: `https://127.0.0.1:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      await transport.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
