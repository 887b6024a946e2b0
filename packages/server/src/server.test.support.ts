// A member in a temporary directory, on a clock that the test turns and a disk that the test can stop.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFileSystem, type FileHandle, type FileSystem } from "@kv/wal";
import type { Clock } from "./clock.ts";
import type { ServerConfig } from "./config.ts";
import type { Logger } from "./logger.ts";
import { createServer, type EtcdServer } from "./server.ts";

/** Time that passes only when it is told to. `defer` is real: it orders work, it measures nothing. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return 1_790_000_000_000 + this.#nowMs;
  }

  unixNanos(): bigint {
    return BigInt(this.unixMs()) * 1_000_000n;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** Lets `ms` pass; timers that become due are called in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers
        .filter((timer) => timer.dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}

/** A real disk whose syncs wait while `hold` is set, and fail once `break` was called. */
export class StoppableDisk {
  readonly fileSystem: FileSystem;
  #held: (() => void)[] | null = null;
  #isBroken = false;
  #syncCount = 0;

  constructor() {
    this.fileSystem = {
      ...nodeFileSystem,
      open: async (path, mode, permissions) => this.#wrap(await nodeFileSystem.open(path, mode, permissions)),
    };
  }

  get waitingSyncs(): number {
    return this.#held?.length ?? 0;
  }

  /** Resolves when no sync is under way but those that are held. */
  async idle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#syncCount > this.waitingSyncs);
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const go of held) go();
  }

  break(): void {
    this.#isBroken = true;
    this.release();
  }

  #wrap(handle: FileHandle): FileHandle {
    return {
      read: (target, position) => handle.read(target, position),
      writeSync: (source, length, position) => handle.writeSync(source, length, position),
      write: (source, length, position) => handle.write(source, length, position),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      close: () => handle.close(),
      datasyncSync: () => {
        if (this.#held !== null)
          throw new Error("a disk that is held back cannot be waited for in this thread");
        if (this.#isBroken) throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
        handle.datasyncSync();
      },
      datasync: async () => {
        this.#syncCount++;
        try {
          const held = this.#held;
          if (held !== null) await new Promise<void>((go) => held.push(go));
          if (this.#isBroken) throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
          await handle.datasync();
        } finally {
          this.#syncCount--;
        }
      },
    };
  }
}

/** A logger that remembers its lines, the package in front. */
export function rememberingLogger(lines: string[], pkg = ""): Logger {
  const log = (message: string): void => {
    lines.push(`${pkg}: ${message}`);
  };
  return {
    debug: log,
    info: log,
    notice: log,
    warn: log,
    error: log,
    child: (fields) => rememberingLogger(lines, String(fields["pkg"] ?? pkg)),
  };
}

/** A member and everything a test may do to it. */
export interface TestMember {
  readonly server: EtcdServer;
  readonly clock: ManualClock;
  readonly disk: StoppableDisk;
  readonly lines: readonly string[];
  readonly config: ServerConfig;
}

/** The configuration of a lone member; nothing listens on its peer URL. */
export function loneConfig(dataDir: string, options: Partial<ServerConfig> = {}): ServerConfig {
  return {
    name: "lone",
    dataDir,
    walDir: null,
    snapshotCount: 10_000,
    heartbeatMs: 100,
    electionMs: 1_000,
    maxSnapshots: 5,
    maxWals: 5,
    initialCluster: "lone=http://127.0.0.1:1",
    initialClusterState: "new",
    initialClusterToken: "etcd-cluster",
    initialAdvertisePeerUrls: ["http://127.0.0.1:1"],
    advertiseClientUrls: ["http://127.0.0.1:2"],
    strictReconfigCheck: false,
    forceNewCluster: false,
    takeOverV3Data: false,
    etcd3Peers: false,
    ...options,
  };
}

/** Starts a lone member and turns its clock until it leads and is published. */
export async function startLone(
  config: ServerConfig,
  clock: ManualClock = new ManualClock(),
): Promise<TestMember> {
  const disk = new StoppableDisk();
  const lines: string[] = [];
  const server = await createServer(config, {
    logger: rememberingLogger(lines),
    clock,
    fileSystem: disk.fileSystem,
  });
  await turnUntil(
    { clock, disk },
    () => server.clusterVersion !== null && lines.some((line) => line.includes("published")),
  );
  return { server, clock, disk, lines, config };
}

/** Turns the clock by heartbeats until `condition` holds. The disk is real, so time waits for it. */
export async function turnUntil(
  { clock, disk }: Pick<TestMember, "clock" | "disk">,
  condition: () => boolean,
): Promise<void> {
  while (!condition()) {
    clock.advance(100);
    for (let i = 0; i < 5; i++) await disk.idle();
  }
}

/** A directory that is gone when the test is over. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "kv-server-"));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
