import { describe, expect, test } from "vitest";
import { FlagValues, parseCommandFlags, parseDurationMs, parseFlags } from "./flags.ts";
import type { Flag, Level, ParsedFlags } from "./flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "ttl", kind: "integer", help: "" },
  { name: "recursive", kind: "boolean", help: "" },
  { name: "output", short: "o", kind: "text", help: "" },
  { name: "roles", kind: "texts", help: "" },
  { name: "p", kind: "boolean", help: "" },
];

const LEVEL: Level = {
  path: "kvctl get",
  flags: FLAGS,
  above: { path: "kvctl", flags: [{ name: "debug", short: "D", kind: "boolean", help: "" }] },
};

/** What was given, by name; lists and single values alike. */
function given({
  flags,
  words,
}: ParsedFlags): readonly [Record<string, string | readonly string[]>, readonly string[]] {
  const entries = FLAGS.flatMap(({ name, kind }): [string, string | readonly string[]][] => {
    if (kind === "texts") return flags.texts(name).length > 0 ? [[name, flags.texts(name)]] : [];
    const text = flags.text(name);
    return text === undefined ? [] : [[name, text]];
  });
  return [Object.fromEntries(entries), words];
}

describe("parseFlags", () => {
  test.each<[string[], Record<string, string | string[]>, string[]]>([
    [["-recursive", "get", "-x"], { recursive: "true" }, ["get", "-x"]],
    [["--recursive=false", "get"], {}, ["get"]],
    [["-recursive=T", "get"], { recursive: "true" }, ["get"]],
    [["--recursive", "--recursive=0", "get"], {}, ["get"]],
    [["-o", "json", "get"], { output: "json" }, ["get"]],
    [["-o=json", "get"], { output: "json" }, ["get"]],
    [["--o", "json", "get"], { output: "json" }, ["get"]],
    [["--output=a=b"], { output: "a=b" }, []],
    [["--output="], { output: "" }, []],
    [["--output", "a", "-o", "b"], { output: "b" }, []],
    [["--output=a\nb"], { output: "a\nb" }, []],
    [["--ttl", "-1", "a"], { ttl: "-1" }, ["a"]],
    [["--output", "--ttl"], { output: "--ttl" }, []],
    [["--roles", "a", "--roles=b"], { roles: ["a", "b"] }, []],
    [["-p", "a"], { p: "true" }, ["a"]],
    [["--p", "a"], { p: "true" }, ["a"]],
    [["--", "-p"], {}, ["-p"]],
    [["-", "a"], {}, ["-", "a"]],
    [["-1", "a"], {}, ["-1", "a"]],
    [["a", "-p"], {}, ["a", "-p"]],
  ])("%j is %j and %j", (argv, flags, words) => {
    expect(given(parseFlags(argv, LEVEL))).toEqual([flags, words]);
  });

  test.each([
    [["--recursive=maybe"], 'invalid boolean value "maybe" for flag --recursive'],
    [["-p=maybe"], 'invalid boolean value "maybe" for flag -p'],
    [["--output"], "flag --output needs a value"],
    [["--nope", "a"], "unknown flag '--nope'"],
    [["-nope=1"], "unknown flag '-nope'"],
    [["--recusrive"], "unknown flag '--recusrive'\n(Did you mean --recursive?)"],
    [["--foo.bar=1"], "unknown flag '--foo.bar'"],
    [["-ofoo"], "unknown flag '-ofoo'"],
    [["--debug"], "flag '--debug' is a global one and stands before the command\nSee kvctl --help."],
    [["-D=true"], "flag '-D' is a global one and stands before the command\nSee kvctl --help."],
  ])("%j is wrong usage", (argv, reason) => {
    expect(() => parseFlags(argv, LEVEL)).toThrow(
      expect.objectContaining({
        code: "E_USAGE",
        message: `Error:  ${reason.includes("See") ? reason : `${reason}\nSee kvctl get --help.`}`,
      }),
    );
  });
});

describe("parseCommandFlags", () => {
  test.each<[string, string[], Record<string, string>, string[]]>([
    ["flags first", ["--ttl", "5", "a", "b"], { ttl: "5" }, ["a", "b"]],
    ["flags last", ["a", "b", "--ttl", "5", "-p"], { ttl: "5", p: "true" }, ["a", "b"]],
    ["flags in between end at the next word", ["a", "--ttl", "5", "b", "-p"], { ttl: "5" }, ["a", "b", "-p"]],
    ["no flags", ["a", "b"], {}, ["a", "b"]],
    ["a terminator first", ["--", "-a", "-1"], {}, ["-a", "-1"]],
    ["a terminator between words", ["a", "--", "-1"], {}, ["a", "-1"]],
    ["a terminator behind flags", ["--ttl", "60", "--", "a", "-1"], { ttl: "60" }, ["a", "-1"]],
    [
      "a program behind a terminator",
      ["-p", "a", "--", "sh", "-c", "--"],
      { p: "true" },
      ["a", "sh", "-c", "--"],
    ],
    ["a negative number is a word", ["a", "-1"], {}, ["a", "-1"]],
  ])("%s: %j", (_name, argv, flags, words) => {
    expect(given(parseCommandFlags(argv, LEVEL))).toEqual([flags, words]);
  });

  test.each([[["a", "--ttl"]], [["--ttl", "--", "a"]]])(
    "a value that is missing is wrong usage: %j",
    (argv) => {
      expect(() => parseCommandFlags(argv, LEVEL)).toThrow("flag --ttl needs a value");
    },
  );
});

test.each([
  ["0", 0],
  ["0s", 0],
  ["300ms", 300],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["+2s", 2_000],
  ["500us", 0.5],
  ["-1s", null],
  ["5", null],
  ["1x", null],
  ["", null],
  ["1s ", null],
])("the duration %j is %j ms", (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

test.each([
  ["12", 12],
  ["-3", -3],
  ["+4", 4],
])("the integer %j is %j", (text, value) => {
  expect(new FlagValues(new Map([["ttl", text]]), new Map(), "kvctl get").integer("ttl")).toBe(value);
});

test.each(["", "1.5", "x", "0x10", "99999999999999999999"])("%j is no integer", (text) => {
  expect(() => new FlagValues(new Map([["ttl", text]]), new Map(), "kvctl get").integer("ttl")).toThrow(
    expect.objectContaining({ code: "E_USAGE" }),
  );
});
