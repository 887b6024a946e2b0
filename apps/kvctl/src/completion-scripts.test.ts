// What the scripts say. What they do in their shells is in test/completion-shells.test.ts.

import { expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import { COMPLETION_SCRIPTS } from "./completion-scripts.ts";
import { flagValue } from "./completion/places.ts";
import { GLOBAL_FLAGS } from "./globals.ts";

const COMPLETABLE = { globalFlags: GLOBAL_FLAGS, commands: COMMANDS };
const LEAVES = COMMANDS.flatMap((command) => ("commands" in command ? command.commands : [command]));
const FLAGS = [...GLOBAL_FLAGS, ...LEAVES.flatMap(({ flags }) => flags)];

test.each(["bash", "zsh", "fish"] as const)("the script for %s knows each command and flag", (shell) => {
  const script = COMPLETION_SCRIPTS[shell](COMPLETABLE);

  for (const { name } of [...COMMANDS, ...LEAVES, ...FLAGS]) {
    expect(script).toMatch(new RegExp(`(?:^|[\\s"-])${name}(?:$|[\\s"|)])`, "m"));
  }
});

test("a flag whose name says that it takes a file or directory takes one", () => {
  const named = FLAGS.filter(({ name }) => /-(?:file|dir)$/.test(name));

  for (const flag of named) expect([flag.name, flagValue(flag)]).toEqual([flag.name, "file"]);
});

test("fish gets quotes inside its quotes", () => {
  const flag = { name: "f", kind: "boolean", help: "it's" } as const;

  expect(COMPLETION_SCRIPTS.fish({ globalFlags: [flag], commands: [] })).toContain(
    String.raw`-o f -d 'it\'s'`,
  );
});
