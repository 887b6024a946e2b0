import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";

const EVENT = setEvent("/a", "v", 7);

interface Identity {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate that is its own authority, and its key. */
async function selfSigned(commonName: string): Promise<Identity> {
  const directory = await mkdtemp(join(tmpdir(), "kv-client-tls-"));
  const paths = ["-keyout", join(directory, "key"), "-out", join(directory, "crt")];
  const subject = ["-subj", `/CN=${commonName}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"];
  execFileSync("openssl", ["req", ...options, ...paths, ...subject], { stdio: "ignore" });
  const identity = {
    cert: await readFile(join(directory, "crt")),
    key: await readFile(join(directory, "key")),
  };
  await rm(directory, { recursive: true });
  return identity;
}

/** The URL of a server that begins to listen. */
async function listen(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return `https://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await once(server.close(), "close");
}

describe("https", () => {
  let certificate: Buffer;
  let server: Server;
  let url = "";
  let requestCount = 0;

  beforeAll(async () => {
    const identity = await selfSigned("server");
    certificate = identity.cert;
    server = createServer(identity, (_request, response) => {
      requestCount++;
      response.end(JSON.stringify(EVENT));
    });
    url = await listen(server);
  });

  afterAll(() => stop(server));

  test("a server whose authority is given is trusted, as bytes or as text", async () => {
    await using withBytes = new Client({ endpoints: [url], tls: { ca: new Uint8Array(certificate) } });
    await using withText = new Client({ endpoints: [url], tls: { ca: certificate.toString("ascii") } });

    expect((await withBytes.keys.get("/a")).node.value).toBe("v");
    expect((await withText.keys.get("/a")).node.value).toBe("v");
  });

  test("another server is E_TLS, and a write has then not been sent: the next endpoint gets it", async () => {
    await using other = await ScriptedServer.start(json(EVENT));
    await using alone = new Client({ endpoints: [url] });
    await using both = new Client({ endpoints: [url, other.url], endpointOrder: "given" });
    const before = requestCount;

    await expect(alone.keys.set("/a", "v")).rejects.toMatchObject({ code: "E_TLS", outcomeUnknown: false });
    await both.keys.set("/a", "v");

    expect(other.lines).toEqual(["PUT /v2/keys/a"]);
    expect(requestCount).toBe(before);
  });
});

describe("https with certificates on both sides", () => {
  const namesSeen: (string | string[] | undefined)[] = [];
  let authority: Buffer;
  let own: Identity;
  let server: Server;
  let url = "";

  beforeAll(async () => {
    const identity = await selfSigned("server");
    authority = identity.cert;
    own = await selfSigned("ann");
    // TLS 1.3 lets a client send before it learns that its certificate is refused.
    const options = { ...identity, ca: own.cert, requestCert: true, maxVersion: "TLSv1.2" } as const;
    server = createServer(options, ({ socket }, response) => {
      if (socket instanceof TLSSocket) namesSeen.push(socket.getPeerCertificate().subject.CN);
      response.end(JSON.stringify(EVENT));
    });
    url = await listen(server);
  });

  afterAll(() => stop(server));

  test("the client shows its certificate, given as bytes or as text", async () => {
    const text = { ca: authority, cert: own.cert.toString("ascii"), key: own.key.toString("ascii") };
    await using withBytes = new Client({ endpoints: [url], tls: { ca: authority, ...own } });
    await using withText = new Client({ endpoints: [url], tls: text });

    await withBytes.keys.get("/a");
    await withText.keys.get("/a");

    expect(namesSeen.splice(0)).toEqual(["ann", "ann"]);
  });

  test("without one the handshake fails, and nothing is asked", async () => {
    await using client = new Client({ endpoints: [url], tls: { ca: authority } });

    await expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_TLS" });

    expect(namesSeen).toEqual([]);
  });
});

test("a given dispatcher is used and stays open when the client closes", async () => {
  await using server = await ScriptedServer.start(json(EVENT));
  const dispatcher = new Agent();
  const first = new Client({ endpoints: [server.url], dispatcher });
  await first.keys.get("/a");

  await first.close();

  await using second = new Client({ endpoints: [server.url], dispatcher });
  expect((await second.keys.get("/a")).node.value).toBe("v");
  await dispatcher.close();
});
