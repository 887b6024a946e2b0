// Random requests to Debian's etcd 3.4 and to kvd at the same time: the answers must be equal, but for
// absolute indexes and times (conformance/diff.mjs). `pnpm --filter kvd run test:diff` sends many more.

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initialCluster, newMember, startSingle } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { isInstalled } from "./harness/programs.ts";
import type { Command } from "./harness/server-process.ts";

const ETCD: Command = ["etcd", "--enable-v2=true"];
const DIFF = join(import.meta.dirname, "..", "..", "..", "conformance", "diff.mjs");

const isFull = process.env["KV_DIFF"] === "full";
const SEEDS = isFull ? [1, 2, 3, 4, 5] : [1];
const REQUEST_COUNT = isFull ? 5_000 : 500;
const RUN_TIMEOUT_MS = 300_000;

/** Requests that are left out, because kv decides otherwise there (client-api.md §18). */
const EXCEPTIONS = {
  // A stream on exactly the removed key gets the removal once, not twice.
  stream: /^stream \d, event \d+$/,
  // A scan of the history finds what a live watcher would have seen: later changes of the key itself, no
  // removal of a directory for children that never existed, no hidden keys.
  hist: /^answer: hist GET /,
} as const;

describe.skipIf(!isInstalled("etcd", ["--version"]))("beside etcd 3.4", () => {
  let etcd: Member;
  let kvd: Member;
  beforeAll(async () => {
    etcd = await newMember("etcd", ETCD);
    await etcd.start(initialCluster([etcd]));
    kvd = await startSingle();
  });
  afterAll(async () => {
    await etcd[Symbol.asyncDispose]();
    await kvd[Symbol.asyncDispose]();
  });

  test.each(SEEDS)(
    "random requests are answered alike, seed %i",
    { timeout: RUN_TIMEOUT_MS },
    async (seed) => {
      const left = Object.keys(EXCEPTIONS).join(",");

      const { status, output } = await diff(["--seed", seed, "--ops", REQUEST_COUNT, "--no", left]);

      expect(output).toContain(`${REQUEST_COUNT} requests, seed ${seed}: no divergence`);
      expect(status).toBe(0);
    },
  );

  test("with streams and scans of the history only these differ", { timeout: RUN_TIMEOUT_MS }, async () => {
    const { output } = await diff(["--seed", 1, "--ops", REQUEST_COUNT, "--keep-going", "--quiet"]);

    const kinds = [...output.matchAll(/^ +\d+ {2}(.*?)(?::? *\| A .*)$/gm)].map(([, kind = ""]) => kind);
    const unexpected = kinds.filter((kind) => !Object.values(EXCEPTIONS).some((known) => known.test(kind)));
    expect(unexpected).toStrictEqual([]);
    expect(kinds.length).toBeGreaterThan(0);
  });

  async function diff(words: readonly (string | number)[]) {
    const child = spawn(process.execPath, [DIFF, etcd.clientUrl, kvd.clientUrl, ...words.map(String)]);
    const ended = Promise.withResolvers<number | null>();
    child.on("close", (code) => ended.resolve(code));
    const output = await text(child.stdout);
    return { status: await ended.promise, output };
  }
});
