import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";

const EVENT = setEvent("/a", "v", 7);

describe("https", () => {
  let certificate: Buffer;
  let server: Server;
  let url = "";
  let requestCount = 0;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "kv-client-tls-"));
    const paths = ["-keyout", join(directory, "key"), "-out", join(directory, "crt")];
    const subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
    const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"];
    execFileSync("openssl", ["req", ...options, ...paths, ...subject], { stdio: "ignore" });
    certificate = await readFile(join(directory, "crt"));
    server = createServer(
      { cert: certificate, key: await readFile(join(directory, "key")) },
      (_request, response) => {
        requestCount++;
        response.end(JSON.stringify(EVENT));
      },
    );
    await rm(directory, { recursive: true });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    if (address === null || typeof address === "string")
      throw new Error("the server does not listen on a port");
    url = `https://127.0.0.1:${address.port}`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  });

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
