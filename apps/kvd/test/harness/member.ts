// A member of a test cluster: an address, a data directory, and a process that comes and goes.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, nextHost } from "./addresses.ts";
import { serverCommand, ServerProcess } from "./server-process.ts";
import type { Command, Exit } from "./server-process.ts";

/** One member. Its address and directory stay the same over restarts; both are gone when it is disposed of. */
export class Member implements AsyncDisposable {
  readonly name: string;
  readonly dir: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly #command: Command | null;
  /** Environment variables of the process, besides those of the test. */
  env: Readonly<Record<string, string>> = {};
  #process: ServerProcess | null = null;

  /** Prefer `newMember` and `startSingle`. */
  constructor(options: { name: string; dir: string; clientUrl: string; peerUrl: string; command?: Command }) {
    this.name = options.name;
    this.dir = options.dir;
    this.clientUrl = options.clientUrl;
    this.peerUrl = options.peerUrl;
    this.#command = options.command ?? null;
  }

  get dataDir(): string {
    return join(this.dir, "data");
  }

  /** The process that runs, or ran last. */
  get process(): ServerProcess {
    if (this.#process === null) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  /** The flags that every start has. */
  flags(): readonly string[] {
    return Object.entries({
      "--name": this.name,
      "--data-dir": this.dataDir,
      "--listen-client-urls": this.clientUrl,
      "--advertise-client-urls": this.clientUrl,
      "--listen-peer-urls": this.peerUrl,
      "--initial-advertise-peer-urls": this.peerUrl,
    }).flat();
  }

  /** Starts the process without waiting for it. A later flag beats an earlier one. */
  spawn(extraFlags: readonly string[] = []): ServerProcess {
    const command = this.#command ?? serverCommand();
    this.#process = new ServerProcess([...this.flags(), ...extraFlags], {
      command,
      cwd: this.dir,
      env: this.env,
    });
    return this.#process;
  }

  /** Starts the process and waits until it has published itself: from then on it serves. */
  async start(extraFlags: readonly string[] = []): Promise<void> {
    await this.spawn(extraFlags).logged(/published \{Name:/);
  }

  /** `kill -9`. */
  crash(): Promise<Exit> {
    return this.process.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** A member that has not been started; `command` is another program than the one under test. */
export async function newMember(name: string, command: Command = serverCommand()): Promise<Member> {
  const host = nextHost();
  const [client, peer] = await freePorts(host, 2);
  return new Member({
    name,
    dir: await mkdtemp(join(tmpdir(), "kvd-test-")),
    clientUrl: `http://${host}:${client}`,
    peerUrl: `http://${host}:${peer}`,
    command,
  });
}

/** The flag that makes a cluster of these members. */
export function initialCluster(members: readonly Member[]): readonly string[] {
  return ["--initial-cluster", members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",")];
}

/** A cluster of one that serves. */
export async function startSingle(extraFlags: readonly string[] = []): Promise<Member> {
  const member = await newMember("single");
  try {
    await member.start([...initialCluster([member]), ...extraFlags]);
  } catch (error) {
    await member[Symbol.asyncDispose]();
    throw error;
  }
  return member;
}
