import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KvdError } from "./errors.ts";
import { FlagSet } from "./flag-set.ts";
import { FLAGS } from "./flags.ts";

function parsed(...words: string[]): FlagSet {
  const flags = new FlagSet();
  flags.parse(words);
  return flags;
}

test("every default is a value that the flag itself would accept, or empty", () => {
  for (const [name, { initial }] of Object.entries(FLAGS)) {
    if (initial !== "") expect(new FlagSet().set(name, initial), name).toBeNull();
  }
});

test("every flag of etcd 2.3.8 is known", () => {
  // server-flags.md §3 and the four old names of §4; http-engine, log-format,
  // take-over-v3-data and etcd3-peers are kvd's own.
  expect(Object.keys(FLAGS)).toHaveLength(12 + 10 + 6 + 10 + 3 + 1 + 3 + 3 + 4 + 1);
});

test.each([["-name", "x"], ["--name", "x"], ["-name=x"], ["--name=x"], ["--name=y", "--name", "x"]])(
  "%j %j names the member x",
  (...words) => {
    const flags = parsed(...words.filter((word) => word !== undefined));

    expect(flags.get("name")).toBe("x");
    expect(flags.isSet("name")).toBe(true);
  },
);

test("a flag that was not given has its default and does not count as set", () => {
  const flags = parsed();

  expect(flags.get("listen-client-urls")).toStrictEqual(["http://localhost:2379", "http://localhost:4001"]);
  expect(flags.get("cors")).toStrictEqual([]);
  expect(flags.isSet("listen-client-urls")).toBe(false);
});

describe("numbers are written as in Go", () => {
  test.each([
    ["10", 10],
    ["0x10", 16],
    ["0X1f", 31],
    ["0o20", 16],
    ["020", 16],
    ["0b101", 5],
    ["1_000", 1000],
    ["0", 0],
    ["18446744073709551615", 2 ** 64],
  ])("%s is %d", (literal, value) => {
    expect(parsed(`--snapshot-count=${literal}`).get("snapshot-count")).toBe(value);
  });

  test.each(["", " 1", "1e3", "0x", "08", "1__0", "_1", "+1", "٣"])("%j is not a number", (literal) => {
    expect(new FlagSet().set("snapshot-count", literal)).toBe("parse error");
  });
});

test.each([
  ["--debug", true],
  ["--debug=1", true],
  ["--debug=T", true],
  ["--debug=False", false],
  ["--debug=f", false],
])("%s is %j", (word, value) => {
  expect(parsed(word).get("debug")).toBe(value);
});

test("a boolean never takes the next word", () => {
  const flags = new FlagSet();

  expect(flags.parse(["--debug", "false"])).toStrictEqual({ isHelp: false, rest: ["false"] });
  expect(flags.get("debug")).toBe(true);
});

test("URL lists are trimmed and sorted", () => {
  const flags = parsed("--listen-peer-urls", " http://b:1 , http://a:2");

  expect(flags.get("listen-peer-urls")).toStrictEqual(["http://a:2", "http://b:1"]);
});

test("the words after -- are left over, and so is everything from the first word that is no flag", () => {
  expect(new FlagSet().parse(["--", "--name", "x"]).rest).toStrictEqual(["--name", "x"]);
  expect(new FlagSet().parse(["--debug", "-", "--name"]).rest).toStrictEqual(["-", "--name"]);
});

test("a value may look like a flag", () => {
  expect(parsed("--name", "--debug").get("name")).toBe("--debug");
});

test("-h and --help ask for help, whatever comes after", () => {
  expect(new FlagSet().parse(["--debug", "-h", "--nope"]).isHelp).toBe(true);
  expect(new FlagSet().parse(["--help"]).isHelp).toBe(true);
});

test("ignored flags are remembered", () => {
  expect(parsed("--force", "-config=x").ignored).toStrictEqual(["force", "config"]);
});

test("any command line is either read or refused as unreadable", () => {
  const name = fc.constantFrom(...Object.keys(FLAGS), "help", "force", "peers", "");
  const word = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom("-", "--", "---"), name, fc.constantFrom("", "="), fc.string())
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const flags = new FlagSet();
      try {
        const { rest } = flags.parse(words);
        expect(words.slice(words.length - rest.length)).toStrictEqual(rest);
      } catch (error) {
        expect(error).toBeInstanceOf(KvdError);
        expect(error).toHaveProperty("code", "E_USAGE");
      }
    }),
  );
});
