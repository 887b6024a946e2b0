// The scripts are run by bash, where it is installed; those for zsh and fish are compared with the tables alone.

import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { COMPLETION_SCRIPTS } from "./completion-scripts.ts";
import { GLOBAL_FLAGS } from "./globals.ts";

const COMPLETABLE = { globalFlags: GLOBAL_FLAGS, commands: COMMANDS };

/** What bash offers behind these words, of which the last one has been begun. */
function complete(...words: readonly string[]): string[] {
  const script = `${COMPLETION_SCRIPTS.bash(COMPLETABLE)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvctl_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
  // Behind a pipe that is a socket bash takes itself for a remote shell and would read the user's settings.
  const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-uc", script, "bash", "kvctl", ...words], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash", () => {
  test.each([
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
  ])("%j is completed to %j", (words, expected) => {
    expect(complete(...words)).toEqual(expected);
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
