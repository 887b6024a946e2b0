// Go's flag syntax, as etcdctl's users type it. Spec: ctl.md §1.
//
//   -recursive=true /a        one dash or two, the value behind = or as the next argument
//   /a b -ttl 60              words of a command may stand before its flags
//   --dir /a --ttl 60         flags end at the first word that follows one: `--ttl` and `60` are words
//
// No library reads this syntax, and those that read another take longer to load than all of kvctl's start.

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
export function parseFlags(argv: readonly string[], known: readonly Flag[]): ParsedFlags {
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const flags = new FlagValues(values, lists);
  for (let i = 0; i < argv.length; i++) {
    const token = argv[i] ?? "";
    if (token === "--") return { flags, words: argv.slice(i + 1) };
    const match = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(token);
    if (match === null) return { flags, words: argv.slice(i) };
    const [, given = "", attached] = match;
    const flag = known.find(({ name, short }) => name === given || short === given);
    if (flag === undefined) throw unknownFlag(token, given, known);
    const { name, kind } = flag;
    if (kind === "boolean") {
      if (booleanValue(name, attached)) values.set(name, "true");
      else values.delete(name);
      continue;
    }
    const value = attached ?? argv[++i];
    if (value === undefined) throw new KvctlError("E_USAGE", `Error:  flag ${dashed(name)} needs a value`);
    if (kind === "texts") lists.set(name, [...flags.texts(name), value]);
    else values.set(name, value);
  }
  return { flags, words: [] };
}

/** As {@link parseFlags}, for a command: the words may also stand before the flags, and `--` anywhere. */
export function parseCommandFlags(argv: readonly string[], known: readonly Flag[]): ParsedFlags {
  const terminator = argv.indexOf("--");
  const open = terminator < 0 ? argv : argv.slice(0, terminator);
  const closed = terminator < 0 ? [] : argv.slice(terminator + 1);
  const first = open.findIndex(isFlag);
  if (first < 0) return { flags: new FlagValues(), words: [...open, ...closed] };
  const { flags, words } = parseFlags(open.slice(first), known);
  return { flags, words: [...open.slice(0, first), ...words, ...closed] };
}

/** Negative numbers are none: `set key -1` writes them. */
function isFlag(token: string): boolean {
  return /^--?[A-Za-z]/.test(token);
}

/** A flag as it is typed. */
export function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function booleanValue(name: string, text: string | undefined): boolean {
  if (text === undefined || TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  throw new KvctlError("E_USAGE", `Error:  invalid boolean value "${text}" for flag ${dashed(name)}`);
}

function unknownFlag(token: string, given: string, known: readonly Flag[]): KvctlError {
  const guess = nearest(
    given,
    known.map(({ name }) => name),
  );
  const hint = guess === null ? "" : `\n(Did you mean ${dashed(guess)}?)`;
  const [shown] = token.split("=", 1);
  return new KvctlError("E_USAGE", `Error:  unknown flag '${shown}'${hint}`);
}

/** The flags given to a command. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, string>;
  readonly #lists: ReadonlyMap<string, readonly string[]>;

  /**
   * Values by the flag's long name; a boolean flag that was given has the value "true". `lists` are those of
   * flags that may be repeated.
   */
  constructor(
    values: ReadonlyMap<string, string> = new Map(),
    lists: ReadonlyMap<string, readonly string[]> = new Map(),
  ) {
    this.#values = values;
    this.#lists = lists;
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
    throw new KvctlError("E_USAGE", `Error:  flag ${dashed(name)} must be an integer, got "${text}"`);
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
    throw new KvctlError(
      "E_USAGE",
      `Error:  flag ${dashed(name)} must be a duration such as 300ms or 1m30s, got "${text}"`,
    );
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
