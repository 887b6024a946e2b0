// The servers that kvctl is run against: kvd when it is built, and the etcd on PATH. KV_CTL_SERVER is used
// instead of both when it is set: a command line, words separated by blanks.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How to start a member; its flags follow. */
export interface ServerUnderTest {
  /** `etcd` is 3.x with the v2 API: it words some answers differently, see replay.test.ts. */
  readonly kind: "kvd" | "etcd" | "other";
  readonly program: string;
  readonly args: readonly string[];
}

const KVD = fileURLToPath(new URL("../../kvd/dist/main.js", import.meta.url));
// 2.3.8 had the check off by default, and the cases expect that.
const ETCD_ARGS = ["--enable-v2=true", "--strict-reconfig-check=false"];

/** The servers that are there, the one to prefer first. What is missing is said loudly, or an error if KV_REQUIRE_PEERS=1. */
export function findServers(): readonly ServerUnderTest[] {
  const [program, ...args] = process.env["KV_CTL_SERVER"]?.split(" ") ?? [];
  if (program !== undefined) return [{ kind: "other", program, args }];

  const found: ServerUnderTest[] = [];
  if (existsSync(KVD) && answersVersion(process.execPath, [KVD])) {
    found.push({ kind: "kvd", program: process.execPath, args: [KVD] });
  }
  if (answersVersion("etcd", [])) found.push({ kind: "etcd", program: "etcd", args: ETCD_ARGS });
  else if (process.env["KV_REQUIRE_PEERS"] === "1")
    throw new Error("KV_REQUIRE_PEERS=1, and there is no etcd on PATH");
  else
    process.stderr.write(
      "\n*** NOT TESTED: command lines that need a real etcd, because there is none on PATH ***\n\n",
    );
  return found;
}

function answersVersion(program: string, args: readonly string[]): boolean {
  const { status, stdout } = spawnSync(program, [...args, "--version"], { encoding: "utf8" });
  return status === 0 && stdout.trim() !== "";
}
