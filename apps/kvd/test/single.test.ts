// One member as an operator sees it: it answers, survives kill -9, stops when told, and refuses what
// would do harm. Spec: server-flags.md §5, §6.

import { expect, test } from "vitest";
import { get, getJson, keys, put } from "./harness/keys.ts";
import { initialCluster, newMember, startSingle } from "./harness/member.ts";

test("a value that was written is read back with its indexes", async () => {
  await using server = await startSingle();

  const written = await put(server.clientUrl, "/greeting", "hello");
  const { status, etcdIndex, body } = await keys("GET", server.clientUrl, "/greeting");

  expect(status).toBe(200);
  expect(body).toStrictEqual({ action: "get", node: written });
  expect(etcdIndex).toBe(written.modifiedIndex);
});

test("after kill -9 and a restart every value, index and the member are as before", async () => {
  await using server = await startSingle();
  const kept = await put(server.clientUrl, "/kept/first", "1");
  await put(server.clientUrl, "/kept/second", "2");
  await keys("DELETE", server.clientUrl, "/kept/second");
  const last = await put(server.clientUrl, "/kept/third", "☃");
  const before = await getJson<unknown>(`${server.clientUrl}/v2/members`);

  await server.crash();
  await server.start(initialCluster([server]));

  expect(await get(server.clientUrl, "/kept/first")).toStrictEqual(kept);
  expect(await get(server.clientUrl, "/kept/third")).toStrictEqual(last);
  expect((await keys("GET", server.clientUrl, "/kept/second")).body.errorCode).toBe(100);
  expect(await getJson<unknown>(`${server.clientUrl}/v2/members`)).toStrictEqual(before);
  const next = await put(server.clientUrl, "/kept/fourth", "4");
  expect(next.createdIndex).toBeGreaterThan(last.modifiedIndex);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s stops the server cleanly, which then dies of that signal",
  async (signal) => {
    await using server = await startSingle();
    await put(server.clientUrl, "/a", "b");

    const exit = await server.process.kill(signal);

    expect(exit).toStrictEqual({ code: null, signal });
    expect(server.process.log).toMatch(
      / N \| \w+: received (terminated|interrupt) signal, shutting down\.\.\./,
    );
  },
);

test("a stop does not wait for an open long poll", async () => {
  await using server = await startSingle();
  const poll = fetch(`${server.clientUrl}/v2/keys/never?wait=true`).then((response) => response.text());
  const cut = expect(poll)
    .resolves.toBe("")
    .catch(() => expect(poll).rejects.toThrow());
  await put(server.clientUrl, "/a", "b");

  const exit = await server.process.kill("SIGTERM");

  expect(exit.signal).toBe("SIGTERM");
  await cut;
});

test("SIGUSR1 and SIGUSR2 have no effect", async () => {
  await using server = await startSingle();

  server.process.signal("SIGUSR1");
  server.process.signal("SIGUSR2");

  expect((await put(server.clientUrl, "/a", "still here")).value).toBe("still here");
  expect(server.process.log).not.toContain("Debugger");
});

test("SIGQUIT prints the state of the process and ends it with status 2", async () => {
  await using server = await startSingle();

  const exit = await server.process.kill("SIGQUIT");

  expect(exit).toStrictEqual({ code: 2, signal: null });
  const state: unknown = JSON.parse(server.process.log.slice(server.process.log.indexOf("\n{") + 1));
  expect(state).toMatchObject({ raftTerm: 2, etcdIndex: 3 });
});

test("SIGHUP kills without a word, and nothing acknowledged is lost", async () => {
  await using server = await startSingle();
  const written = await put(server.clientUrl, "/a", "b");

  expect(await server.process.kill("SIGHUP")).toStrictEqual({ code: null, signal: "SIGHUP" });
  await server.start(initialCluster([server]));

  expect(await get(server.clientUrl, "/a")).toStrictEqual(written);
});

test("a second server on the same data directory is refused at once", async () => {
  await using server = await startSingle();
  await using other = await newMember("single");

  const second = other.spawn([...initialCluster([other]), "--data-dir", server.dataDir]);

  expect(await second.exit()).toStrictEqual({ code: 1, signal: null });
  expect(second.log).toMatch(/ C \| .*file already locked/);
  expect((await put(server.clientUrl, "/a", "unharmed")).value).toBe("unharmed");
});

test("a port in use is named before anything is written", async () => {
  await using server = await startSingle();
  await using other = await newMember("other");

  const second = other.spawn([...initialCluster([other]), "--listen-client-urls", server.clientUrl]);

  const address = server.clientUrl.replace("http://", "");
  expect(await second.exit()).toStrictEqual({ code: 1, signal: null });
  expect(second.log).toContain(` C | etcdmain: listen tcp ${address}: bind: address already in use\n`);
  expect(second.log).toContain(` I | etcdmain: stopping listening for peers on ${other.peerUrl}\n`);
});

test("the log has etcd's line format and the lines that scripts wait for", async () => {
  await using server = await startSingle();

  const lines = server.process.log.trimEnd().split("\n");
  const format = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [CEWNIDT] \| [a-z]+: \S/;
  expect(lines.filter((line) => !format.test(line))).toStrictEqual([]);
  expect(server.process.log).toContain(` I | etcdmain: listening for peers on ${server.peerUrl}\n`);
  expect(server.process.log).toContain(
    ` I | etcdmain: listening for client requests on ${server.clientUrl}\n`,
  );
  expect(server.process.log).toMatch(
    / I \| raft: raft\.node: [0-9a-f]+ elected leader [0-9a-f]+ at term 2\n/,
  );
  expect(server.process.log).toMatch(
    / I \| etcdserver: published \{Name:single ClientURLs:\[http:\/\/[^ ]+\]\} to cluster [0-9a-f]+\n/,
  );
  expect(server.process.output).toBe("");
});

test("--log-format=json gives one object per line", async () => {
  await using server = await startSingle(["--log-format=json"]);

  const lines = server.process.log.trimEnd().split("\n");
  expect(lines.map((line) => typeof JSON.parse(line))).toStrictEqual(lines.map(() => "object"));
  expect(server.process.log).toMatch(/"pkg":"etcdserver","msg":"published \{Name:single /);
});
