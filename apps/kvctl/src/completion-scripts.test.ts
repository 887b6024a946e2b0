// The scripts are run by the shells that are installed.

import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { COMPLETION_SCRIPTS } from "./completion-scripts.ts";
import { GLOBAL_FLAGS } from "./globals.ts";

const COMPLETABLE = { globalFlags: GLOBAL_FLAGS, commands: COMMANDS };

/** Whether a shell is there; said loudly if not, or an error with KV_REQUIRE_PEERS=1. */
function isInstalled(shell: string): boolean {
  if (spawnSync(shell, ["-c", "true"], { stdio: "ignore" }).status === 0) return true;
  if (process.env["KV_REQUIRE_PEERS"] === "1") throw new Error(`there is no ${shell} on PATH`);
  process.stderr.write(`\n*** NOT TESTED: completion in ${shell}, because there is none on PATH ***\n\n`);
  return false;
}

/** What bash offers behind these words, of which the last one has been begun. */
function completeInBash(words: readonly string[]): string[] {
  const script = `${COMPLETION_SCRIPTS.bash(COMPLETABLE)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvctl_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
  // Behind a pipe that is a socket bash takes itself for a remote shell and would read the user's settings.
  return linesOf("bash", ["--norc", "-uc", script, "bash", "kvctl", ...words]);
}

/** The same in zsh. What it does with the candidates, which is to drop those that do not fit, is done here. */
function completeInZsh(words: readonly string[]): string[] {
  const script = `compdef() { : }; compadd() { shift; print -l -- "$@" }
${COMPLETION_SCRIPTS.zsh(COMPLETABLE)}
words=("$@"); CURRENT=$#; _kvctl`;
  const candidates = linesOf("zsh", ["-f", "-uc", script, "zsh", "kvctl", ...words]);
  return candidates.filter((candidate) => candidate.startsWith(words.at(-1) ?? ""));
}

/** The same in fish, which has a command for it. */
function completeInFish(words: readonly string[]): string[] {
  const script = `${COMPLETION_SCRIPTS.fish(COMPLETABLE)}complete -C "$argv"`;
  const lines = linesOf("fish", ["--no-config", "-c", script, "kvctl", ...words]);
  return lines.map((line) => line.split("\t")[0] ?? "");
}

function linesOf(shell: string, argv: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, argv, { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((line) => line !== "");
}

type Completed = readonly [words: readonly string[], expected: readonly string[]];

const CASES: readonly Completed[] = [
  [["ge"], ["get"]],
  [["update"], ["update", "updatedir"]],
  [["--ou"], ["--output"]],
  [
    ["member", ""],
    ["list", "add", "remove", "update"],
  ],
  [["member", "re"], ["remove"]],
  [
    ["set", "--sw"],
    ["--swap-with-value", "--swap-with-index"],
  ],
  [["--endpoints", "get", "ls", "--rec"], ["--recursive"]],
  [
    ["--no-sync", "-o", "json", "ls", "-"],
    ["--sort", "--recursive", "-p", "--quorum"],
  ],
  [["help", "clu"], ["cluster-health"]],
  [["get", "/a"], []],
  [
    ["role", "grant", "reader", "--read"],
    ["--read", "--readwrite"],
  ],
  [["user", "grant", "-"], ["--roles"]],
  [["auth", "enable", ""], []],
];

describe.runIf(isInstalled("bash"))("bash", () => {
  test.each(CASES)("%j is completed to %j", (words, expected) => {
    expect(completeInBash(words)).toEqual(expected);
  });
});

describe.runIf(isInstalled("zsh"))("zsh", () => {
  test.each(CASES)("%j is completed to %j", (words, expected) => {
    expect(completeInZsh(words)).toEqual(expected);
  });
});

describe.runIf(isInstalled("fish"))("fish", () => {
  test.each(CASES)("%j is completed to %j", (words, expected) => {
    expect(completeInFish(words).toSorted()).toEqual(expected.toSorted());
  });
});

test.each(["bash", "zsh", "fish"] as const)("the script for %s knows each command and flag", (shell) => {
  const script = COMPLETION_SCRIPTS[shell](COMPLETABLE);

  for (const command of COMMANDS) {
    const flags = "commands" in command ? [] : command.flags;
    const subNames = "commands" in command ? command.commands.map(({ name }) => name) : [];
    for (const word of [command.name, ...subNames, ...flags.map(({ name }) => name)]) {
      expect(script).toMatch(new RegExp(`(?:^|[\\s"-])${word}(?:$|[\\s"|)])`, "m"));
    }
  }
});

test("fish gets quotes inside its quotes", () => {
  const flag = { name: "f", kind: "boolean", help: "it's" } as const;

  expect(COMPLETION_SCRIPTS.fish({ globalFlags: [flag], commands: [] })).toContain(
    String.raw`-s f -d 'it\'s'`,
  );
});
