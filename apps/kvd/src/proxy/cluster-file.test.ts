import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ClusterFile } from "./cluster-file.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvd-proxy-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test("what is written is etcd's text, for the owner only, and nothing is left beside it", async () => {
  const file = new ClusterFile(join(dir, "data"));
  expect(await file.read()).toBeNull();

  await file.write(["http://127.0.0.1:1"]);
  await file.write(["http://127.0.0.1:22711", "http://127.0.0.1:22721"]);

  expect(await readFile(file.path, "utf8")).toBe(
    '{"PeerURLs":["http://127.0.0.1:22711","http://127.0.0.1:22721"]}',
  );
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, "data", "proxy"))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(dir, "data", "proxy"))).toStrictEqual(["cluster"]);
  expect(await file.read()).toStrictEqual(["http://127.0.0.1:22711", "http://127.0.0.1:22721"]);
});

test.each(["", "{", '{"PeerURLs":"x"}', "[]"])("%j is refused, not taken for a first start", async (text) => {
  await mkdir(join(dir, "proxy"));
  await writeFile(join(dir, "proxy", "cluster"), text);

  await expect(new ClusterFile(dir).read()).rejects.toMatchObject({ code: "E_DATA_DIR" });
});
