// The arguments of the commands for users, roles and the switch, which take neither more nor fewer. Spec: ctl.md §8.

import { KvctlError } from "../errors.ts";
import type { Call } from "./command.ts";

/** @throws {KvctlError} E_ARGUMENT if there is one */
export function noArguments({ words }: Call): void {
  if (words.length > 0) throw new KvctlError("E_ARGUMENT", "No arguments accepted");
}

/** @throws {KvctlError} E_ARGUMENT with `message` unless there is exactly one */
export function onlyArgument({ words }: Call, message: string): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw new KvctlError("E_ARGUMENT", message);
  return word;
}
