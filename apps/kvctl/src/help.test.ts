import { expect, test } from "vitest";
import { COMMANDS } from "./commands.ts";
import type { Command } from "./commands/command.ts";
import { ExitCode } from "./exit-codes.ts";
import { GLOBAL_FLAGS } from "./globals.ts";
import { commandHelp, groupHelp } from "./help.ts";

const COMMAND: Command = {
  name: "add",
  usage: "NAME",
  summary: "add something, and say at some length what it was that has been added to all the rest",
  flags: [
    { name: "ttl", kind: "integer", help: "seconds" },
    {
      name: "roles",
      short: "r",
      kind: "texts",
      help: "may be repeated, and is explained in so many words that they wrap",
    },
    { name: "p", kind: "boolean", help: "short" },
  ],
  style: "keys",
  sync: true,
  run: () => Promise.resolve(ExitCode.Success),
};

test("a command's help has its usage, what it does and its flags", () => {
  expect(commandHelp("kvctl thing add", COMMAND)).toBe(`Usage: kvctl thing add [flags] NAME

Add something, and say at some length what it was that has been added to all the
rest.

Flags:
  --ttl <integer>     seconds
  -r, --roles <text>  may be repeated, and is explained in so many words that
                      they wrap
  -p                  short
  -h, --help          show help
`);
});

test("a group's help has its commands", () => {
  expect(
    groupHelp("kvctl thing", {
      name: "thing",
      summary: "do things",
      commands: [{ ...COMMAND, summary: "add one" }],
    }),
  ).toBe(`Usage: kvctl thing COMMAND

Do things.

Commands:
  add   add one
  help  show help, also of a command

Flags:
  -h, --help  show help

kvctl thing help COMMAND shows the flags and arguments of a command.
`);
});

test("no line of any help is wider than a terminal of 80 columns", () => {
  const helps = COMMANDS.flatMap((command) => {
    if (!("commands" in command)) return [commandHelp(`kvctl ${command.name}`, command)];
    const path = `kvctl ${command.name}`;
    return [
      groupHelp(path, command),
      ...command.commands.map((sub) => commandHelp(`${path} ${sub.name}`, sub)),
    ];
  });
  helps.push(groupHelp("kvctl", { name: "kvctl", summary: "", commands: COMMANDS }, GLOBAL_FLAGS));

  const tooWide = helps.flatMap((help) => help.split("\n").filter((line) => line.length > 80));

  expect(tooWide).toEqual([]);
});
