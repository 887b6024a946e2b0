import { expect, test } from "vitest";
import { createLogger, parsePackageLevels } from "./logger.ts";
import type { LoggerOptions } from "./logger.ts";

function logTo(lines: string[], options: Partial<LoggerOptions> = {}) {
  const out = { write: (line: string) => lines.push(line) };
  return createLogger({ format: "etcd", level: "info", packageLevels: new Map(), ...options }, out);
}

test("a line is local time with microseconds, a letter, the package and the text", () => {
  const lines: string[] = [];

  logTo(lines).child({ pkg: "etcdmain" }).notice("it is so");

  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} N \| etcdmain: it is so\n$/);
});

test("every level has its letter", () => {
  const lines: string[] = [];
  const log = logTo(lines, { level: "debug" }).child({ pkg: "p" });

  log.critical("text");
  log.error("text");
  log.warn("text");
  log.notice("text");
  log.info("text");
  log.debug("text");

  expect(lines.map((line) => line.slice(27, 28))).toStrictEqual(["C", "E", "W", "N", "I", "D"]);
});

test("the time is that of the call", () => {
  const lines: string[] = [];

  logTo(lines).child({ pkg: "p" }).info("text");

  const printed = new Date(`${lines[0]?.slice(0, 10)}T${lines[0]?.slice(11, 26)}`).getTime();
  expect(Math.abs(Date.now() - printed)).toBeLessThan(5_000);
});

test("fields follow the text", () => {
  const lines: string[] = [];

  logTo(lines).child({ pkg: "p", member: "a1" }).info("slow disk", { tookMs: 12 });

  expect(lines[0]).toMatch(/ I \| p: slow disk \[member=a1 tookMs=12\]\n$/);
});

test("levels below the one asked for are not printed, except for packages with a level of their own", () => {
  const lines: string[] = [];
  const log = logTo(lines, { packageLevels: new Map([["raft", "debug"]]) });

  log.child({ pkg: "etcdserver" }).debug("hidden");
  log.child({ pkg: "raft" }).debug("shown");

  expect(lines.map((line) => line.slice(29))).toStrictEqual(["| raft: shown\n"]);
});

test("a level set later holds for all parts, those with a level of their own included", () => {
  const lines: string[] = [];
  const log = logTo(lines, { packageLevels: new Map([["raft", "debug"]]) });
  const [raft, server] = [log.child({ pkg: "raft" }), log.child({ pkg: "etcdserver" })];

  log.setLevel("debug");
  server.debug("shown");
  log.setLevel("warn");
  raft.info("hidden");
  log.child({ pkg: "new" }).notice("hidden");

  expect(lines.map((line) => line.slice(29))).toStrictEqual(["| etcdserver: shown\n"]);
});

test("json has one object per line with level, package and text", () => {
  const lines: string[] = [];

  logTo(lines, { format: "json" }).child({ pkg: "p" }).warn("text", { n: 1 });

  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: 40, pkg: "p", msg: "text", n: 1 });
});

test.each([
  ["", []],
  ["raft=DEBUG", [["raft", "debug"]]],
  [
    "*=W,rafthttp=0",
    [
      ["*", "warn"],
      ["rafthttp", "error"],
    ],
  ],
  ["x=notice", [["x", "notice"]]],
])("%j sets levels", (text, levels) => {
  expect(parsePackageLevels(text)).toStrictEqual(new Map(levels as [string, string][]));
});

test("a bad list is explained in etcd's words", () => {
  expect(parsePackageLevels("foo")).toBe("oddly structured `pkg=level` option: foo");
  expect(parsePackageLevels("raft=LOUD")).toBe("couldn't parse log level LOUD");
});
