// export, import, diff and tables against a real server.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findServers } from "./servers-under-test.ts";

interface Member {
  readonly client: string;
}

interface Replayer {
  startCluster(
    program: string,
    spec: object,
    directory: string,
    args: readonly string[],
  ): Promise<{ members: Member[] }>;
  stopCluster(members: readonly Member[]): Promise<void>;
}

const replayer: Replayer = await import(new URL("../../../conformance/cli-replay.mjs", import.meta.url).href);
const KVCTL = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const [server] = findServers();

describe.runIf(server !== undefined)("against a server", () => {
  let directory = "";
  let members: readonly Member[] = [];

  beforeAll(async () => {
    if (server === undefined || !existsSync(KVCTL))
      throw new Error("apps/kvctl/dist is missing; build it first");
    directory = await mkdtemp(join(tmpdir(), "kvctl-subtree-"));
    ({ members } = await replayer.startCluster(server.program, { size: 1 }, directory, server.args));
  });

  afterAll(async () => {
    await replayer.stopCluster(members);
    await rm(directory, { recursive: true, force: true });
  });

  async function kvctl(
    argv: readonly string[],
    input = "",
  ): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
    const patience = ["--timeout", "1m", "--total-timeout", "0"];
    const flags = ["--no-sync", ...patience, "--endpoints", members[0]?.client ?? ""];
    const child = spawn(process.execPath, [KVCTL, ...flags, ...argv], {
      stdio: "pipe",
      env: { PATH: process.env["PATH"] },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.end(input);
    const [code] = await once(child, "close");
    return { code, stdout, stderr };
  }

  test("what is exported and imported elsewhere does not differ, TTLs included", async () => {
    await kvctl(["set", "/from/a", "1 <&> ключ \u2028\n"]);
    await kvctl(["set", "/from/deep/down/b", "2", "--ttl", "1000"]);
    await kvctl(["mkdir", "/from/empty", "--ttl", "2000"]);

    const exported = await kvctl(["export", "/from"]);
    const imported = await kvctl(["import", "/to/"], exported.stdout);
    const again = await kvctl(["import", "/to"], exported.stdout);

    expect(exported).toMatchObject({ code: 0, stderr: "" });
    const success = { code: 0, stdout: "", stderr: "imported 6 of 6 keys\n" };
    expect([imported, again]).toEqual([success, success]);
    expect(await kvctl(["diff", "/from", "/to"])).toEqual({ code: 0, stdout: "", stderr: "" });
    const ttls = await kvctl(["export", "/to"]);
    const entries = ttls.stdout.trim().split("\n");
    expect(entries.map((line): unknown => JSON.parse(line))).toEqual([
      { key: "", dir: true },
      { key: "/a", value: "1 <&> ключ \u2028\n" },
      { key: "/deep", dir: true },
      { key: "/deep/down", dir: true },
      { key: "/deep/down/b", value: "2", ttl: expect.toSatisfy((ttl: number) => ttl > 900 && ttl <= 1_000) },
      { key: "/empty", dir: true, ttl: expect.toSatisfy((ttl: number) => ttl > 1_900 && ttl <= 2_000) },
    ]);
  });

  test("differences are printed, without colours into a pipe, and are the exit status", async () => {
    await kvctl(["set", "/left/same", "1"]);
    await kvctl(["set", "/right/same", "1"]);
    await kvctl(["set", "/left/changed", "old"]);
    await kvctl(["set", "/right/changed", "new"]);
    await kvctl(["set", "/left/gone", "1"]);
    await kvctl(["mkdir", "/right/new"]);

    expect(await kvctl(["diff", "/left", "/right"])).toEqual({
      code: 6,
      stdout: '- /changed "old"\n+ /changed "new"\n- /gone "1"\n+ /new/\n',
      stderr: "",
    });
  });

  test("a listing is a table when asked for", async () => {
    await kvctl(["set", "/table/a", "1", "--ttl", "1000"]);

    const { code, stdout } = await kvctl(["-o", "table", "ls", "/table"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^KEY {7}TYPE {2}VALUE {2}TTL {3}CREATED {2}MODIFIED\n\/table\/a {2}file {2}1 {6}\d+ +\d+ +\d+\n$/,
    );
  });

  test("a file with a broken line imports nothing", async () => {
    const imported = await kvctl(["import", "/broken"], '{"key":"/a","value":"1"}\n{"key":"/b"\n');

    expect(imported).toEqual({ code: 1, stdout: "", stderr: "Error:  line 2: not a JSON object\n" });
    expect(await kvctl(["ls", "/broken"])).toMatchObject({ code: 4 });
  });

  test("an import that is refused in the middle says how far it came", async () => {
    await kvctl(["mkdir", "/mixed/dir"]);
    const lines = '{"key":"/a","value":"1"}\n\n{"key":"/dir","value":"1"}\n{"key":"/z","value":"1"}\n';

    const imported = await kvctl(["import", "/mixed", "-c", "1"], lines);

    expect(imported.code).toBe(4);
    expect(imported.stderr).toMatch(/^imported 1 of 3 keys\nError: {2}102: Not a file \(\/mixed\/dir\)/);
  });
});
