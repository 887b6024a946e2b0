// The set-up that all commands for users, roles and the switch share: they check their arguments, talk to the
// server, and print lines. Spec: ctl.md §8.

import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import type { Flag } from "../flags.ts";
import type { Printer } from "../print.ts";
import type { Session } from "../session.ts";
import type { Call, Command } from "./command.ts";

/** What is special about one of them. */
export interface AuthCommand<T> {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** What the call asks for. Throws before anything is connected. */
  readonly read: (call: Call) => T;
  /** The lines to print at the end. */
  readonly run: (session: Session, asked: T, printer: Printer) => Promise<readonly string[]>;
}

/** Makes a command of it. */
export function authCommand<T>({ read, run, flags = [], ...about }: AuthCommand<T>): Command {
  return {
    ...about,
    flags,
    style: "members",
    sync: true,
    run: async (call) => {
      const asked = read(call);
      await using session = await call.connect();
      for (const line of await run(session, asked, call.printer)) call.printer.line(line);
      return ExitCode.Success;
    },
  };
}

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
