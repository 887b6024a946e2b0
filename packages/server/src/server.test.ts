import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EtcdError } from "@kv/store";
import { newRequest, type Request } from "./request.ts";
import type { Result } from "./server-api.ts";
import { loneConfig, startLone, temporaryDirectory, turnUntil } from "./server.test.support.ts";

function put(path: string, val: string): Request {
  const request = newRequest("PUT", `/1${path}`);
  request.val = val;
  return request;
}

function get(path: string, quorum = false): Request {
  const request = newRequest("GET", `/1${path}`);
  request.quorum = quorum;
  return request;
}

function valueOf(result: Result): string | null | undefined {
  return result.event?.node.value;
}

/** Whether a promise has settled by the time everything that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("the first user write of a new member has etcd's store index, and survives a restart", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path);
  {
    const { server } = await startLone(config);
    const { event } = await server.do(put("/a", "1"));
    expect(event?.node.modifiedIndex).toBe(4); // member, attributes and version come first
    expect(valueOf(await server.do(get("/a", true)))).toBe("1");
    await server.close();
    expect(await server.stopped).toBe("closed");
  }

  const { server } = await startLone(config);

  expect(valueOf(await server.do(get("/a")))).toBe("1");
  expect(server.etcdIndex).toBe(5); // the attributes are published on every start
  expect(server.members()).toMatchObject([{ name: "lone", clientUrls: ["http://127.0.0.1:2"] }]);
  await server.close();
});

test("a write is answered only after the log was synced, and reads do not show it before", async () => {
  await using directory = await temporaryDirectory();
  const { server, disk } = await startLone(loneConfig(directory.path));
  disk.hold();

  const answer = Promise.resolve(server.do(put("/a", "1")));

  expect(await isSettled(answer)).toBe(false);
  expect(disk.waitingSyncs).toBe(1);
  expect(() => server.do(get("/a"))).toThrow("Key not found");
  disk.release();
  expect(valueOf(await answer)).toBe("1");
  await server.close();
});

test("when the log cannot be synced the member stops and acknowledges nothing", async () => {
  await using directory = await temporaryDirectory();
  const { server, disk, lines } = await startLone(loneConfig(directory.path));
  disk.hold();
  const answer = Promise.resolve(server.do(put("/a", "1")));
  expect(await isSettled(answer)).toBe(false);

  disk.break();

  await expect(server.stopped).rejects.toThrow();
  expect(await isSettled(answer)).toBe(false);
  expect(() => server.do(get("/a"))).toThrow("Key not found");
  await expect(server.do(put("/b", "2"))).rejects.toThrow(EtcdError);
  expect(lines.some((line) => line.includes("this member cannot go on"))).toBe(true);
});

test("all writes that wait for one sync share the next", async () => {
  await using directory = await temporaryDirectory();
  const { server, disk } = await startLone(loneConfig(directory.path));
  disk.hold();
  const first = Promise.resolve(server.do(put("/first", "x")));
  expect(await isSettled(first)).toBe(false);
  const rest = Array.from({ length: 50 }, (_, i) => Promise.resolve(server.do(put(`/k${i}`, String(i)))));
  expect(await isSettled(Promise.race(rest))).toBe(false);

  disk.release();
  disk.hold();
  await first;

  expect(disk.waitingSyncs).toBeLessThanOrEqual(1);
  expect(await isSettled(Promise.race(rest))).toBe(false);
  disk.release();
  await Promise.all(rest);
  await server.close();
});

test("a write that cannot be applied in time ends with error 300 and an unknown outcome", async () => {
  await using directory = await temporaryDirectory();
  const { server, disk, clock } = await startLone(loneConfig(directory.path));
  disk.hold();
  const answer = Promise.resolve(server.do(put("/a", "1")));

  clock.advance(6_900);
  expect(await isSettled(answer)).toBe(false);
  clock.advance(300);

  await expect(answer).rejects.toMatchObject({
    errorCode: 300,
    etcdCause: "etcdserver: request timed out",
    index: 0,
  });
  disk.release();
  await turnUntil({ clock, disk }, () => server.etcdIndex === 4);
  expect(valueOf(await server.do(get("/a")))).toBe("1");
  await server.close();
});

test("closing answers who waits, gives the directory back and refuses later writes", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path);
  const { server, disk } = await startLone(config);
  disk.hold();
  const answer = Promise.resolve(server.do(put("/a", "1")));
  expect(await isSettled(answer)).toBe(false);

  const closed = server.close();
  await expect(answer).rejects.toMatchObject({ errorCode: 300, etcdCause: "etcdserver: server stopped" });
  disk.release();
  await closed;

  await expect(server.do(put("/b", "1"))).rejects.toMatchObject({ etcdCause: "etcdserver: server stopped" });
  const again = await startLone(config);
  await again.server.close();
});

test("a second member in the same directory is refused, and the first goes on", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path);
  const { server } = await startLone(config);

  await expect(startLone(config)).rejects.toThrow("open wal error: file already locked");

  await server.do(put("/a", "1"));
  await server.close();
});

test("snapshots are taken, old ones purged, and a restart from one shows everything", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path, { snapshotCount: 20, maxSnapshots: 2 });
  const snapshots = async (): Promise<string[]> =>
    (await readdir(join(directory.path, "member", "snap"))).filter((name) => name.endsWith(".snap"));
  {
    const { server, clock, disk, lines } = await startLone(config);
    for (let i = 0; i < 100; i++) await server.do(put(`/k${i}`, String(i)));
    await turnUntil(
      { clock, disk },
      () => lines.filter((line) => line.includes("saved snapshot")).length >= 3,
    );
    await server.close();
  }

  const { server, clock, disk, lines } = await startLone(config);

  expect(lines).toContain("etcdserver: recovered store from snapshot");
  for (let i = 0; i < 100; i++) expect(valueOf(await server.do(get(`/k${i}`)))).toBe(String(i));
  await turnUntil({ clock, disk }, () => lines.some((line) => line.includes("purged file")));
  expect((await snapshots()).length).toBeLessThanOrEqual(3);
  await server.close();
});

test("keys expire by the leader's clock alone", async () => {
  await using directory = await temporaryDirectory();
  const { server, clock, disk } = await startLone(loneConfig(directory.path));
  const request = put("/gone", "1");
  request.expiration = clock.unixNanos() + 2_000_000_000n;
  await server.do(request);
  clock.advance(1_500);
  expect(valueOf(await server.do(get("/gone", true)))).toBe("1");

  await turnUntil({ clock, disk }, () => {
    try {
      void server.do(get("/gone"));
      return false;
    } catch {
      return true; // error 100: it has expired
    }
  });

  expect(server.etcdIndex).toBe(5);
  await server.close();
});

test("the only member can remove itself, and then stops as removed", async () => {
  await using directory = await temporaryDirectory();
  const { server, clock, lines } = await startLone(loneConfig(directory.path));

  await server.removeMember(server.id);

  expect(server.members()).toEqual([]);
  clock.advance(1_000);
  expect(await server.stopped).toBe("removed");
  expect(lines).toContain("etcdserver: the member has been permanently removed from the cluster");
});

test("membership changes are checked against who is there", async () => {
  await using directory = await temporaryDirectory();
  const { server } = await startLone(loneConfig(directory.path));

  await expect(server.addMember(["http://127.0.0.1:1"])).rejects.toMatchObject({ code: "E_PEER_URL_EXISTS" });
  await expect(server.removeMember("abc" as typeof server.id)).rejects.toMatchObject({
    code: "E_ID_NOT_FOUND",
  });
  await expect(server.updateMember("abc" as typeof server.id, ["http://127.0.0.1:3"])).rejects.toMatchObject({
    code: "E_ID_NOT_FOUND",
  });
  await server.updateMember(server.id, ["http://127.0.0.1:3"]);
  expect(server.members()[0]?.peerUrls).toEqual(["http://127.0.0.1:3"]);
  await server.close();
});
