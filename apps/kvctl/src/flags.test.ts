import { describe, expect, test } from "vitest";
import { FlagValues, flagSyntax, fromGoCommandFlags, fromGoFlags, parseDurationMs } from "./flags.ts";
import type { Flag } from "./flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "ttl", kind: "integer", help: "" },
  { name: "recursive", kind: "boolean", help: "" },
  { name: "output", short: "o", kind: "text", help: "" },
  { name: "p", kind: "boolean", help: "" },
];

describe("fromGoFlags", () => {
  test.each<[string[], string[], string[]]>([
    [["-recursive", "get", "-x"], ["--recursive"], ["get", "-x"]],
    [["--recursive=false", "get"], [], ["get"]],
    [["-recursive=T", "get"], ["--recursive"], ["get"]],
    [["-o", "json", "get"], ["--output=json"], ["get"]],
    [["-o=json", "get"], ["--output=json"], ["get"]],
    [["--output=a=b"], ["--output=a=b"], []],
    [["--ttl", "-1", "a"], ["--ttl=-1"], ["a"]],
    [["--output", "--ttl"], ["--output=--ttl"], []],
    [["-p", "a"], ["-p"], ["a"]],
    [["--nope", "a"], ["--nope"], ["a"]],
    [["--", "-p"], [], ["-p"]],
    [["-", "a"], [], ["-", "a"]],
    [["-h"], ["--help"], []],
  ])("%j is %j and %j", (argv, flags, words) => {
    expect(fromGoFlags(argv, FLAGS)).toEqual({ flags, words });
  });

  test("a boolean that is none is wrong usage", () => {
    expect(() => fromGoFlags(["--recursive=maybe"], FLAGS)).toThrow(
      expect.objectContaining({
        code: "E_USAGE",
        message: 'Error:  invalid boolean value "maybe" for flag --recursive',
      }),
    );
  });
});

test.each([[["--output"]], [["a", "--ttl"]], [["--ttl", "--", "a"]]])(
  "a value that is missing is wrong usage: %j",
  (argv) => {
    expect(() => fromGoCommandFlags(argv, FLAGS)).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  },
);

describe("fromGoCommandFlags", () => {
  test.each<[string, string[], string[], string[]]>([
    ["flags first", ["--ttl", "5", "a", "b"], ["--ttl=5"], ["a", "b"]],
    ["flags last", ["a", "b", "--ttl", "5", "-p"], ["--ttl=5", "-p"], ["a", "b"]],
    ["flags in between end at the next word", ["a", "--ttl", "5", "b", "-p"], ["--ttl=5"], ["a", "b", "-p"]],
    ["no flags", ["a", "b"], [], ["a", "b"]],
    ["a terminator first", ["--", "-a", "-1"], [], ["-a", "-1"]],
    ["a terminator between words", ["a", "--", "-1"], [], ["a", "-1"]],
    ["a terminator behind flags", ["--ttl", "60", "--", "a", "-1"], ["--ttl=60"], ["a", "-1"]],
    ["a program behind a terminator", ["-p", "a", "--", "sh", "-c", "--"], ["-p"], ["a", "sh", "-c", "--"]],
    ["a negative number is a word", ["a", "-1"], [], ["a", "-1"]],
  ])("%s: %j", (_name, argv, flags, words) => {
    expect(fromGoCommandFlags(argv, FLAGS)).toEqual({ flags, words });
  });
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
  expect(new FlagValues(new Map([["ttl", text]])).integer("ttl")).toBe(value);
});

test.each(["", "1.5", "x", "0x10", "99999999999999999999"])("%j is no integer", (text) => {
  expect(() => new FlagValues(new Map([["ttl", text]])).integer("ttl")).toThrow(
    expect.objectContaining({ code: "E_USAGE" }),
  );
});

test("flags are declared to commander with one form each", () => {
  expect(FLAGS.map(flagSyntax)).toEqual(["--ttl <integer>", "--recursive", "-o, --output <text>", "-p"]);
});
