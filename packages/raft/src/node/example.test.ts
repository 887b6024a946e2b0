// The example over sockets, as three processes: it counts, and goes on counting without its leader.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

const EXAMPLE = join(import.meta.dirname, "../../examples/counter.ts");

/** One process of the example, and the lines that it has printed. */
class Process {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #errors: string[] = [];
  #waiting: (() => void) | null = null;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, ["--conditions=@kv/source", EXAMPLE, ...args]);
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#waiting?.();
    });
    this.#child.stderr.on("data", (data) => this.#errors.push(String(data)));
    this.#child.on("close", () => this.#waiting?.());
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line that `pattern` fits; lines before it are forgotten. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (pattern.test(line)) return line;
      }
      if (this.#child.exitCode !== null) throw new Error(`the process has ended: ${this.#errors.join("")}`);
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }
}

test("three processes count together over sockets, and two of them without the third", async () => {
  const directory = mkdtempSync(join(tmpdir(), "raft-example-"));
  const ids = ["1", "2", "3"];
  const addresses = ids.map((id) => `${id}=${join(directory, id)}`);
  const processes = new Map(ids.map((id) => [id, new Process([id, ...addresses])]));
  onTestFinished(async () => {
    for (const one of processes.values()) await one.kill();
    rmSync(directory, { recursive: true });
  });

  const leaderOf = async (follower: string): Promise<string> =>
    (await processes.get(follower)!.line(/^leader/)).replace("leader ", "");
  const first = await leaderOf("1");
  for (const id of ids.slice(1)) expect(await leaderOf(id)).toBe(first);
  processes.get(first)!.write("5");
  expect(await processes.get(first)!.line(/^=/)).toBe("= 5");
  const [follower = "", other = ""] = ids.filter((id) => id !== first);
  processes.get(follower)!.write("1");
  expect(await processes.get(follower)!.line(/^ask/)).toBe(`ask ${first}`);

  await processes.get(first)!.kill();
  const second = await leaderOf(follower);
  expect(await leaderOf(other)).toBe(second);
  processes.get(second)!.write("-2");

  expect(await processes.get(second)!.line(/^=/)).toBe("= 3");
});
