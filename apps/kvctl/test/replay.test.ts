// The recorded transcripts of etcdctl 2.3.8 (conformance/cli), replayed against dist/main.js. Every case
// is accounted for: it passes, or it is in one of the lists below with the reason.

import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findServers } from "./servers-under-test.ts";
import type { ServerUnderTest } from "./servers-under-test.ts";

/** Commands that kvctl does not have yet, or has with another meaning (`import`), and with them their cases. */
const LATER_COMMANDS = ["import"];

/** Slips of etcdctl that kvctl does not repeat; README.md lists them for users. All of class `quirk`. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  "usage/unknown command flag": "wrong usage exits with 1 and explains itself on standard error, not with 0",
  "usage/bad duration flag": "wrong usage, as above",
  "usage/global flag after the command": "wrong usage, as above",
  "usage/-- between key and value is taken as the value": "set key -- -1 writes -1",
  "usage/zero total-timeout": "--total-timeout 0 means no limit, not already expired",
  "output/unknown format": "refused before the request is made, with exit status 1",
  "watch/exec-watch after-index off by one": "--after-index N starts with N+1, as in watch; no event is lost",
};

/** What etcd 3.4 itself answers differently from the 2.3.8 of the recordings. */
const WORDED_BY_ETCD: Readonly<Record<string, string>> = {
  "members/add existing peer URL": "the server says membership: peerURL exists",
  "cluster/member update to a peer URL of another": "the server says membership: peerURL exists",
};

/** What kvd does not serve yet, by theme; these cases run against etcd alone. */
const NOT_SERVED_BY_KVD: readonly { readonly theme: string; readonly isOf: (recorded: Case) => boolean }[] = [
  { theme: "https for clients", isOf: ({ cluster }) => cluster?.tls !== undefined },
];

// Cases say how long the program takes to be connected; Node on a busy machine takes longer than Go.
const SLOWNESS = 2;
const CONFORMANCE = new URL("../../../conformance/", import.meta.url);
const KVCTL = fileURLToPath(new URL("../dist/main.js", import.meta.url));

interface Case {
  readonly name: string;
  readonly class?: string;
  readonly argv: readonly string[];
  readonly cluster?: { readonly tls?: string; readonly args?: readonly string[] };
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
const implemented = cases.filter((recorded) => !isLater(recorded));
const servers = findServers();

test("the excluded cases are those of the commands that come later, and no others", () => {
  const excludedCount = (command: string): number =>
    cases.filter((recorded) => commandOf(recorded) === command).length;

  expect(Object.fromEntries(LATER_COMMANDS.map((command) => [command, excludedCount(command)]))).toEqual({
    import: 3,
  });
  expect(cases).toHaveLength(233);
});

test("each deliberate difference names a recorded quirk", () => {
  const quirks = cases.filter((recorded) => recorded.class === "quirk").map((recorded) => recorded.name);

  expect(quirks).toEqual(expect.arrayContaining(Object.keys(DEVIATIONS)));
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

/** The preferred server gets all cases, except that kvd leaves to etcd what it does not serve. */
function casesFor(server: ServerUnderTest): Case[] {
  if (servers[0]?.kind !== "kvd") return implemented;
  return implemented.filter((recorded) => {
    const isServed = !NOT_SERVED_BY_KVD.some((theme) => theme.isOf(recorded));
    return isServed === (server.kind === "kvd");
  });
}

function isLater(recorded: Case): boolean {
  return LATER_COMMANDS.includes(commandOf(recorded));
}

/** The command that a case calls: the first word that is neither a global flag nor its value. */
function commandOf({ argv }: Case): string {
  const offset = argv.findIndex(
    (word, i) => !word.startsWith("-") && !/^(?:-u|-o|--output)$/.test(argv[i - 1] ?? ""),
  );
  return argv[offset] ?? "";
}
