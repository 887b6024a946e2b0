import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { detectDataDir, migrateDataDir, pathsOf, refuseLostLog } from "./data-dir.ts";
import { unpackFixture } from "./disk-fixtures.test.support.ts";
import { nodeFileSystem } from "./file-system.ts";
import { Wal } from "./wal.ts";

let dataDir = "";

beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "kv-data-"));
});

afterEach(() => fs.rmSync(dataDir, { recursive: true }));

/** Creates files, with their directories; a name that ends with / is an empty directory. */
function lay(...names: readonly string[]): void {
  for (const name of names) {
    const file = path.join(dataDir, name);
    fs.mkdirSync(name.endsWith("/") ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith("/")) fs.writeFileSync(file, "");
  }
}

describe("a data directory", () => {
  test.each([
    { holds: ["stray"], kind: "empty" },
    { holds: ["member/"], kind: "member" },
    { holds: ["member/wal/0.wal", "wal/0.wal", "snap/"], kind: "member" },
    { holds: ["proxy/cluster"], kind: "proxy" },
    { holds: ["wal/0.wal", "snap/"], kind: "member-2.0.0" },
    { holds: ["wal/0.wal", "member/snap/"], kind: "member-2.0.0" },
    { holds: ["wal/", "snap/"], kind: "empty" },
    { holds: ["snapshot/", "conf"], kind: "empty" },
  ] as const)("with $holds is $kind", async ({ holds, kind }) => {
    lay(...holds);
    expect(await detectDataDir(dataDir, nodeFileSystem)).toBe(kind);
  });

  test.each([[["member/", "proxy/"]], [["snapshot/", "conf", "log"]]])(
    "with %j is refused",
    async (holds) => {
      lay(...holds);
      await expect(detectDataDir(dataDir, nodeFileSystem)).rejects.toMatchObject({ code: "E_LAYOUT" });
    },
  );

  test("that is missing is empty", async () => {
    expect(await detectDataDir(path.join(dataDir, "none"), nodeFileSystem)).toBe("empty");
  });

  test("of a real proxy is one", async () => {
    using unpacked = unpackFixture("v238-proxy-dir");

    expect(await detectDataDir(unpacked.dataDir, nodeFileSystem)).toBe("proxy");
    expect(fs.existsSync(pathsOf(unpacked.dataDir).proxyCluster)).toBe(true);
  });
});

describe("migrating", () => {
  test("a directory of real 2.0.0 makes it one of a member", async () => {
    using unpacked = unpackFixture("v200-snapshots");
    expect(await detectDataDir(unpacked.dataDir, nodeFileSystem)).toBe("member-2.0.0");

    await migrateDataDir(unpacked.dataDir, nodeFileSystem);

    expect(await detectDataDir(unpacked.dataDir, nodeFileSystem)).toBe("member");
    const paths = pathsOf(unpacked.dataDir);
    expect(fs.readdirSync(paths.snap).length).toBe(4);
    expect(await Wal.exists(paths.wal)).toBe(true);
    expect(fs.readdirSync(unpacked.dataDir)).toEqual(["member"]);
  });

  test.each(["member", "snap", "wal"])(
    "that was interrupted before %s was there can be repeated",
    async (step) => {
      lay("wal/0.wal", "snap/1.snap");
      const interrupted = {
        ...nodeFileSystem,
        makeDirectory: (directory: string) =>
          step === "member"
            ? Promise.reject(new Error("power lost"))
            : nodeFileSystem.makeDirectory(directory),
        rename: (from: string, to: string) =>
          path.basename(from) === step
            ? Promise.reject(new Error("power lost"))
            : nodeFileSystem.rename(from, to),
      };
      await expect(migrateDataDir(dataDir, interrupted)).rejects.toMatchObject({ code: "E_IO" });

      expect(await detectDataDir(dataDir, nodeFileSystem)).toBe("member-2.0.0");
      await migrateDataDir(dataDir, nodeFileSystem);

      expect(await detectDataDir(dataDir, nodeFileSystem)).toBe("member");
      expect(fs.readdirSync(path.join(dataDir, "member")).toSorted()).toEqual(["snap", "wal"]);
    },
  );
});

describe("a log that is gone", () => {
  test.each([
    [["member/snap/2-5.snap"]],
    [["member/snap/2-5.snap", "member/wal/"]],
    [["member/snap/2-5.snap", "member/wal/1.wal.broken"]],
  ])("is refused when there are snapshots: %j", async (holds) => {
    lay(...holds);
    await expect(refuseLostLog(pathsOf(dataDir), nodeFileSystem)).rejects.toMatchObject({
      code: "E_LOG_LOST",
    });
  });

  test.each([[["member/snap/"]], [["member/snap/db"]], [["member/snap/2-5.snap", "member/wal/1.wal"]], [[]]])(
    "is not missed otherwise: %j",
    async (holds) => {
      lay(...holds);
      await refuseLostLog(pathsOf(dataDir), nodeFileSystem);
    },
  );

  test("is looked for where --wal-dir says", async () => {
    lay("member/snap/2-5.snap", "elsewhere/1.wal");
    await refuseLostLog(pathsOf(dataDir, { walDir: path.join(dataDir, "elsewhere") }), nodeFileSystem);
    await expect(refuseLostLog(pathsOf(dataDir, { walDir: "" }), nodeFileSystem)).rejects.toMatchObject({
      code: "E_LOG_LOST",
    });
  });
});
