// From a configuration and a directory to what a running member needs: a new cluster, joining one
// that runs, or the restart of this member (cluster.md §3 to §6, disk-format.md §7).
//
//   log there                 -> restart:   ids, membership and state come from the disk
//   none, state "new"         -> bootstrap: every member computes the same first entries
//   none, state "existing"    -> join:      ids come from the cluster, the log starts empty

import { MemoryStorage, type BootstrapPeer, type NodeId, type Snapshot } from "@kv/raft";
import { Store } from "@kv/store";
import {
  detectDataDir,
  lockDirectory,
  migrateDataDir,
  pathsOf,
  refuseLostLog,
  Wal,
  WalError,
  type DataDirPaths,
  type DirectoryLock,
  type FileSystem,
  type LogContent,
} from "@kv/wal";
import { Snapshotter } from "@kv/wal/snap";
import type { ServerConfig } from "./config.ts";
import { StartError } from "./errors.ts";
import { leaveAlone, type LoneLog } from "./force-new-cluster.ts";
import { joinCluster } from "./join.ts";
import type { Logger } from "./logger.ts";
import { slowHistogram } from "./metrics.ts";
import { planNewCluster } from "./new-cluster.ts";
import type { Member } from "./server-api.ts";
import { DiskStorage, type MemberStorage } from "./storage.ts";

/** What a member starts from. */
export interface Bootstrapped {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly storage: MemberStorage;
  readonly store: Store;
  readonly memory: MemoryStorage;
  /** Of the snapshot that the store was loaded from; 0 without one. */
  readonly applied: { readonly index: number; readonly term: number };
  /** The first members of a new cluster, ascending by id; null otherwise. */
  readonly peers: readonly BootstrapPeer[] | null;
  /** Members known before the own log names them: from a running cluster, or from the list of a new one. */
  readonly known: readonly Member[];
  readonly isRestart: boolean;
}

/** The namespaces that exist from the start (client-api.md §3.1). */
const NAMESPACES = ["/0", "/1"];

export interface BootstrapDeps {
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  /** Unix time in nanoseconds, for printed TTLs only. */
  readonly now: () => bigint;
}

/**
 * Opens or creates everything a member needs.
 *
 * @throws {StartError} why it cannot start, in etcd's words; nothing is harmed then.
 */
export async function bootstrap(config: ServerConfig, deps: BootstrapDeps): Promise<Bootstrapped> {
  const { fileSystem } = deps;
  const paths = pathsOf(config.dataDir, { walDir: config.walDir ?? "" });
  try {
    if ((await detectDataDir(config.dataDir, fileSystem)) === "member-2.0.0") {
      await migrateDataDir(config.dataDir, fileSystem);
      deps.logger.info("moved the directories of 2.0.0 into the member directory");
    }
    if (!config.takeOverV3Data) await refuseV3Data(paths, fileSystem);
    if (await Wal.exists(paths.wal, fileSystem)) {
      return await withLock(paths, fileSystem, (lock) => restart(config, paths, lock, deps));
    }
    await refuseLostLog(paths, fileSystem);
  } catch (error) {
    throw asStartError(error);
  }
  const plan =
    config.initialClusterState === "new"
      ? await planNewCluster(config)
      : await joinCluster(config, deps.logger);
  try {
    await fileSystem.makeDirectory(paths.snap);
    return await withLock(paths, fileSystem, async (lock) => {
      const fsyncDurations = slowHistogram();
      const wal = await Wal.create(paths.wal, {
        fileSystem,
        logger: deps.logger,
        onFsync: (durationMs) => fsyncDurations.observe(durationMs / 1_000),
        metadata: { nodeId: plan.id, clusterId: plan.clusterId },
      });
      const snapshotter = new Snapshotter(paths.snap, { fileSystem, logger: deps.logger });
      const storage = new DiskStorage({ wal, fsyncDurations, snapshotter, lock });
      return { ...plan, ...emptyState(deps.now), storage };
    });
  } catch (error) {
    throw asStartError(error);
  }
}

/** The state of a member that has no log yet. */
export function emptyState(
  now: () => bigint,
): Pick<Bootstrapped, "store" | "memory" | "applied" | "isRestart"> {
  return {
    store: new Store({ namespaces: NAMESPACES, now }),
    memory: new MemoryStorage(),
    applied: { index: 0, term: 0 },
    isRestart: false,
  };
}

/** What v3 clients have written would silently be missing. */
async function refuseV3Data(paths: DataDirPaths, fileSystem: FileSystem): Promise<void> {
  if ((await fileSystem.status(paths.v3Database)) === null) return;
  throw new StartError(
    "E_V3_DATA",
    "experimental-v3demo cannot be disabled once it is enabled: this directory holds v3 data, which is not served here; --take-over-v3-data starts with its v2 part",
  );
}

async function restart(
  config: ServerConfig,
  paths: DataDirPaths,
  lock: DirectoryLock,
  deps: BootstrapDeps,
): Promise<Bootstrapped> {
  const { fileSystem } = deps;
  await fileSystem.makeDirectory(paths.snap);
  const snapshotter = new Snapshotter(paths.snap, { fileSystem, logger: deps.logger });
  const snapshot = await snapshotter.load();
  const applied =
    snapshot === null ? { index: 0, term: 0 } : { index: snapshot.meta.index, term: snapshot.meta.term };
  const fsyncDurations = slowHistogram();
  const wal = await Wal.open(paths.wal, {
    fileSystem,
    logger: deps.logger,
    at: applied,
    onFsync: (durationMs) => fsyncDurations.observe(durationMs / 1_000),
  });
  try {
    const content = await wal.readAll();
    const { metadata } = content;
    const { hardState, entries } = config.forceNewCluster
      ? await forceNewCluster(wal, content, snapshot)
      : content;
    const store = new Store({ namespaces: NAMESPACES, now: deps.now });
    const memory = new MemoryStorage();
    if (snapshot !== null) {
      store.recover(snapshot.data ?? new Uint8Array());
      memory.applySnapshot(snapshot);
      deps.logger.info("recovered store from snapshot", { raftIndex: snapshot.meta.index });
    }
    memory.setHardState(hardState);
    memory.append(entries);
    return {
      id: metadata.nodeId,
      clusterId: metadata.clusterId,
      storage: new DiskStorage({ wal, fsyncDurations, snapshotter, lock }),
      store,
      memory,
      applied,
      peers: null,
      known: [],
      isRestart: true,
    };
  } catch (error) {
    await wal.close();
    throw error;
  }
}

/** etcd writes the entries without a state; with it a crash right behind leaves a member that is alone already. */
async function forceNewCluster(wal: Wal, content: LogContent, snapshot: Snapshot | null): Promise<LoneLog> {
  const alone = leaveAlone(content.metadata.nodeId, content, snapshot?.meta.confState ?? null);
  if (alone.appended.length > 0) await wal.save(alone.hardState, alone.appended, true);
  return alone;
}

/** Takes the member directory before anything in it is touched, and gives it back when `open` fails. */
async function withLock(
  paths: DataDirPaths,
  fileSystem: FileSystem,
  open: (lock: DirectoryLock) => Promise<Bootstrapped>,
): Promise<Bootstrapped> {
  const lock = await lockDirectory(paths.member, fileSystem);
  try {
    return await open(lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Operators match on the beginnings of these texts (server-flags.md §5). */
function asStartError(error: unknown): Error {
  if (error instanceof StartError) return error;
  if (!(error instanceof WalError)) return error instanceof Error ? error : new Error(String(error));
  if (error.code === "E_LOCKED") {
    return new StartError("E_DATA_DIR", `open wal error: ${error.message}`, { cause: error });
  }
  if (error.code === "E_LAYOUT") return new StartError("E_DATA_DIR", error.message, { cause: error });
  return new StartError("E_LOG", `read wal error (${error.message}) and cannot be repaired`, {
    cause: error,
  });
}
