// Completion scripts for shells, made from the tables of commands and flags. The scripts know commands,
// sub-commands and flags; keys are not completed, since that would ask a server at each key press.

import type { Command, CommandGroup } from "./commands/command.ts";
import { dashed } from "./flags.ts";
import type { Flag } from "./flags.ts";

/** What can be completed. */
export interface Completable {
  readonly globalFlags: readonly Flag[];
  readonly commands: readonly (Command | CommandGroup)[];
}

/** A shell for which there is a script. */
export type Shell = "bash" | "zsh" | "fish";

/** The scripts by shell; each is complete, with a hint on how to load it. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, (completable: Completable) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function bashScript(completable: Completable): string {
  return `# Completion of kvctl for bash: source <(kvctl completion bash)
${posixFunction(completable)}
_kvctl_complete() {
  local IFS=$' \\t\\n'
  COMPREPLY=($(compgen -W "$(_kvctl_words "\${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kvctl_complete kvctl
`;
}

function zshScript(completable: Completable): string {
  return `#compdef kvctl
# Completion of kvctl for zsh: source <(kvctl completion zsh)
${posixFunction(completable)}
_kvctl() {
  local -a candidates
  candidates=(\${=$(_kvctl_words "\${(@)words[2,CURRENT-1]}")})
  compadd -- $candidates
}
compdef _kvctl kvctl
`;
}

function fishScript({ globalFlags, commands }: Completable): string {
  const lines = ["# Completion of kvctl for fish: kvctl completion fish | source", "complete -c kvctl -f"];
  const isAlone = "__fish_use_subcommand";
  for (const flag of globalFlags) lines.push(fishFlag(isAlone, flag));
  const names = commands.map(({ name }) => name).join(" ");
  lines.push(`complete -c kvctl -n ${isAlone} -a help -d 'show help'`);
  lines.push(`complete -c kvctl -n '__fish_seen_subcommand_from help' -a '${names}'`);
  for (const command of commands) {
    lines.push(`complete -c kvctl -n ${isAlone} -a ${command.name} -d '${quoted(command.summary)}'`);
    const isInside = `'__fish_seen_subcommand_from ${command.name}'`;
    if (!("commands" in command)) for (const flag of command.flags) lines.push(fishFlag(isInside, flag));
    else {
      const subNames = command.commands.map(({ name }) => name).join(" ");
      const isOpen = `'__fish_seen_subcommand_from ${command.name}; and not __fish_seen_subcommand_from ${subNames}'`;
      for (const { name, summary, flags } of command.commands) {
        lines.push(`complete -c kvctl -n ${isOpen} -a ${name} -d '${quoted(summary)}'`);
        const isSub = `'__fish_seen_subcommand_from ${command.name}; and __fish_seen_subcommand_from ${name}'`;
        for (const flag of flags) lines.push(fishFlag(isSub, flag));
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishFlag(condition: string, { name, short, kind, help }: Flag): string {
  const names = [name, ...(short === undefined ? [] : [short])];
  const options = names.map((word) => (word.length === 1 ? `-s ${word}` : `-l ${word}`)).join(" ");
  return `complete -c kvctl -n ${condition} ${options}${kind === "boolean" ? "" : " -r"} -d '${quoted(help)}'`;
}

/**
 * A shell function that prints the candidates behind the words given to it. It skips global flags and their
 * values to find the command.
 */
function posixFunction({ globalFlags, commands }: Completable): string {
  const withValue = globalFlags.filter(({ kind }) => kind !== "boolean").flatMap(flagWords);
  const cases = commands.flatMap((command) => {
    if (!("commands" in command)) return [shellCase(command.name, command.flags.flatMap(flagWords))];
    const names = command.commands.map(({ name }) => name);
    const subCases = command.commands.map((sub) => `  ${shellCase(sub.name, sub.flags.flatMap(flagWords))}`);
    return [
      `    ${command.name}) case "\${2-}" in`,
      `  ${shellCase('""', names)}`,
      ...subCases,
      "    esac ;;",
    ];
  });
  const first = [...commands.map(({ name }) => name), "help", ...globalFlags.flatMap(flagWords)];
  return `_kvctl_words() {
  while [ $# -gt 0 ]; do
    case "$1" in
    ${withValue.join("|")}) shift; [ $# -gt 0 ] || return 0; shift ;;
    -*) shift ;;
    *) break ;;
    esac
  done
  case "\${1-}" in
    "") echo "${first.join(" ")}" ;;
${cases.join("\n")}
    help) [ $# -gt 1 ] || echo "${commands.map(({ name }) => name).join(" ")}" ;;
  esac
}`;
}

function shellCase(pattern: string, candidates: readonly string[]): string {
  return `    ${pattern}) echo "${candidates.join(" ")}" ;;`;
}

function flagWords({ name, short }: Flag): string[] {
  const names = short === undefined ? [name] : [name, short];
  return names.map(dashed);
}

function quoted(text: string): string {
  return text.replaceAll("'", String.raw`\'`);
}
