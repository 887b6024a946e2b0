import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFileSystem } from "./file-system.ts";

async function inTemporaryDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "kv-wal-fs-"));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("a directory is made with its parents, for the owner alone, and making it again is fine", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = join(directory, "a", "b", "c");

    await nodeFileSystem.makeDirectory(path);
    await nodeFileSystem.makeDirectory(path);

    const { mode } = await stat(path);
    expect(mode & 0o777).toBe(0o700);
  });
});

test("a directory cannot take the place of a file, nor be made below one", async () => {
  await inTemporaryDirectory(async (directory) => {
    const file = join(directory, "file");
    await writeFile(file, "");

    await expect(nodeFileSystem.makeDirectory(file)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(nodeFileSystem.makeDirectory(join(file, "below"))).rejects.toMatchObject({
      code: "ENOTDIR",
    });
  });
});

test.runIf(process.platform === "linux")(
  "where the parent is there and the directory still cannot be made, it fails at once",
  async () => {
    await expect(nodeFileSystem.makeDirectory("/proc/kv-cannot-be-here")).rejects.toMatchObject({
      code: "ENOENT",
    });
    await expect(nodeFileSystem.makeDirectory("/proc/kv-cannot/be-here")).rejects.toMatchObject({
      code: "ENOENT",
    });
  },
);
