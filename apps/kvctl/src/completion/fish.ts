// Completion for fish, which has a command for each candidate and completes the values of flags itself.

import type { Flag } from "../flags.ts";
import { flagNames, flagValue } from "./places.ts";
import type { Place } from "./places.ts";

/** The script, for fish to source. */
export function fishScript(places: readonly Place[]): string {
  return `# Completion of kvctl for fish: kvctl completion fish | source
${atFunction(places)}

complete -c kvctl -f
complete -c kvctl -n '__kvctl_at "-- "' -F
${places.flatMap(completions).join("\n")}
`;
}

/** The condition of all completions: that the words in front of the cursor lead to a place, without flags. */
function atFunction(places: readonly Place[]): string {
  const withValue = (places[0]?.flags ?? []).filter((flag) => flagValue(flag) !== "none");
  const names = withValue.flatMap(flagNames).map((name) => `'|-${name}' '|--${name}'`);
  return `function __kvctl_at -a place
    set -l words (commandline -opc)
    set -l at ''
    set -l isValue no
    for word in $words[2..-1]
        if test $isValue = yes
            set isValue no
            continue
        end
        switch "$at|$word"
            case ${names.join(" ")}
                set isValue yes
            case '*|--'
                set at '-- '
                break
            case '*|-*'
            case '*'
                set at "$at$word "
        end
    end
    string match -q -- $place $at
end`;
}

function completions({ path, isCommand, flags, words }: Place): readonly string[] {
  const start = `complete -c kvctl -n '__kvctl_at "${path}${isCommand ? "*" : ""}"'`;
  const inPlace = `complete -c kvctl -n '__kvctl_at "${path}"'`;
  return [
    ...flags.map((flag) => `${start} ${flagOptions(flag)}`),
    ...words.map(({ name, summary }) => `${inPlace} -a ${name} -d '${quoted(summary)}'`),
  ];
}

/** Go has no groups of one-letter flags: they are what fish calls old options. */
function flagOptions(flag: Flag): string {
  const names = flagNames(flag).map((name) => (name.length === 1 ? `-o ${name}` : `-l ${name}`));
  return `${names.join(" ")}${valueOptions(flag)} -d '${quoted(flag.help)}'`;
}

function valueOptions(flag: Flag): string {
  const value = flagValue(flag);
  if (value === "none") return "";
  if (value === "file") return " -r -F";
  return value === "any" ? " -x" : ` -x -a '${value.join(" ")}'`;
}

function quoted(text: string): string {
  return text.replaceAll("'", String.raw`\'`);
}
