// The completion scripts in the shells they are for. bash and zsh run on a pseudo-terminal, where completion keys
// are pressed: their line editors take part, since they split words and insert. fish can be asked.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/commands.ts";
import { COMPLETION_SCRIPTS } from "../src/completion-scripts.ts";
import { GLOBAL_FLAGS } from "../src/globals.ts";

/** Words behind `kvctl`, of which the last has been begun, and what stands there when all that fits is inserted. */
type Completed = readonly [words: readonly string[], expected: readonly string[]];

const CASES: readonly Completed[] = [
  [["ge"], ["get"]],
  [["update"], ["update", "updatedir"]],
  [["--ou"], ["--output"]],
  [["--hel"], ["--help"]],
  [["--v"], ["--version"]],
  [["-o"], ["-o"]],
  [
    ["member", ""],
    ["list", "add", "remove", "update", "help"],
  ],
  [["member", "re"], ["remove"]],
  [
    ["member", "-"],
    ["--help", "-h"],
  ],
  [
    ["set", "--sw"],
    ["--swap-with-value", "--swap-with-index"],
  ],
  [["get", "/a", "--h"], ["--help"]],
  [["get", "/a"], ["/a"]],
  [["get", ""], []],
  [["--endpoints", "get", "ls", "--rec"], ["--recursive"]],
  [
    ["--no-sync", "-o", "json", "ls", "-"],
    ["--sort", "--recursive", "-p", "--quorum", "--help", "-h"],
  ],
  [
    ["role", "grant", "reader", "--read"],
    ["--read", "--readwrite"],
  ],
  [["user", "grant", "--r"], ["--roles"]],
  [["auth", "enable", ""], []],

  // Where a line editor splits words.
  [["--endpoints", "http://127.0.0.1:2379", "mem"], ["member"]],
  [["--endpoints=http://127.0.0.1:2379", "mem"], ["member"]],
  [["-endpoints", "http://127.0.0.1:2379,http://127.0.0.1:4001", "mem"], ["member"]],
  [["--no-sync=true", "mem"], ["member"]],
  [["--username", "a b", "mem"], ["member"]],
  [["--endpoints", "http://me"], ["http://me"]],
  [["--endpoints=me"], ["--endpoints=me"]],
  [["get", "http:me"], ["http:me"]],

  // One level is not the other.
  [["set", "member", "l"], ["l"]],
  [["member", "list", "a"], ["a"]],
  [["help", "clu"], ["cluster-health"]],
  [
    ["help", "user", ""],
    ["add", "get", "list", "remove", "grant", "revoke", "passwd"],
  ],
  [["member", "help", "up"], ["update"]],
  [["help", "get", ""], []],
  [["ls", "--output"], ["--output"]],

  // Values.
  [
    ["--output", ""],
    ["simple", "extended", "json", "table"],
  ],
  [
    ["-o", ""],
    ["simple", "extended", "json", "table"],
  ],
  [["--output=e"], ["--output=extended"]],
  [["--no-sync="], ["--no-sync="]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["completion", "zsh", ""], []],
  [["--timeout", "c"], ["c"]],
  [["get", "c"], ["c"]],
  [["--cert-file", "ce"], ["cert.pem"]],
  [["--ca-file=ce"], ["--ca-file=cert.pem"]],
  [["--key-file", "./ce"], ["./cert.pem"]],
  [["import", "--snap", "ce"], ["cert.pem"]],
  [["import", "/a", "--snap", "ce"], ["cert.pem"]],
  [["diff", "/a", "--file", "ce"], ["cert.pem"]],
  [["backup", "--data-dir", "/a", "--backup-dir", "ce"], ["cert.pem"]],
  [["exec-watch", "/a", "--", "ce"], ["cert.pem"]],
  [["ls", "--file", "ce"], ["ce"]],
];

/** Where the shells are: the scripts and a file, and no settings of the user's. */
const HOME = mkdtempSync(join(tmpdir(), "kvctl-completion-"));
const closers: (() => void)[] = [];

mkdirSync(join(HOME, "fpath"));
writeFileSync(join(HOME, "cert.pem"), "");
for (const [name, shell] of [
  ["kvctl.bash", "bash"],
  ["kvctl.zsh", "zsh"],
  ["fpath/_kvctl", "zsh"],
  ["kvctl.fish", "fish"],
] as const) {
  const script = COMPLETION_SCRIPTS[shell]({ globalFlags: GLOBAL_FLAGS, commands: COMMANDS });
  writeFileSync(join(HOME, name), script);
}

afterEach(() => {
  for (const close of closers.splice(0)) close();
});
afterAll(() => rmSync(HOME, { recursive: true }));

const ENVIRONMENT = {
  PATH: process.env["PATH"],
  HOME,
  TERM: "dumb",
  LANG: "C.UTF-8",
  INPUTRC: "/dev/null",
  PS1: "ready> ",
};

/** A kvctl that prints the words it gets, between lines that are not typed. */
const PRINT_WORDS = String.raw`kvctl() { echo '<<'; [ $# = 0 ] || printf '%s\n' "$@"; echo '>>'; }`;
const CALLED = /<<\r\n([^]*?)>>\r\n[^]*?ready> /;

/**
 * Starts a shell on a terminal, runs `setup`, and types each line when kvctl has printed the words of the one
 * before and the prompt is back: nothing is timed.
 *
 * @returns the words that each line called kvctl with
 */
async function typeInto(
  shell: string,
  setup: string,
  lines: readonly string[],
): Promise<readonly (readonly string[])[]> {
  writeFileSync(join(HOME, "setup"), `${PRINT_WORDS}\n${setup}\n`);
  const child = spawn("script", ["-qec", shell, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    cwd: HOME,
    env: ENVIRONMENT,
  });
  closers.push(() => child.kill("SIGKILL"));
  const inputs = [". ./setup; kvctl", ...lines, "exit"];
  const called: string[][] = [];
  let screen = "";
  let awaited = /ready> /;
  for await (const text of child.stdout.setEncoding("utf8")) {
    screen += String(text);
    for (let match = awaited.exec(screen); match !== null; match = awaited.exec(screen)) {
      const [{ length }, words] = match;
      screen = screen.slice(match.index + length);
      if (words !== undefined) called.push(words.split("\r\n").slice(0, -1));
      child.stdin.write(`${inputs.shift()}\r`);
      awaited = CALLED;
    }
  }
  expect(called, screen).toHaveLength(lines.length + 1);
  return called.slice(1);
}

/** Inserts all that fits in place of the word that has been begun. */
const INSERT_ALL = "\u001b*";
const TAB = "\t";

const BASH = ["bash --norc -i", ". ./kvctl.bash"] as const;
const ZSH = ["zsh -f -i", ". ./kvctl.zsh"] as const;
/** bash has a key for it. */
const ZSH_INSERT_ALL = String.raw`
zle -C all-matches complete-word _generic
bindkey '\e*' all-matches
zstyle ':completion:all-matches::::' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true`;

async function completeOnTerminal(shell: string, setup: string): Promise<Readonly<Record<string, string[]>>> {
  const lines = CASES.map(([words]) => lineOf(words));
  const called = await typeInto(
    shell,
    setup,
    lines.map((line) => line + INSERT_ALL),
  );
  return byLine((words, i) => called[i]?.slice(words.length - 1) ?? []);
}

/** What fish offers, or what stands there if that is nothing. */
function completeInFish(): Readonly<Record<string, string[]>> {
  const script = `. ./kvctl.fish; for line in $argv; echo "> $line"; complete -C $line; end`;
  const lines = CASES.map(([words]) => lineOf(words));
  const stdout = outputOf("fish", ["--no-config", "-c", script, ...lines]);
  const offered = stdout.split(/^> .*\n/m).slice(1);
  return byLine((words, i) => {
    const candidates = (offered[i] ?? "").split("\n").filter((line) => line !== "");
    if (candidates.length === 0) return words.slice(-1).filter((word) => word !== "");
    return candidates.map((line) => line.split("\t", 1)[0] ?? "");
  });
}

function outputOf(shell: string, argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, argv, {
    encoding: "utf8",
    cwd: HOME,
    env: ENVIRONMENT,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

function byLine(
  offered: (words: readonly string[], i: number) => readonly string[],
): Readonly<Record<string, string[]>> {
  return Object.fromEntries(CASES.map(([words], i) => [lineOf(words), offered(words, i).toSorted()]));
}

function lineOf(words: readonly string[]): string {
  return ["kvctl", ...words.map((word) => (word.includes(" ") ? `'${word}'` : word))].join(" ");
}

const EXPECTED = Object.fromEntries(CASES.map(([words, expected]) => [lineOf(words), expected.toSorted()]));

describe.runIf(isThere("bash", "script"))("bash", () => {
  test("completes commands, flags and values", async () => {
    expect(await completeOnTerminal(...BASH)).toEqual(EXPECTED);
  });

  test("completes to the cursor, in a list of commands and behind a redirection", async () => {
    const left = "\u001b[D";
    const lines = [
      `kvctl mem -h${left}${left}${left}${TAB}`,
      `true; FOO=1 kvctl --endpoints=http://a:1 mem${TAB}`,
      `kvctl import < ce${TAB} /copy || kvctl no file`,
      `kvctl import <ce${TAB} || kvctl no file`,
    ];

    expect(await typeInto(...BASH, lines)).toEqual([
      ["member", "-h"],
      ["--endpoints=http://a:1", "member"],
      ["import", "/copy"],
      ["import"],
    ]);
  });

  test.each([" \t\n\"'><=;|&(:", " \t\n\"'><;|&(:", " \t\n\"'><;|&("])(
    "completes with COMP_WORDBREAKS=%j",
    async (breaks) => {
      const setup = `${BASH[1]}; COMP_WORDBREAKS=$'${breaks.replace("'", String.raw`\'`)}'`;
      const lines = [`kvctl --endpoints=http://a:1 mem${TAB}`, `kvctl --output=e${TAB}`];

      expect(await typeInto(BASH[0], setup, lines)).toEqual([
        ["--endpoints=http://a:1", "member"],
        ["--output=extended"],
      ]);
    },
  );
});

describe.runIf(isThere("zsh", "script"))("zsh", () => {
  // Without compinit in front: the script has to start completion.
  test("completes commands, flags and values", async () => {
    expect(await completeOnTerminal(ZSH[0], ZSH[1] + ZSH_INSERT_ALL)).toEqual(EXPECTED);
  });

  test.each([
    ["sourced behind compinit", "autoload -Uz compinit; compinit -D; . ./kvctl.zsh"],
    ["sourced in front of compinit", ". ./kvctl.zsh; autoload -Uz compinit; compinit -D"],
    ["found in fpath", "fpath=($PWD/fpath $fpath); autoload -Uz compinit; compinit -D -u"],
  ])("completes when the script is %s", async (_how, setup) => {
    const lines = [`kvctl --endpoints=http://a:1 mem${TAB}`, `kvctl member li${TAB}`];

    expect(await typeInto(ZSH[0], setup, lines)).toEqual([
      ["--endpoints=http://a:1", "member"],
      ["member", "list"],
    ]);
  });
});

describe.runIf(isThere("fish"))("fish", () => {
  test("completes commands, flags and values", () => {
    expect(completeInFish()).toEqual(EXPECTED);
  });
});

/** Whether the programs are on PATH; said loudly if not, or an error with KV_REQUIRE_PEERS=1. */
function isThere(...programs: readonly string[]): boolean {
  const missing = programs.find(
    (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status !== 0,
  );
  if (missing === undefined) return true;
  if (process.env["KV_REQUIRE_PEERS"] === "1") throw new Error(`there is no ${missing} on PATH`);
  process.stderr.write(
    `\n*** NOT TESTED: completion in ${programs[0]}, because there is no ${missing} ***\n\n`,
  );
  return false;
}
