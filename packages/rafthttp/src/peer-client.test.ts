import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { expect, test } from "vitest";
import { portOf } from "./member.test.support.ts";
import { fetchMembers, fetchVersion } from "./peer-client.ts";

const ASK = { timeoutMs: 2_000 };

test("the member list comes with the id of the cluster", async () => {
  await using server = await answering((request, response) => {
    expect(request.url).toBe("/members");
    response.setHeader("X-Etcd-Cluster-ID", "9310fed51ebd797a");
    response.end('[{"id":14926168586145543212,"peerURLs":["http://127.0.0.1:1"],"name":"A"}]\n');
  });

  expect(await fetchMembers(server.url, ASK)).toEqual({
    clusterId: "9310fed51ebd797a",
    members: [{ id: "cf24673f32ccb42c", name: "A", peerUrls: ["http://127.0.0.1:1"], clientUrls: [] }],
  });
});

test.each([
  { body: '{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}', versions: { server: "2.3.8", cluster: "2.3.0" } },
  {
    body: '{"etcdserver":"2.3.8","etcdcluster":"not_decided"}',
    versions: { server: "2.3.8", cluster: null },
  },
])("versions are read from $body", async ({ body, versions }) => {
  await using server = await answering((_, response) => response.end(body));

  expect(await fetchVersion(server.url, ASK)).toEqual(versions);
});

test("a member without /version is one of 2.0", async () => {
  await using server = await answering((_, response) => {
    response.statusCode = 404;
    response.end("404 page not found\n");
  });

  expect(await fetchVersion(server.url, ASK)).toEqual({ server: "2.0.0", cluster: "2.0.0" });
});

test.each([
  { name: "another status", status: 500, body: "[]", code: "E_STATUS" },
  { name: "no cluster id", status: 200, body: "[]", code: "E_FRAME" },
  { name: "an endless answer", status: 200, body: " ".repeat(2 << 20), code: "E_TOO_LARGE" },
])("$name is an error of code $code", async ({ status, body, code }) => {
  await using server = await answering((_, response) => {
    response.statusCode = status;
    response.end(body);
  });

  await expect(fetchMembers(server.url, ASK)).rejects.toMatchObject({ code });
});

test("a version answer that names no version is refused", async () => {
  await using server = await answering((_, response) => response.end("{}"));

  await expect(fetchVersion(server.url, ASK)).rejects.toMatchObject({ code: "E_FRAME" });
});

test("a member that hangs is given up in time, or when the caller says so", async () => {
  await using server = await answering(() => {});
  const caller = new AbortController();
  const waiting = fetchMembers(server.url, { timeoutMs: 60_000, signal: caller.signal });
  await once(server.server, "request");

  caller.abort(new Error("enough"));

  await expect(waiting).rejects.toThrow("enough");
  await expect(fetchMembers(server.url, { timeoutMs: 20 })).rejects.toMatchObject({ name: "TimeoutError" });
});

test("what is not a peer URL is not asked", async () => {
  await expect(fetchMembers("ftp://a", ASK)).rejects.toMatchObject({ code: "E_URL" });
});

async function answering(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly url: string; readonly server: Server }> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    url: `http://127.0.0.1:${portOf(server)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
