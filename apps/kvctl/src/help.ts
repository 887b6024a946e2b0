// What help prints.

import type { Command, CommandTree } from "./commands/command.ts";
import { HELP_FLAG, dashed } from "./flags.ts";
import type { Flag } from "./flags.ts";

/** Where explanations are broken into lines. */
const WIDTH = 80;

/** Help for the program or a group of commands; `path` is how it is called: `kvctl member`. */
export function groupHelp(path: string, group: CommandTree, globalFlags: readonly Flag[] = []): string {
  const usage = globalFlags.length > 0 ? "[global flags] COMMAND [flags] [arguments]" : "COMMAND";
  return [
    ...opening(`${path} ${usage}`, group.summary),
    ...section("Commands", [
      ...group.commands.map(({ name, summary }): Row => [name, summary]),
      ["help", "show help, also of a command"],
    ]),
    ...section(globalFlags.length > 0 ? "Global flags" : "Flags", [...globalFlags, HELP_FLAG].map(flagRow)),
    "",
    `${path} help COMMAND shows the flags and arguments of a command.`,
    "",
  ].join("\n");
}

/** Help for a command; `path` is how it is called: `kvctl member add`. */
export function commandHelp(path: string, { usage, summary, flags }: Command): string {
  return [
    ...opening(`${path} [flags] ${usage}`.trimEnd(), summary),
    ...section("Flags", [...flags, HELP_FLAG].map(flagRow)),
    "",
  ].join("\n");
}

type Row = readonly [term: string, explanation: string];

function opening(usage: string, summary: string): readonly string[] {
  return [
    `Usage: ${usage}`,
    "",
    ...wrap(
      `${summary}.`.replace(/^./, (letter) => letter.toUpperCase()),
      WIDTH,
    ),
  ];
}

/** Two columns under a heading. */
function section(heading: string, rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(([term]) => term.length)) + 4;
  const lines = rows.flatMap(([term, explanation]) => {
    const [first = "", ...others] = wrap(explanation, WIDTH - width);
    return [`  ${term}`.padEnd(width) + first, ...others.map((line) => " ".repeat(width) + line)];
  });
  return ["", `${heading}:`, ...lines];
}

/** `-o, --output <text>` */
function flagRow({ name, short, kind, help }: Flag): Row {
  const names = short === undefined ? dashed(name) : `${dashed(short)}, ${dashed(name)}`;
  if (kind === "boolean") return [names, help];
  return [`${names} <${kind === "texts" ? "text" : kind}>`, help];
}

/** Lines of at most `width` letters, where words allow it. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
