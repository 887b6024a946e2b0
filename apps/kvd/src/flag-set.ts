// The flags of one process, read from the command line the way Go's flag package does: order of
// checks, texts and exit statuses are etcd's contract, and a parser library has its own.
// Spec: server-flags.md §1, §2.

import { KvdError } from "./errors.ts";
import { FLAGS, IGNORED_FLAGS, isFlag, REMOVED_FLAGS } from "./flags.ts";
import type { FlagName, FlagValue } from "./flags.ts";

/** The flags of one process: their values and which of them were given. The last one given wins. */
export class FlagSet {
  readonly #texts = new Map<FlagName, string>();
  readonly #ignored: string[] = [];

  /** Flags without effect that were given, in order. */
  get ignored(): readonly string[] {
    return this.#ignored;
  }

  /** Whether the flag was given on the command line or in the environment. */
  isSet(name: FlagName): boolean {
    return this.#texts.has(name);
  }

  /** The value given, else the default. The addresses of etcd 0.4 have none: ask `isSet` before. */
  get<Name extends FlagName>(name: Name): FlagValue<Name> {
    const { schema, initial } = FLAGS[name];
    return schema.parse(this.#texts.get(name) ?? initial);
  }

  /**
   * Gives a flag its value. `name` may also be an ignored or a removed one.
   *
   * @returns why the value is not acceptable, or null.
   */
  set(name: string, value: string): string | null {
    if (IGNORED_FLAGS.has(name)) {
      this.#ignored.push(name);
      return null;
    }
    if (REMOVED_FLAGS.has(name)) return `flag "-${name}" is no longer supported.`;
    if (!isFlag(name)) return "no such flag";
    const result = FLAGS[name].schema.safeParse(value);
    if (!result.success) return result.error.issues[0]?.message ?? "invalid value";
    this.#texts.set(name, value);
    return null;
  }

  /**
   * Reads a command line, as far as it consists of flags.
   *
   * @returns whether it asks for help, and the words left over.
   * @throws {KvdError} `E_USAGE`
   */
  parse(words: readonly string[]): { readonly isHelp: boolean; readonly rest: readonly string[] } {
    let at = 0;
    while (at < words.length) {
      const token = words[at] ?? "";
      if (!token.startsWith("-") || token === "-") break;
      at++;
      if (token === "--") break;

      const { name, value } = splitFlag(token);
      if (!mayBeGiven(name)) {
        if (name === "help" || name === "h") return { isHelp: true, rest: [] };
        throw usageError(`flag provided but not defined: -${name}`);
      }
      if (value !== null) this.#setFromCommandLine(name, value);
      else if (isBoolean(name)) this.#setFromCommandLine(name, "true");
      else {
        const next = words[at++];
        if (next === undefined) throw usageError(`flag needs an argument: -${name}`);
        this.#setFromCommandLine(name, next);
      }
    }
    return { isHelp: false, rest: words.slice(at) };
  }

  #setFromCommandLine(name: string, value: string): void {
    const problem = this.set(name, value);
    if (problem === null) return;
    if (isBoolean(name)) throw usageError(`invalid boolean value ${quote(value)} for -${name}: ${problem}`);
    throw usageError(`invalid value ${quote(value)} for flag -${name}: ${problem}`);
  }
}

/** Whether a flag of this name may be given: a real, an ignored or a removed one. */
function mayBeGiven(name: string): boolean {
  return isFlag(name) || IGNORED_FLAGS.has(name) || REMOVED_FLAGS.has(name);
}

function isBoolean(name: string): boolean {
  return IGNORED_FLAGS.has(name) || (isFlag(name) && FLAGS[name].isBoolean);
}

/** `-name`, `--name`, `-name=value`: one dash is as good as two. */
function splitFlag(token: string): { readonly name: string; readonly value: string | null } {
  const body = token.slice(token.startsWith("--") ? 2 : 1);
  if (body.startsWith("-") || body.startsWith("=")) throw usageError(`bad flag syntax: ${token}`);
  const equals = body.indexOf("=");
  if (equals === -1) return { name: body, value: null };
  return { name: body.slice(0, equals), value: body.slice(equals + 1) };
}

function usageError(message: string): KvdError {
  return new KvdError("E_USAGE", message);
}

/** What is logged when an ignored flag was given. */
export function ignoredFlagText(name: string): string {
  return `flag "-${name}" is no longer supported - ignoring.`;
}

/** A text in double quotes with escapes, as Go prints it with %q. */
export function quote(value: string): string {
  return JSON.stringify(value);
}
