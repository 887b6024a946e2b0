import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Printer } from "../print.ts";
import { runProgram } from "../program.ts";

const RECORDED = join(
  import.meta.dirname,
  "../../../../conformance/fixtures/disk/v238-snapshots/data.tar.gz",
);
const SEGMENT = "0000000000000000-0000000000000000.wal";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kvctl-backup-"));
  execFileSync("tar", ["xzf", RECORDED, "-C", directory]);
});
afterEach(() => rmSync(directory, { recursive: true }));

async function run(words: readonly string[], options: { readonly isTerminal: boolean }) {
  const text = { stdout: "", stderr: "" };
  const printer = new Printer({
    stdout: { write: (piece) => void (text.stdout += piece) },
    stderr: { write: (piece) => void (text.stderr += piece), isTerminal: () => options.isTerminal },
  });
  const exitCode = await runProgram(["backup", ...words], { printer, confirm: () => null, environment: {} });
  return { exitCode, ...text };
}

test("a script sees nothing, and log and snapshot are where they are wanted", async () => {
  const words = ["--data-dir", join(directory, "data"), "--backup-dir", join(directory, "copy")];

  const result = await run([...words, "--backup-wal-dir", join(directory, "log")], { isTerminal: false });

  expect(result).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  expect(existsSync(join(directory, "log", SEGMENT))).toBe(true);
  expect(existsSync(join(directory, "copy/member/snap/0000000000000002-00000000000003f2.snap"))).toBe(true);
  expect(existsSync(join(directory, "copy/member/wal"))).toBe(false);
});

test("a person at a terminal sees the steps and what the copy holds", async () => {
  const words = ["--data-dir", join(directory, "data"), "--backup-dir", join(directory, "copy")];

  const { exitCode, stdout, stderr } = await run(words, { isTerminal: true });

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(stderr).toMatch(
    /^read \.\.\.\nwrite snapshot \.\.\.\nwrite log \.\.\.\nsnapshot at index 1010, \d+ entries up to index 105\d, committed up to index 105\d; as member [0-9a-f]+ of cluster [0-9a-f]+\n$/,
  );
});

test("a target that holds a copy already is left alone", async () => {
  const words = ["--data-dir", join(directory, "data"), "--backup-dir", join(directory, "copy")];
  await run(words, { isTerminal: false });

  const { exitCode, stderr } = await run(words, { isTerminal: false });

  expect(exitCode).toBe(1);
  expect(stderr).toContain("file already exists");
});
