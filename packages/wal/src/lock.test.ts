import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeFileSystem } from "./file-system.ts";
import { lockDirectory, lockWithFile } from "./lock.ts";

let directory = "";
let children: ChildProcess[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "kv-lock-"));
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  fs.rmSync(directory, { recursive: true });
});

/** A process that takes the lock and then does nothing until it is killed. */
async function holderIn(lockCall: string): Promise<ChildProcess> {
  const lockModule = JSON.stringify(path.join(import.meta.dirname, "lock.ts"));
  const fileSystemModule = JSON.stringify(path.join(import.meta.dirname, "file-system.ts"));
  const program = `
    import { lockDirectory, lockWithFile } from ${lockModule};
    import { nodeFileSystem } from ${fileSystemModule};
    await ${lockCall};
    process.stdout.write("locked");
    setInterval(() => {}, 1 << 30);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

describe.runIf(process.platform === "linux")("the lock of a directory", () => {
  test("is refused at once while another process holds it, and free when that is killed with -9", async () => {
    const holder = await holderIn(`lockDirectory(${JSON.stringify(directory)}, nodeFileSystem)`);

    await expect(lockDirectory(directory, nodeFileSystem)).rejects.toMatchObject({
      code: "E_LOCKED",
      message: "file already locked",
    });
    holder.kill("SIGKILL");
    await once(holder, "exit");

    const lock = await lockDirectory(directory, nodeFileSystem);
    await lock.release();
  });

  test("belongs to the directory, not to its name", async () => {
    const lock = await lockDirectory(directory, nodeFileSystem);
    const other = path.join(directory, "link");
    fs.symlinkSync(directory, other);

    await expect(lockDirectory(other, nodeFileSystem)).rejects.toMatchObject({ code: "E_LOCKED" });

    await lock.release();
    await lock.release();
    await (await lockDirectory(other, nodeFileSystem)).release();
  });

  test("is refused while a file in it is under an flock, as real etcd takes it", async () => {
    const segment = path.join(directory, "0.wal");
    fs.writeFileSync(segment, "");
    const etcd = spawn("flock", [segment, "sh", "-c", "echo locked; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.push(etcd);
    await once(etcd.stdout, "data");

    await expect(lockDirectory(directory, nodeFileSystem)).rejects.toMatchObject({ code: "E_LOCKED" });

    etcd.stdin.end();
    await once(etcd, "exit");
    await (await lockDirectory(directory, nodeFileSystem)).release();
  });

  test("of a directory that is not there cannot be taken", async () => {
    await expect(lockDirectory(path.join(directory, "none"), nodeFileSystem)).rejects.toMatchObject({
      code: "E_IO",
    });
  });
});

describe("the lock file of other systems", () => {
  test("is refused while its owner lives, and taken over when it was killed", async () => {
    const file = path.join(directory, ".kv.lock");
    const holder = await holderIn(`lockWithFile(${JSON.stringify(file)})`);

    await expect(lockWithFile(file)).rejects.toMatchObject({ code: "E_LOCKED" });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(fs.existsSync(file)).toBe(true);

    const lock = await lockWithFile(file);
    expect(fs.readFileSync(file, "utf8")).toBe(`${process.pid}\n`);
    await lock.release();
    expect(fs.existsSync(file)).toBe(false);
  });

  test("that names nobody is respected", async () => {
    const file = path.join(directory, ".kv.lock");
    fs.writeFileSync(file, "");

    await expect(lockWithFile(file)).rejects.toMatchObject({ code: "E_LOCKED" });
  });
});
