// Go's flag syntax in commander's terms, so that commander sees only what it understands in one way:
// `--name`, `--name=value` and, behind `--`, plain words. Spec: ctl.md §1.
//
//   -recursive=true /a        --recursive -- /a
//   /a b -ttl 60              --ttl=60 -- /a b
//   --dir /a --ttl 60         --dir -- /a --ttl 60     flags end at the first word that follows one

import { KvctlError } from "./errors.ts";

/** A flag of a command, or of the program. */
export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** A second, one-letter name. */
  readonly short?: string;
  readonly kind: "boolean" | "text" | "texts" | "integer" | "duration";
  readonly help: string;
}

const TRUE = /^(?:1|t|T|true|TRUE|True)$/;
const FALSE = /^(?:0|f|F|false|FALSE|False)$/;
const HELP: Flag = { name: "help", short: "h", kind: "boolean", help: "show help" };
const VERSION: Flag = { name: "version", short: "v", kind: "boolean", help: "show the version" };

/** Flags and words of one level of the command line, in commander's syntax. */
export interface TranslatedFlags {
  readonly flags: readonly string[];
  readonly words: readonly string[];
}

/**
 * Splits `argv` where the flags end: at `--` or at the first word.
 *
 * An unknown flag is passed on as it is; commander has the error text for it.
 *
 * @throws {KvctlError} E_USAGE for a boolean flag with a value that is none, and for another without a value
 */
export function fromGoFlags(argv: readonly string[], known: readonly Flag[]): TranslatedFlags {
  const byName = new Map<string, Flag>();
  for (const flag of [...known, HELP, VERSION]) {
    byName.set(flag.name, flag);
    if (flag.short !== undefined) byName.set(flag.short, flag);
  }
  const flags: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const token = argv[i] ?? "";
    if (token === "--") return { flags, words: argv.slice(i + 1) };
    const match = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(token);
    if (match === null) return { flags, words: argv.slice(i) };
    const [, name = "", attached] = match;
    const flag = byName.get(name);
    if (flag === undefined) flags.push(token);
    else if (flag.kind === "boolean") flags.push(...booleanFlag(flag, attached));
    else {
      const value = attached ?? argv[++i];
      // Not left to commander: it would take the `--` that follows for the value.
      if (value === undefined)
        throw new KvctlError("E_USAGE", `Error:  flag ${longFlag(flag)} needs a value`);
      // Commander takes `-c=3` for the value "=3".
      if (flag.name.length === 1) flags.push(longFlag(flag), value);
      else flags.push(`${longFlag(flag)}=${value}`);
    }
  }
  return { flags, words: [] };
}

/** As {@link fromGoFlags}, for a command: the words may also stand before the flags, and `--` anywhere. */
export function fromGoCommandFlags(argv: readonly string[], known: readonly Flag[]): TranslatedFlags {
  const terminator = argv.indexOf("--");
  const open = terminator < 0 ? argv : argv.slice(0, terminator);
  const closed = terminator < 0 ? [] : argv.slice(terminator + 1);
  const first = open.findIndex(isFlag);
  if (first < 0) return { flags: [], words: [...open, ...closed] };
  const { flags, words } = fromGoFlags(open.slice(first), known);
  return { flags, words: [...open.slice(0, first), ...words, ...closed] };
}

/** Negative numbers are none: `set key -1` writes them. */
function isFlag(token: string): boolean {
  return /^--?[A-Za-z]/.test(token);
}

/** How commander declares a flag: `-o, --output <text>`. A flag with a one-letter name has no long form. */
export function flagSyntax(flag: Flag): string {
  const names = flag.short === undefined ? longFlag(flag) : `-${flag.short}, ${longFlag(flag)}`;
  if (flag.kind === "boolean") return names;
  return flag.kind === "texts" ? `${names} <text>` : `${names} <${flag.kind}>`;
}

function longFlag({ name }: Flag): string {
  return dashed(name);
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function booleanFlag(flag: Flag, value: string | undefined): string[] {
  if (value === undefined || TRUE.test(value)) return [longFlag(flag)];
  if (FALSE.test(value)) return [];
  throw new KvctlError("E_USAGE", `Error:  invalid boolean value "${value}" for flag ${longFlag(flag)}`);
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
    values: ReadonlyMap<string, string>,
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
