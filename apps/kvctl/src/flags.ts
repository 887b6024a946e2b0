// Go's flag syntax, as etcdctl's users type it. Spec: ctl.md §1.
//
//   -recursive=true /a        one dash or two, the value behind = or as the next argument
//   /a b -ttl 60              words of a command may stand before its flags
//   --dir /a --ttl 60         flags end at the first word that follows one: `--ttl` and `60` are words
//
// No library reads this syntax (README, Design).

import { KvctlError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** A flag of a command, or of the program. */
export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** A second, one-letter name. */
  readonly short?: string;
  readonly kind: "boolean" | "text" | "texts" | "integer" | "duration";
  readonly help: string;
}

/** What all commands understand. */
export const HELP_FLAG: Flag = { name: "help", short: "h", kind: "boolean", help: "show help" };

const TRUE = /^(?:1|t|T|true|TRUE|True)$/;
const FALSE = /^(?:0|f|F|false|FALSE|False)$/;

/** A command, a group or the program: what may stand behind its name. */
export interface Level {
  /** How it is called: `kvctl member add`. */
  readonly path: string;
  readonly flags: readonly Flag[];
  /** What comes before it: their flags are known, but have no place here. */
  readonly above?: Level;
}

/** The flags of one level of the command line, and what follows them. */
export interface ParsedFlags {
  readonly flags: FlagValues;
  readonly words: readonly string[];
}

/**
 * Splits `argv` where the flags end: at `--` or at the first word.
 *
 * @throws {KvctlError} E_USAGE for an unknown flag, a boolean one with a value that is none, and any other without
 * a value
 */
export function parseFlags(argv: readonly string[], level: Level): ParsedFlags {
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  let at = 0;
  for (; at < argv.length; at++) {
    const token = argv[at] ?? "";
    const match = /^--?([A-Za-z][^=]*)(?:=(.*))?$/s.exec(token);
    if (match === null) break;
    const [, given = "", attached] = match;
    const flag = find(level.flags, given);
    if (flag === null) throw unknownFlag(token, given, level);
    const { name, kind } = flag;
    if (kind === "boolean") {
      if (isTrue(flag, attached, level)) values.set(name, "true");
      else values.delete(name);
      continue;
    }
    const value = attached ?? argv[++at];
    if (value === undefined) throw wrongUsage(`flag ${dashed(name)} needs a value`, level.path);
    if (kind === "texts") lists.set(name, [...(lists.get(name) ?? []), value]);
    else values.set(name, value);
  }
  const words = argv.slice(argv[at] === "--" ? at + 1 : at);
  return { flags: new FlagValues(values, lists, level.path), words };
}

/** As {@link parseFlags}, for a command: the words may also stand before the flags, and `--` anywhere. */
export function parseCommandFlags(argv: readonly string[], level: Level): ParsedFlags {
  const terminator = argv.indexOf("--");
  const open = terminator < 0 ? argv : argv.slice(0, terminator);
  const closed = terminator < 0 ? [] : argv.slice(terminator + 1);
  // Negative numbers are words: `set key -1` writes one.
  const first = open.findIndex((token) => /^--?[A-Za-z]/.test(token));
  const before = first < 0 ? open : open.slice(0, first);
  const { flags, words } = parseFlags(open.slice(before.length), level);
  return { flags, words: [...before, ...words, ...closed] };
}

/** A flag as it is typed. */
export function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** A mistake in the command line; `path`: what has the help that shows the right way. */
export function wrongUsage(problem: string, path: string): KvctlError {
  return new KvctlError("E_USAGE", `Error:  ${problem}\nSee ${path} --help.`);
}

function find(flags: readonly Flag[], given: string): Flag | null {
  return flags.find(({ name, short }) => name === given || short === given) ?? null;
}

function isTrue({ name }: Flag, text: string | undefined, { path }: Level): boolean {
  if (text === undefined || TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  throw wrongUsage(`invalid boolean value "${text}" for flag ${dashed(name)}`, path);
}

function unknownFlag(token: string, given: string, { path, flags, above }: Level): KvctlError {
  const [shown = ""] = token.split("=", 1);
  if (above !== undefined && find(above.flags, given) !== null) {
    return wrongUsage(`flag '${shown}' is a global one and stands before the command`, above.path);
  }
  const names = flags.map(({ name }) => name);
  const guess = nearest(given, names);
  return wrongUsage(
    `unknown flag '${shown}'${guess === null ? "" : `\n(Did you mean ${dashed(guess)}?)`}`,
    path,
  );
}

/** The flags that were given at one level. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, string>;
  readonly #lists: ReadonlyMap<string, readonly string[]>;
  readonly #path: string;

  /**
   * Values by the flag's long name; a boolean flag that was given has the value "true". `lists` are those of
   * flags that may be repeated. `path`: whose flags they are.
   */
  constructor(
    values: ReadonlyMap<string, string>,
    lists: ReadonlyMap<string, readonly string[]>,
    path: string,
  ) {
    this.#values = values;
    this.#lists = lists;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Undefined when the flag was not given. */
  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** All values of a flag that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#lists.get(name) ?? [];
  }

  /**
   * Undefined when the flag was not given.
   *
   * @throws {KvctlError} E_USAGE
   */
  integer(name: string): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw wrongUsage(`flag ${dashed(name)} must be an integer, got "${text}"`, this.#path);
  }

  /**
   * In milliseconds; undefined when the flag was not given.
   *
   * @throws {KvctlError} E_USAGE
   */
  durationMs(name: string): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const value = parseDurationMs(text);
    if (value !== null) return value;
    const problem = `flag ${dashed(name)} must be a duration such as 300ms or 1m30s, got "${text}"`;
    throw wrongUsage(problem, this.#path);
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
};

/** Go's notation of durations, such as `1m30s`, in milliseconds; null if it is none or negative. */
export function parseDurationMs(text: string): number | null {
  if (text === "0") return 0;
  const parts = /^\+?((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text)?.[1];
  if (parts === undefined) return null;
  let durationMs = 0;
  for (const [, amount, unit = ""] of parts.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    durationMs += Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  }
  return durationMs;
}
