// The part that bash and zsh have in common: a function in the language of both.

import { dashed } from "../flags.ts";
import { flagNames, flagValue } from "./places.ts";
import type { Place } from "./places.ts";

/**
 * The function `_kvctl_candidates WORD…`. It prints what may stand in place of the last word, or behind the `=` if
 * that is `--flag=…`, and fails where that is the name of a file.
 */
export function candidatesFunction(places: readonly Place[]): string {
  return `# Sets value to what the flag $2 takes behind the words $1: words, or "file", or "any", or nothing.
_kvctl_value() {
  set -- "$1" "\${2#-}"
  case "$1|\${2#-}" in
${places.flatMap(valueCases).join("\n")}
  *) value="" ;;
  esac
}

# Prints what may stand in place of the last word given, or behind its =. Fails where that is a file name.
_kvctl_candidates() {
  local place="" value=""
  while [ $# -gt 1 ]; do
    if [ -n "$value" ]; then
      value=""
    else
      case "$1" in
      --) return 1 ;;
      -*) _kvctl_value "$place" "$1" ;;
      *) place="$place$1 " ;;
      esac
    fi
    shift
  done
  case "$value|$1" in
  "|-"*=*) _kvctl_value "$place" "\${1%%=*}"; : "\${value:=any}" ;;
  esac
  case "$value" in
  "") ;;
  file) return 1 ;;
  any) return 0 ;;
  *) echo "$value"; return 0 ;;
  esac
  case "$place|$1" in
${places.flatMap(candidateCases).join("\n")}
  esac
}`;
}

/** One line for each value that some flags of a place take. */
function valueCases(place: Place): readonly string[] {
  const patterns = new Map<string, string[]>();
  for (const flag of place.flags) {
    const value = flagValue(flag);
    if (value === "none") continue;
    const text = typeof value === "string" ? value : value.join(" ");
    const names = flagNames(flag).map((name) => `${behind(place)}|${name}"`);
    patterns.set(text, [...(patterns.get(text) ?? []), ...names]);
  }
  return [...patterns].map(([value, alternatives]) => `  ${alternatives.join("|")}) value="${value}" ;;`);
}

/** A line for the flags and one for the words, where there are any. */
function candidateCases(place: Place): readonly string[] {
  const flags = place.flags.flatMap(flagNames).map(dashed);
  const words = place.words.map(({ name }) => name);
  return [
    ...(flags.length > 0 ? [`  ${behind(place)}|-"*) echo "${flags.join(" ")}" ;;`] : []),
    ...(words.length > 0 ? [`  "${place.path}|"*) echo "${words.join(" ")}" ;;`] : []),
  ];
}

/** An open pattern for the words in front. Flags of a command may stand behind its arguments. */
function behind({ path, isCommand }: Place): string {
  return `"${path}${isCommand ? '"*"' : ""}`;
}
