import { expect, test } from "vitest";
import { Printer } from "./print.ts";
import { Progress } from "./progress.ts";

function onTerminal(isTerminal: boolean): { progress: Progress; written: string[]; clock: { ms: number } } {
  const written: string[] = [];
  const clock = { ms: 0 };
  const sink = { write: (text: string) => void written.push(text), isTerminal: () => isTerminal };
  const progress = new Progress(new Printer({ stdout: sink, stderr: sink }), () => clock.ms);
  return { progress, written, clock };
}

test("a line is written over by the next, and taken away at the end", () => {
  const { progress, written, clock } = onTerminal(true);

  progress.show("imported 1000 of 2000");
  clock.ms = 50;
  progress.show("too soon");
  clock.ms = 100;
  progress.show("imported 2000");
  progress.end();

  expect(written).toEqual([
    "\rimported 1000 of 2000",
    `\r${"imported 2000".padEnd(21)}`,
    `\r${" ".repeat(13)}`,
    "\r",
  ]);
});

test("nothing is written where nobody watches, or when nothing was shown", () => {
  const { progress, written } = onTerminal(false);
  const unused = onTerminal(true);

  progress.show("imported 1000 of 2000");
  progress.end();
  unused.progress.end();

  expect([...written, ...unused.written]).toEqual([]);
});
