// One running server program: kvd as built, or another one with the same command line named by
// KVD_COMMAND (for example `etcd --enable-v2=true`, to see whether a test is right about etcd).

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { until } from "./until.ts";

/** How a process ended: an exit code or a signal, the other is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program and the words before its flags. */
export type Command = readonly [program: string, ...words: string[]];

/** The program under test. */
export function serverCommand(): Command {
  const [program, ...words] = (process.env["KVD_COMMAND"] ?? "").split(" ").filter((word) => word !== "");
  if (program !== undefined) return [program, ...words];
  return [process.execPath, join(import.meta.dirname, "..", "..", "dist", "main.js")];
}

/** A server process; killed when disposed of. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Exit>;
  #exit: Exit | null = null;
  #out = "";
  #log = "";

  constructor(
    flags: readonly string[],
    options: {
      readonly command?: Command;
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const [program, ...words] = options.command ?? serverCommand();
    this.#child = spawn(program, [...words, ...flags], {
      cwd: options.cwd,
      env: { ...withoutEtcdVariables(), ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#out += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#log += text));
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.#ended = promise;
    this.#child.on("close", (code, signal) => {
      this.#exit = { code, signal };
      resolve(this.#exit);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote on standard output so far. */
  get output(): string {
    return this.#out;
  }

  /** What it wrote on standard error so far. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when the process has ended and all its output was read. */
  exit(): Promise<Exit> {
    return this.#ended;
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.#ended;
  }

  /** Sends a signal that does not end the process. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Waits for a log line.
   *
   * @throws {Error} with the log, when the process ends first or time runs out.
   */
  async logged(pattern: RegExp): Promise<void> {
    const found = await until(
      `log line ${String(pattern)}`,
      () => (pattern.test(this.#log) ? true : this.#exit === null ? null : false),
      { timeoutMs: 30_000 },
    ).catch((error: unknown) => {
      throw new Error(`no log line ${String(pattern)} in time:\n${this.#log}`, { cause: error });
    });
    if (!found)
      throw new Error(
        `ended (${JSON.stringify(this.#exit)}) without log line ${String(pattern)}:\n${this.#log}`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit === null) await this.kill("SIGKILL");
  }
}

function withoutEtcdVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ETCD_")));
}
