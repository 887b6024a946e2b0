// The recorded transcripts of etcdctl 2.3.8 (conformance/cli), replayed against dist/main.js. Every case
// is accounted for: it passes, or it is in one of the lists below with the reason.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findServers } from "./servers-under-test.ts";
import type { ServerUnderTest } from "./servers-under-test.ts";

/** Slips of etcdctl that kvctl does not repeat, named in docs/compatibility.md. All of class `quirk`. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  "usage/unknown command flag": "wrong usage exits with 1 and explains itself on standard error, not with 0",
  "usage/bad duration flag": "wrong usage, as above",
  "usage/global flag after the command": "wrong usage, as above",
  "usage/-- between key and value is taken as the value": "set key -- -1 writes -1",
  "usage/zero total-timeout": "--total-timeout 0 means no limit, not already expired",
  "output/unknown format": "refused before the request is made, with exit status 1",
  "offline/import empty snapshot":
    "what is no dump is refused with exit status 1, not taken for an empty one",
  "auth/user grant missing role is accepted":
    "refused with exit status 1: the user could not be shown any more",
  "watch/exec-watch after-index off by one": "--after-index N starts with N+1, as in watch; no event is lost",
};

/** What etcd 3.4 itself answers differently from the 2.3.8 of the recordings. */
const WORDED_BY_ETCD: Readonly<Record<string, string>> = {
  "members/add existing peer URL": "the server says membership: peerURL exists",
};

/**
 * What one server answers without restarts and long waits. Of the rest, etcd is asked nothing: it takes minutes and
 * tests kvctl no further.
 */
const QUICK = /^(?:auth|members|offline|output|read|usage|write|watch\/after-index)/;

// Cases say how long the program takes to be connected; Node on a busy machine takes longer than Go.
const SLOWNESS = 2;
const CONFORMANCE = new URL("../../../conformance/", import.meta.url);
const KVCTL = fileURLToPath(new URL("../dist/main.js", import.meta.url));

interface Case {
  readonly name: string;
  readonly class?: string;
  readonly argv: readonly string[];
  readonly cluster?: object;
}

interface ReplayOptions {
  readonly ctl: string;
  readonly ctlArgs: readonly string[];
  readonly endpoint: string;
  readonly server: string;
  readonly serverArgs: readonly string[];
  readonly slow: number;
}

interface Member {
  readonly client: string;
}

/** What cli-replay.mjs exports, as far as it is used here. */
interface Replayer {
  loadCases(files: readonly string[]): Case[];
  runCase(recorded: Case, options: ReplayOptions): Promise<{ status: string; reasons: readonly string[] }>;
  startCluster(
    program: string,
    spec: object,
    directory: string,
    args: readonly string[],
  ): Promise<{ members: Member[] }>;
  stopCluster(members: readonly Member[]): Promise<void>;
}

const replayer: Replayer = await import(new URL("cli-replay.mjs", CONFORMANCE).href);
const files = await readdir(new URL("cli/", CONFORMANCE));
const cases = replayer.loadCases(
  files.toSorted().map((file) => fileURLToPath(new URL(`cli/${file}`, CONFORMANCE))),
);
// `npm test` has the quick cases on kvd, the gate the slow ones, and etcd.
const isLongRun = process.env["KV_REPLAY"] === "long";
const servers = findServers().filter(({ kind }) => isLongRun || kind !== "etcd");

test("all recorded cases are here", () => {
  expect(cases).toHaveLength(233);
});

test("each deliberate difference is a recorded quirk and named in docs/compatibility.md", async () => {
  const quirks = cases.filter((recorded) => recorded.class === "quirk").map((recorded) => recorded.name);
  const document = await readFile(new URL("../../../docs/compatibility.md", import.meta.url), "utf8");

  expect(quirks).toEqual(expect.arrayContaining(Object.keys(DEVIATIONS)));
  expect(Object.keys(DEVIATIONS).filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
});

describe.each(servers.map((server) => ({ ...server, mine: casesFor(server) })))("against $kind", (server) => {
  const different = server.kind === "etcd" ? { ...DEVIATIONS, ...WORDED_BY_ETCD } : DEVIATIONS;
  let directory = "";
  let members: readonly Member[] = [];
  let options: ReplayOptions;

  beforeAll(async () => {
    if (!existsSync(KVCTL)) throw new Error("apps/kvctl/dist is missing; build it first");
    directory = await mkdtemp(join(tmpdir(), "kvctl-replay-"));
    ({ members } = await replayer.startCluster(server.program, { size: 1 }, directory, server.args));
    options = {
      ctl: process.execPath,
      ctlArgs: [KVCTL],
      endpoint: members[0]?.client ?? "",
      server: server.program,
      serverArgs: server.args,
      slow: SLOWNESS,
    };
  });

  afterAll(async () => {
    await replayer.stopCluster(members);
    await rm(directory, { recursive: true, force: true });
  });

  test.each(server.mine.filter(({ name }) => !(name in different)))("$name", async (recorded) => {
    expect(await replayer.runCase(recorded, options)).toMatchObject({ status: "pass", reasons: [] });
  });

  // When one of these passes, its entry above is out of date.
  test.for(server.mine.filter(({ name }) => name in different))(
    "$name differs, as listed",
    async (recorded) => {
      expect(await replayer.runCase(recorded, options)).toMatchObject({ status: "fail" });
    },
  );
});

function casesFor({ kind }: ServerUnderTest): Case[] {
  if (kind === "other") return cases;
  const isQuick = ({ name, cluster }: Case): boolean => QUICK.test(name) && cluster === undefined;
  if (kind === "etcd") return cases.filter((recorded) => isQuick(recorded) && !isOffline(recorded));
  return cases.filter((recorded) => isQuick(recorded) !== isLongRun);
}

/** Asks no server. */
function isOffline({ name }: Case): boolean {
  return name.startsWith("offline/");
}
