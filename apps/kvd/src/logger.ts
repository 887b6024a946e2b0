// The log of the process: pino behind the Logger of @kv/server. By default its lines look like etcd's
// (`2026-01-31 11:12:02.484813 I | etcdmain: text`), because operators' scripts wait for some of them;
// --log-format=json gives pino's own. Always on standard error. Spec: server-flags.md §5 "Log line format".

import type { LogFields, Logger as ServerLogger } from "@kv/server";
import { destination, pino, stdTimeFunctions } from "pino";
import type { DestinationStream, Logger as Pino } from "pino";
import { z } from "zod";

/** The log of a part of the process, with a level above error for what ends it. */
export interface Logger extends ServerLogger {
  critical(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** The log of the process as a whole. */
export interface RootLogger extends Logger {
  /** From now on all parts print from this level on, also those with a level of their own. */
  setLevel(level: LogLevel): void;
}

/** What is printed and how. */
export interface LoggerOptions {
  readonly format: "etcd" | "json";
  /** The level of packages without one of their own. */
  readonly level: LogLevel;
  /** Levels of single packages, by the `pkg` of a child. */
  readonly packageLevels: ReadonlyMap<string, LogLevel>;
}

const LEVELS = { trace: 10, debug: 20, info: 30, notice: 35, warn: 40, error: 50, critical: 60 } as const;

/** How much is printed, `trace` being the most. */
export type LogLevel = keyof typeof LEVELS;

const LETTERS: ReadonlyMap<number, string> = new Map([
  [LEVELS.trace, "T"],
  [LEVELS.debug, "D"],
  [LEVELS.info, "I"],
  [LEVELS.notice, "N"],
  [LEVELS.warn, "W"],
  [LEVELS.error, "E"],
  [LEVELS.critical, "C"],
]);

const LEVEL_NAMES: ReadonlyMap<string, LogLevel> = new Map<string, LogLevel>([
  ["CRITICAL", "critical"],
  ["C", "critical"],
  ["ERROR", "error"],
  ["E", "error"],
  ["0", "error"],
  ["WARNING", "warn"],
  ["W", "warn"],
  ["1", "warn"],
  ["NOTICE", "notice"],
  ["N", "notice"],
  ["2", "notice"],
  ["INFO", "info"],
  ["I", "info"],
  ["3", "info"],
  ["DEBUG", "debug"],
  ["D", "debug"],
  ["4", "debug"],
  ["TRACE", "trace"],
  ["T", "trace"],
  ["5", "trace"],
]);

/** Opens the log. Lines are written before the call returns, so that none is lost when the process dies. */
export function createLogger(options: LoggerOptions, out: DestinationStream = standardError()): RootLogger {
  const root = pino<keyof typeof LEVELS>(
    {
      customLevels: LEVELS,
      useOnlyCustomLevels: true,
      level: "trace", // PinoLogger decides what is printed
      base: null,
      timestamp: options.format === "json" ? stdTimeFunctions.isoTime : epochMicroseconds,
    },
    options.format === "json" ? out : { write: (line: string) => out.write(etcdLine(line)) },
  );
  return new PinoLogger(root, options.level, { ...options, all: null });
}

/** The level that `word` names: its name, its first letter or its number, in any case. null: none. */
export function parseLevel(word: string): LogLevel | null {
  return LEVEL_NAMES.get(word.toUpperCase()) ?? null;
}

/** A level as etcd spells it. */
export function levelName(level: LogLevel): string {
  return level === "warn" ? "WARNING" : level.toUpperCase();
}

/**
 * Reads `--log-package-levels`: `package=LEVEL,…`.
 *
 * @returns the levels by package, `*` being all; or what is wrong with the text, as etcd says it.
 */
export function parsePackageLevels(text: string): ReadonlyMap<string, LogLevel> | string {
  const levels = new Map<string, LogLevel>();
  if (text === "") return levels;
  for (const setting of text.split(",")) {
    const parts = setting.split("=");
    if (parts.length !== 2) return `oddly structured \`pkg=level\` option: ${setting}`;
    const [name = "", word = ""] = parts;
    const level = parseLevel(word);
    if (level === null) return `couldn't parse log level ${word}`;
    levels.set(name, level);
  }
  return levels;
}

/** What the loggers of a process share. */
interface Levels {
  readonly level: LogLevel;
  readonly packageLevels: ReadonlyMap<string, LogLevel>;
  /** The level of all parts, once it was set while the process runs. */
  all: LogLevel | null;
}

class PinoLogger implements RootLogger {
  readonly #pino: Pino<keyof typeof LEVELS>;
  readonly #own: LogLevel;
  readonly #levels: Levels;

  constructor(inner: Pino<keyof typeof LEVELS>, own: LogLevel, levels: Levels) {
    this.#pino = inner;
    this.#own = own;
    this.#levels = levels;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#print("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#print("info", message, fields);
  }

  notice(message: string, fields: LogFields = {}): void {
    this.#print("notice", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#print("warn", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#print("error", message, fields);
  }

  critical(message: string, fields: LogFields = {}): void {
    this.#print("critical", message, fields);
  }

  child(fields: LogFields): Logger {
    const { level, packageLevels } = this.#levels;
    const own = packageLevels.get(String(fields["pkg"])) ?? packageLevels.get("*") ?? level;
    return new PinoLogger(this.#pino.child(fields), own, this.#levels);
  }

  setLevel(level: LogLevel): void {
    this.#levels.all = level;
  }

  #print(level: LogLevel, message: string, fields: LogFields): void {
    if (LEVELS[level] >= LEVELS[this.#levels.all ?? this.#own]) this.#pino[level](fields, message);
  }
}

/** Standard error, written synchronously. */
function standardError(): DestinationStream {
  const stream = destination({ fd: 2, sync: true });
  // Who reads our log may go away; that is no reason to stop serving.
  stream.on("error", () => undefined);
  return stream;
}

/** Time as pino takes it: a piece of the JSON line. */
function epochMicroseconds(): string {
  return `,"time":${Math.round((performance.timeOrigin + performance.now()) * 1000)}`;
}

const pinoLine = z.looseObject({ time: z.number(), level: z.number(), pkg: z.string(), msg: z.string() });

/** Turns pino's line into etcd's: local time with microseconds, level letter, package, text, then further fields. */
function etcdLine(json: string): string {
  const { time, level, pkg, msg, ...fields } = pinoLine.parse(JSON.parse(json));
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  const rest = shown.length === 0 ? "" : ` [${shown.join(" ")}]`;
  return `${localTime(time)} ${LETTERS.get(level) ?? "?"} | ${pkg}: ${msg}${rest}\n`;
}

function localTime(microseconds: number): string {
  const time = new Date(Math.floor(microseconds / 1000));
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const clock = [two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(":");
  return `${date} ${clock}.${String(microseconds % 1_000_000).padStart(6, "0")}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
