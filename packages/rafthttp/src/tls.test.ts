// Peers over https: both sides show the certificate, and each checks the other's.

import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { TLSSocket } from "node:tls";
import { Message, MessageType } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { expect, onTestFinished, test } from "vitest";
import { createDispatcher, type PeerTls } from "./dispatcher.ts";
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

// Another one, to take its place.
const NEXT_CERT = `-----BEGIN CERTIFICATE-----
MIIBljCCATygAwIBAgIUMse6EtxcytztYOcOMUAElKtNAkcwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMa3Ygc3VjY2Vzc29yMCAXDTI2MTEyNTIyMTcwNVoYDzIxMjYx
MTAxMjIxNzA1WjAXMRUwEwYDVQQDDAxrdiBzdWNjZXNzb3IwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQNNvs0pymf4iHv2KkQ/g+aAYacshM3AfypU9i/dmGqeiHX
qUmciRaXXU1DO9w8w/HDuizVjxXrY9kPKKYuNJd2o2QwYjAdBgNVHQ4EFgQUzy8y
u3LEwC3NlRlsdyCF5uVAMFQwHwYDVR0jBBgwFoAUzy8yu3LEwC3NlRlsdyCF5uVA
MFQwDwYDVR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMC
A0gAMEUCIQDofOE57wU337xgP32Im1f/VqlldMDt3kprgLaGvPfRxAIgKjgzl34e
WwzLhNXAqlV/DQHEZyf1fVIGRyYlNTIFBpY=
-----END CERTIFICATE-----
`;
const NEXT_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbaGjjDOY7G/+ZgIT
wRzVw1GQNxesL52mh3Fc08twpMyhRANCAAQNNvs0pymf4iHv2KkQ/g+aAYacshM3
AfypU9i/dmGqeiHXqUmciRaXXU1DO9w8w/HDuizVjxXrY9kPKKYuNJd2
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

test("certificates that change are used by the next connection", async () => {
  const server = createServer(
    { cert: CERT, key: KEY, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      response.shouldKeepAlive = false;
      response.end(socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : "");
    },
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  let tls: PeerTls = { ca: CERT, cert: CERT, key: KEY };
  const dispatcher = createDispatcher({ dialTimeoutMs: 2_000, tls: () => tls });
  onTestFinished(async () => {
    await dispatcher.destroy();
    server.close();
  });
  const shown = async (): Promise<string> => {
    const origin = `https://127.0.0.1:${portOf(server)}`;
    const { body } = await dispatcher.request({ origin, path: "/", method: "GET" });
    return body.text();
  };

  expect(await shown()).toBe("kv test member");
  tls = { ca: CERT, cert: NEXT_CERT, key: NEXT_KEY };
  expect(await shown()).toBe("kv successor");
  tls = { ca: NEXT_CERT, cert: NEXT_CERT, key: NEXT_KEY };
  await expect(shown()).rejects.toThrow(/self-signed certificate/);
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
