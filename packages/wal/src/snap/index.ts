// Snapshot files
export { Snapshotter } from "./snapshotter.ts";
export type { SnapshotChunks, SnapshotterDeps } from "./snapshotter.ts";
