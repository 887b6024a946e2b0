// The recorded cases of conformance/ against this HTTP face, on kvd's engine and a store in memory:
// no raft, no log, no network but loopback. Of the cases that need a server of their own only those about
// authentication run here: all that they ask for is an empty store. What is odd about them is as in etcd.

import { readdirSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import type { Engine } from "./engine/engine.ts";
import { listenKv } from "./engine/kv.ts";
import { listenNode } from "./engine/node.ts";
import { clientHandler } from "./client-handler.ts";
import { fakeProcess } from "./testing/fake-process.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

interface RecordedCase {
  readonly theme: string;
  readonly name: string;
  readonly needs?: string;
  readonly slow?: boolean;
  readonly quirk?: boolean;
}

interface ReplayModule {
  readonly loadCases: (files: readonly string[]) => RecordedCase[];
  readonly runCase: (recorded: RecordedCase, baseUrl: string) => Promise<string[]>;
}

const CONFORMANCE = new URL("../../../../conformance/", import.meta.url);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- plain JavaScript, its signatures are above
const { loadCases, runCase } = (await import(
  /* @vite-ignore */ new URL("replay.mjs", CONFORMANCE).href
)) as ReplayModule;

const THEMES = /^(keys-.*|watch.*|ttl|refresh|encoding|http|cors|misc|stats|members|auth)\.jsonl$/;

/** What belongs to the program around a member. */
const OF_PROGRAM = new Set(["misc/metrics"]);

/** What node's parser decides; the engine's header comment says so. */
const OF_NODE_PARSER = new Set(["http/method-lower-case-405"]);

const SYNC_INTERVAL_MS = 100;
const CASE_TIMEOUT_MS = 30_000;

const cases = readdirSync(new URL("cases/", CONFORMANCE))
  .filter((file) => THEMES.test(file))
  .flatMap((file) => loadCases([new URL(`cases/${file}`, CONFORMANCE).pathname]))
  .filter(({ theme, needs, quirk }) => theme === "auth" || (needs === undefined && quirk !== true));

const titled = cases.map((recorded) => ({ title: `${recorded.theme}/${recorded.name}`, recorded }));
const isExpectedToFail = (title: string): boolean => OF_PROGRAM.has(title);

/** Every case has a server of its own, so that those that wait can wait at the same time. */
async function runAlone(recorded: RecordedCase, listen: Engine = listenKv): Promise<string[]> {
  const server = new MemoryServer(now);
  const clock = setInterval(() => server.sync(), SYNC_INTERVAL_MS);
  const handler = clientHandler(server, { now, logger: silentLogger, process: fakeProcess() });
  await using listener = await listen(handler, {
    host: "127.0.0.1",
    port: 0,
    tls: null,
    logger: silentLogger,
  });
  try {
    return await runCase(recorded, listener.url);
  } finally {
    clearInterval(clock);
  }
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

const slowRuns = new Map<string, Promise<string[]>>();

beforeAll(() => {
  for (const { title, recorded } of titled) {
    if (recorded.slow === true) slowRuns.set(title, runAlone(recorded));
  }
});

test("the recordings are there", () => {
  expect(cases.length).toBeGreaterThan(350);
});

const expectedToPass = titled.filter(({ title }) => !isExpectedToFail(title));

test.each(expectedToPass)("$title", { timeout: CASE_TIMEOUT_MS }, async ({ title, recorded }) => {
  expect(await (slowRuns.get(title) ?? runAlone(recorded))).toEqual([]);
});

// The themes that are about what an engine does, on the other one too.
const ofEngines = titled.filter(({ recorded }) => recorded.theme === "http" || recorded.theme === "encoding");

test.each(ofEngines.filter(({ title }) => !OF_NODE_PARSER.has(title)))(
  "$title on node:http",
  { timeout: CASE_TIMEOUT_MS },
  async ({ recorded }) => {
    expect(await runAlone(recorded, listenNode)).toEqual([]);
  },
);

test.each(ofEngines.filter(({ title }) => OF_NODE_PARSER.has(title)))(
  "$title does not pass on node:http",
  async ({ recorded }) => {
    expect(await runAlone(recorded, listenNode)).not.toEqual([]);
  },
);

// Once one of these passes, it moves up.
test.each(titled.filter(({ title }) => isExpectedToFail(title)))(
  "$title does not pass yet",
  async ({ recorded }) => {
    expect(await runAlone(recorded)).not.toEqual([]);
  },
);
