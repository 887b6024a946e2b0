/**
 * Snapshot files.
 *
 * @module @kv/wal/snap
 */

export { Snapshotter } from "./snapshotter.ts";
export type { SnapshotChunks, SnapshotterDeps } from "./snapshotter.ts";
