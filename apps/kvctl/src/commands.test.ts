// Commands on a server, all in this process: what they leave there, and what they print of it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestServer } from "@kv/client/testing";
import type { TestServer } from "@kv/client/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Printer } from "./print.ts";
import { runProgram } from "./program.ts";

let server: TestServer;
let directory = "";

beforeEach(async () => {
  server = await startTestServer();
  directory = await mkdtemp(join(tmpdir(), "kvctl-commands-"));
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line; `onText` is called with each piece of text it prints. */
async function run(argv: readonly string[], onText: (text: string) => void = () => {}): Promise<Run> {
  let stdout = "";
  let stderr = "";
  const printer = new Printer({
    stdout: { write: (text) => onText(((stdout += text), text)) },
    stderr: { write: (text) => onText(((stderr += text), text)) },
  });
  const words = ["--timeout", "1m", "--total-timeout", "0", "--endpoints", server.url, ...argv];
  const exitCode = await runProgram(words, { printer, confirm: () => null, environment: {} });
  return { exitCode, stdout, stderr };
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(directory, name), content);
  return join(directory, name);
}

describe("import --snap", () => {
  const NEVER = "0001-01-01T00:00:00Z";
  const DUMP = JSON.stringify({
    Root: {
      Children: {
        a: { Value: "1 & ключ", ExpireTime: NEVER, Children: null },
        d: {
          Value: "",
          ExpireTime: NEVER,
          Children: { b: { Value: "", ExpireTime: NEVER, Children: null } },
        },
        empty: { Value: "", ExpireTime: "2014-01-01T00:00:00Z", Children: {} },
        _etcd: { Value: "", ExpireTime: NEVER, Children: { m: { Value: "2", ExpireTime: NEVER } } },
      },
    },
  });

  test("writes files and directories, and counts the files", async () => {
    const result = await run(["import", "--snap", await file("s.json", DUMP), "-c=3"]);

    expect(result).toEqual({
      exitCode: 0,
      stdout: "starting to import snapshot s.json with 3 clients\nfinished importing 2 keys\n",
      stderr: "",
    });
    const { node } = await server.client.keys.get("/", { recursive: true, sorted: true });
    expect(node.nodes).toMatchObject([
      { key: "/a", value: "1 & ключ", ttl: null },
      { key: "/d", dir: true, nodes: [{ key: "/d/b", value: "" }] },
      { key: "/empty", dir: true },
    ]);
    expect(node.nodes?.at(-1)?.ttl).toBeGreaterThan(290);
    await expect(server.client.keys.get("/_etcd")).rejects.toMatchObject({ errorCode: 100 });
  });

  test("writes hidden keys that are named, each with a flag of its own, below KEY", async () => {
    const snap = await file("s.json", DUMP);

    const { stdout } = await run([
      "import",
      "/old",
      "--snap",
      snap,
      "--hidden",
      "/nope",
      "--hidden",
      "/_etcd",
    ]);

    expect(stdout).toContain("finished importing 3 keys");
    expect((await server.client.keys.get("/old/_etcd/m")).node.value).toBe("2");
  });

  test("a file that is not there is told on standard output, as recorded", async () => {
    const missing = join(directory, "nope");

    expect(await run(["import", "--snap", missing])).toEqual({
      exitCode: 1,
      stdout: `cannot read snapshot file ${missing}\n`,
      stderr: "",
    });
  });

  test("a broken file is refused, and nothing of it is written", async () => {
    const snap = await file("s.json", DUMP.replace('"Value":"2"', '"Value":2'));

    const { exitCode, stdout, stderr } = await run(["import", "--snap", snap, "--hidden", "_etcd"]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toBe("this is no dump of etcd 0.4: /_etcd/m has no value\n");
    expect((await server.client.keys.get("/")).node.nodes).toBeNull();
  });

  test("what the server refuses ends it, with the count that is true", async () => {
    await server.client.keys.set("/d", "a file in the way");

    const { exitCode, stdout, stderr } = await run([
      "import",
      "--snap",
      await file("s.json", DUMP),
      "-c",
      "1",
    ]);

    expect(exitCode).toBe(4);
    expect(stdout).not.toContain("finished");
    expect(stderr).toMatch(/^imported 1 of 2 keys\nError: {2}104: Not a directory \(\/d\) /);
  });
});

describe("diff --file", () => {
  test("compares a subtree with what was exported", async () => {
    await server.client.keys.set("/d/a", "1");
    const { stdout } = await run(["export", "/d"]);
    const exported = await file("d.jsonl", stdout);

    const same = await run(["diff", "/d", "--file", exported]);
    await server.client.keys.set("/d/a", "2");
    const different = await run(["diff", "/d", "--file", exported]);

    expect(same).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(different).toEqual({ exitCode: 6, stdout: '- /a "2"\n+ /a "1"\n', stderr: "" });
  });

  test.each([
    ["{}", /^Error: {2}line 1: "key" must/],
    [null, /^Error: {2}ENOENT/],
  ])("says what is wrong with a file that holds %j", async (content, message) => {
    const path = content === null ? join(directory, "nope") : await file("d.jsonl", content);

    const { exitCode, stderr } = await run(["diff", "/", "--file", path]);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(message);
  });
});

/** More changes than the server remembers. */
async function clearHistory(): Promise<void> {
  for (let n = 0; n < 1_100; n++) await server.client.keys.set("/other", String(n));
}

describe("watch", () => {
  test("as a table shows type and TTL, also of directories", async () => {
    await server.client.keys.set("/d/a", "line\nbreak", { ttl: 100 });
    await server.client.keys.mkdir("/d/e");
    await server.client.keys.delete("/d/a");
    const watch = ["-o", "table", "watch", "--recursive", "--after-index"];

    const runs = await Promise.all([3, 4, 5].map((after) => run([...watch, String(after), "/d"])));
    const lines = runs.map(({ stdout }) => stdout.split("\n"));

    expect(lines.map(([headings]) => headings)).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/^INDEX +ACTION +TYPE {2}TTL +KEY +VALUE$/)),
    );
    expect(lines.map(([, row]) => row?.split(/ {2,}/))).toEqual([
      ["4", "set", "file", "100", "/d/a", "line\\u000abreak"],
      ["5", "create", "dir", "/d/e"],
      ["6", "delete", "file", "/d/a", "line\\u000abreak"],
    ]);
  });

  test("from an index that was cleared fails as etcdctl does", async () => {
    await clearHistory();

    const { exitCode, stdout, stderr } = await run(["watch", "--after-index", "1", "/a"]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
    expect(stderr).toMatch(/^Error: {2}401: The event in requested index is outdated and cleared /);
  });

  test("with --resume says what was cleared and goes on with what is left", async () => {
    await clearHistory();

    const result = await run(["watch", "--resume", "--recursive", "--count", "2", "--after-index", "1", "/"]);

    expect(result).toMatchObject({
      exitCode: 0,
      stderr: "Warning:  the server has forgotten the changes 2 to 103\n",
    });
    expect(result.stdout.match(/^\[set\] /gm)).toHaveLength(2);
  });
});

test("cluster-health as a table shows who leads, how far the log is, and how long it took", async () => {
  const { exitCode, stdout } = await run(["-o", "table", "cluster-health"]);

  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^ID +NAME +HEALTH +LEADER +TERM +RAFT INDEX +LATENCY +CLIENT URLS\n[0-9a-f]+ +test +healthy +yes +2 +\d+ +[\d.]+ ms +http:\S+\n$/,
  );
});

test("a member that has not started is unreachable in the table, and one healthy member is enough", async () => {
  await server.client.members.add(["http://127.0.0.1:1"]);

  const { exitCode, stdout } = await run(["-o", "table", "cluster-health"]);

  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/\bhealthy +yes .*\d ms/);
  expect(stdout).toMatch(/unreachable +no +- +- +-\n/);
});

test("user grant refuses a role that does not exist, after which the user could not be shown", async () => {
  await run(["user", "add", "ann:secret"]);

  const refused = await run(["user", "grant", "ann", "--roles", "root,nosuch"]);

  expect(refused).toEqual({ exitCode: 1, stdout: "", stderr: "auth: Role nosuch does not exist.\n" });
  expect((await server.client.auth.user("ann")).roles).toEqual([]);
});

test.each([
  [["gte", "/a"], "unknown command 'gte'", "get", "kvctl"],
  [["member", "lsit"], "unknown command 'lsit'", "list", "kvctl member"],
  [["set", "--tlt", "5", "/a", "b"], "unknown flag '--tlt'", "--ttl", "kvctl set"],
  [["cluster-helth"], "unknown command 'cluster-helth'", "cluster-health", "kvctl"],
])("%j suggests what was meant", async (argv, problem, suggestion, path) => {
  expect(await run(argv)).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `Error:  ${problem}\n(Did you mean ${suggestion}?)\nSee ${path} --help.\n`,
  });
});
