// What kvd says to a bad command line, on which stream and with which exit status. The rows are those
// of server-flags.md §2, §4 and §5.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "./harness/server-process.ts";

const USAGE = "usage: kvd [flags]";
const SEE = "See 'etcd --help'.";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvd-flags-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function run(flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using server = new ServerProcess(flags, { cwd: dir, env });
  const { code } = await server.exit();
  return { code, output: server.output, log: server.log };
}

describe("a command line that cannot be read: the reason on stderr, the usage on stdout, status 2", () => {
  test.each([
    [["--nope"], "flag provided but not defined: -nope"],
    [["-nope=1"], "flag provided but not defined: -nope"],
    [["--name"], "flag needs an argument: -name"],
    [["---name=x"], "bad flag syntax: ---name=x"],
    [["-=x"], "bad flag syntax: -=x"],
    [["--debug=maybe"], 'invalid boolean value "maybe" for -debug: parse error'],
    [["--heartbeat-interval=-1"], 'invalid value "-1" for flag -heartbeat-interval: parse error'],
    [["--heartbeat-interval", "1.5"], 'invalid value "1.5" for flag -heartbeat-interval: parse error'],
    [["--heartbeat-interval", "0"], 'invalid value "0" for flag -heartbeat-interval: must be at least 1'],
    [["--snapshot-count=abc"], 'invalid value "abc" for flag -snapshot-count: parse error'],
    [
      ["--snapshot-count=18446744073709551616"],
      'invalid value "18446744073709551616" for flag -snapshot-count: value out of range',
    ],
    [["--proxy", "maybe"], 'invalid value "maybe" for flag -proxy: invalid value'],
    [["--initial-cluster-state=old"], 'invalid value "old" for flag -initial-cluster-state: invalid value'],
    [
      ["--listen-client-urls=unix://foo"],
      'invalid value "unix://foo" for flag -listen-client-urls: URL scheme must be http or https: unix://foo',
    ],
    [
      ["--listen-client-urls="],
      'invalid value "" for flag -listen-client-urls: URL scheme must be http or https: ',
    ],
    [
      ["--listen-peer-urls", "http://127.0.0.1:2380,"],
      'invalid value "http://127.0.0.1:2380," for flag -listen-peer-urls: URL scheme must be http or https: ',
    ],
    [
      ["--advertise-client-urls=http://127.0.0.1"],
      'invalid value "http://127.0.0.1" for flag -advertise-client-urls: URL address does not have the form "host:port": http://127.0.0.1',
    ],
    [
      ["--initial-advertise-peer-urls=http://127.0.0.1:2380/"],
      'invalid value "http://127.0.0.1:2380/" for flag -initial-advertise-peer-urls: URL must not contain a path: http://127.0.0.1:2380/',
    ],
    [["--cors", "http://a b"], 'invalid value "http://a b" for flag -cors: Invalid CORS origin: http://a b'],
    [
      ["--addr", "localhost:2379"],
      'invalid value "localhost:2379" for flag -addr: bad IP in address specification',
    ],
    [
      ["--addr", "127.0.0.1:http"],
      'invalid value "127.0.0.1:http" for flag -addr: bad port in address specification',
    ],
    [["--peers", "x"], 'invalid value "x" for flag -peers: flag "-peers" is no longer supported.'],
    [
      ["--peers-file=x"],
      'invalid value "x" for flag -peers-file: flag "-peers-file" is no longer supported.',
    ],
  ])("%j", async (flags, reason) => {
    const { code, output, log } = await run(flags);

    expect(log).toBe(`${reason}\n`);
    expect(output).toContain(USAGE);
    expect(code).toBe(2);
  });
});

describe("flags that contradict each other: a line at level E, status 1", () => {
  test.each([
    [["foo"], `'foo' is not a valid flag. ${SEE}`],
    [["--debug", "true"], `'true' is not a valid flag. ${SEE}`],
    [["--version", "foo"], `'foo' is not a valid flag. ${SEE}`],
    [["--", "--name"], `'--name' is not a valid flag. ${SEE}`],
    [["-config", "/x"], `'/x' is not a valid flag. ${SEE}`],
    [
      ["--discovery=http://x/y", "--initial-cluster=a=http://127.0.0.1:1"],
      `multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery" or "discovery-srv". ${SEE}`,
    ],
    [
      ["--advertise-client-urls=http://127.0.0.1:1", "--addr=127.0.0.1:1"],
      `Set only one of flags -advertise-client-urls and -addr. ${SEE}`,
    ],
    [
      ["--listen-client-urls=http://127.0.0.1:1", "--bind-addr=127.0.0.1:1"],
      `Set only one of flags -listen-client-urls and -bind-addr. ${SEE}`,
    ],
    [
      ["--initial-advertise-peer-urls=http://127.0.0.1:1", "--peer-addr=127.0.0.1:1"],
      `Set only one of flags -initial-advertise-peer-urls and -peer-addr. ${SEE}`,
    ],
    [
      ["--listen-peer-urls=http://127.0.0.1:1", "--peer-bind-addr=127.0.0.1:1"],
      `Set only one of flags -listen-peer-urls and -peer-bind-addr. ${SEE}`,
    ],
    [
      ["--listen-client-urls=http://127.0.0.1:1"],
      `-advertise-client-urls is required when -listen-client-urls is set explicitly. ${SEE}`,
    ],
    [
      ["--heartbeat-interval=300"],
      `-election-timeout[1000ms] should be at least as 5 times as -heartbeat-interval[300ms]. ${SEE}`,
    ],
    [
      ["--election-timeout=50001"],
      `-election-timeout[50001ms] is too long, and should be set less than 50000ms. ${SEE}`,
    ],
  ])("%j", async (flags, reason) => {
    const { code, output, log } = await run(flags);

    expect(log).toContain(` E | etcdmain: error verifying flags, ${reason}\n`);
    expect(output).toBe("");
    expect(code).toBe(1);
  });

  test("a missing advertise flag is explained in a second line", async () => {
    const { log } = await run(["--listen-client-urls=http://127.0.0.1:1"]);

    expect(log).toContain(
      " E | etcdmain: When listening on specific address(es), this etcd process must advertise accessible url(s) to each connected client.\n",
    );
  });
});

describe("what kvd understands but cannot do: a line at level C, status 1", () => {
  test.each([[["--enable-pprof"], "--enable-pprof is not supported by this version of kvd"]])(
    "%j",
    async (flags, reason) => {
      const { code, log } = await run(flags);

      expect(log).toContain(` C | etcdmain: ${reason}\n`);
      expect(code).toBe(1);
    },
  );
});

describe("a start that fails: a line at level C, status 1", () => {
  const local = [
    "--listen-peer-urls=http://127.0.0.1:0",
    "--listen-client-urls=http://127.0.0.1:0",
    "--advertise-client-urls=http://127.0.0.1:0",
  ];

  test.each([
    [
      ["--initial-cluster", "garbage"],
      "error setting up initial cluster: URL scheme must be http or https: ",
    ],
    [
      ["--initial-cluster", "other=http://127.0.0.1:1"],
      `couldn't find local name "default" in the initial cluster configuration`,
    ],
    [
      [
        "--initial-cluster",
        "default=http://127.0.0.1:1,b=http://127.0.0.1:1",
        "--initial-advertise-peer-urls=http://127.0.0.1:1",
      ],
      "initial cluster b=http://127.0.0.1:1,default=http://127.0.0.1:1 has duplicate url",
    ],
    [["--listen-peer-urls", "http://nohost.invalid:1"], "listen tcp: lookup nohost.invalid: no such host"],
    [
      ["--listen-peer-urls", "http://203.0.113.1:1"],
      "listen tcp 203.0.113.1:1: bind: cannot assign requested address",
    ],
    [["--data-dir", "file"], "error listing data dir: file"],
    [["--data-dir", "both"], "invalid datadir. Both member and proxy directories exist."],
    [["--data-dir", "file/below"], "error listing data dir: file/below"],
  ])("%j", async (flags, reason) => {
    await writeFile(join(dir, "file"), "");
    await mkdir(join(dir, "both", "member"), { recursive: true });
    await mkdir(join(dir, "both", "proxy"), { recursive: true });

    const { code, log } = await run([...local, ...flags]);

    expect(log).toContain(` C | etcdmain: ${reason}\n`);
    expect(code).toBe(1);
  });

  test("peer URLs that are not those of the initial cluster are explained", async () => {
    const { code, log } = await run([...local, "--initial-advertise-peer-urls=http://127.0.0.1:1"]);

    expect(log).toContain(
      "--initial-cluster must include default=http://127.0.0.1:1 given --initial-advertise-peer-urls=http://127.0.0.1:1",
    );
    expect(code).toBe(1);
  });
});

describe("the environment", () => {
  test("a bad value is reported with its variable, of several the last by name", async () => {
    const env = { ETCD_SNAPSHOT_COUNT: "abc", ETCD_DEBUG: "maybe", ETCD_HEARTBEAT_INTERVAL: "x" };
    const { code, log } = await run([], env);

    expect(log).toContain(' C | etcdmain: invalid value "abc" for ETCD_SNAPSHOT_COUNT: parse error\n');
    expect(log).not.toContain("for ETCD_DEBUG");
    expect(code).toBe(1);
  });

  test("variables are logged: used, overruled and unknown ones", async () => {
    const env = { ETCD_NAME: "infra0", ETCD_DATA_DIR: "/nowhere", ETCD_BOGUS: "1", ETCD_CORS: "" };
    const { log } = await run(["--data-dir", "file", "--enable-pprof"], env);

    expect(log).toContain(" I | flags: recognized and used environment variable ETCD_NAME=infra0\n");
    expect(log).toContain(
      " I | flags: recognized environment variable ETCD_DATA_DIR, but unused: shadowed by corresponding flag \n",
    );
    expect(log).toContain(" W | flags: unrecognized environment variable ETCD_BOGUS=1\n");
    expect(log).not.toContain("ETCD_CORS");
  });

  test("flags without effect are ignored with a warning here, too", async () => {
    const { log } = await run(["--enable-pprof"], { ETCD_FORCE: "true" });

    expect(log).toContain(' W | flags: flag "-force" is no longer supported - ignoring.\n');
    expect(log).toContain(" I | flags: recognized and used environment variable ETCD_FORCE=true\n");
  });

  test("a variable counts as a flag that was given", async () => {
    const { code, log } = await run(["--discovery=http://x/y"], {
      ETCD_INITIAL_CLUSTER: "a=http://127.0.0.1:1",
    });

    expect(log).toContain("multiple discovery or bootstrap flags are set");
    expect(code).toBe(1);
  });
});

test("--help prints every flag on stdout and nothing else", async () => {
  const { code, output, log } = await run(["--listen-client-urls=http://127.0.0.1:1", "-h"]);

  expect(output).toContain(USAGE);
  for (const name of [
    "--data-dir",
    "--initial-cluster-token",
    "--peer-client-cert-auth",
    "--proxy-read-timeout",
    "--force",
  ]) {
    expect(output).toContain(`  ${name}`);
  }
  expect(log).toBe("");
  expect(code).toBe(0);
});

test("--version wins over contradictions of other flags and names the version of etcd", async () => {
  const { code, output, log } = await run(["--version", "--election-timeout=1"]);

  expect(output).toMatch(/^etcd Version: 2\.3\.8\nGit SHA: .+\nGo Version: .+\nGo OS\/Arch: .+\n$/);
  expect(log).toBe("");
  expect(code).toBe(0);
});

test("flags of etcd 0.4 are ignored with a warning", async () => {
  const { code, log } = await run(["--force", "-vv=anything", "--version"]);

  expect(log).toMatch(/ W \| flags: flag "-force" is no longer supported - ignoring\.\n/);
  expect(log).toMatch(/ W \| flags: flag "-vv" is no longer supported - ignoring\.\n/);
  expect(code).toBe(0);
});

test("a bad list of log levels only warns", async () => {
  const { log } = await run(["--log-package-levels=foo", "--data-dir", "both"]);

  expect(log).toContain(
    " W | etcdmain: couldn't parse log level string: oddly structured `pkg=level` option: foo, continuing with default levels\n",
  );
});
