// The programs that are measured, started and ready.

import { join } from "node:path";
import process from "node:process";
import { freePorts, nextHost } from "../apps/kvd/test/harness/addresses.ts";
import { startCluster } from "../apps/kvd/test/harness/cluster.ts";
import { serverCommand, ServerProcess } from "../apps/kvd/test/harness/server-process.ts";
import type { Command } from "../apps/kvd/test/harness/server-process.ts";
import { pinned } from "./pinned.ts";
import type { Program } from "./scenarios.ts";

/** A program that serves; ended when disposed of. */
export interface Server extends AsyncDisposable {
  /** All its processes. */
  readonly pids: readonly number[];
  /** Where requests go: the leader. */
  url(): Promise<string>;
}

/** How servers are started. */
export interface ServerOptions {
  readonly members: number;
  /** The CPUs they may use, as taskset takes them; null: all. */
  readonly cpus: string | null;
}

/** How often a snapshot is written: as etcd 3.4 does by itself. kvd's default is that of 2.3, ten times as often. */
const SAME_WORK = "--snapshot-count=100000";
const ETCD: Command = ["etcd", "--enable-v2=true", SAME_WORK];

/** Starts one of the programs; the floor has one member always. */
export async function startServer(program: Program, { members, cpus }: ServerOptions): Promise<Server> {
  if (program === "floor") return startFloor(cpus);
  const [name, ...words]: Command = program === "etcd" ? ETCD : [...serverCommand(), SAME_WORK];
  const [first, rest] = pinned(cpus, name, words);
  const cluster = await startCluster(members, { command: [first, ...rest] });
  return {
    pids: cluster.members.map((member) => member.process.pid),
    url: async () => (await cluster.leader()).clientUrl,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function startFloor(cpus: string | null): Promise<Server> {
  const host = nextHost();
  const [port] = await freePorts(host, 1);
  const script = join(import.meta.dirname, "floor.ts");
  const [first, rest] = pinned(cpus, process.execPath, [script]);
  const floor = new ServerProcess([`${port}`, host], { command: [first, ...rest] });
  await floor.logged(/floor is ready/);
  return {
    pids: [floor.pid],
    url: async () => `http://${host}:${port}`,
    [Symbol.asyncDispose]: () => floor[Symbol.asyncDispose](),
  };
}
