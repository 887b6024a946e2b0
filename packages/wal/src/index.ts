/**
 * The log, the data directory around it, and copies of both.
 *
 * @module @kv/wal
 */

// The log
export { SEGMENT_SIZE_BYTES, Wal } from "./wal.ts";
export type { SaveOptions, WalLogger, WalOptions } from "./wal.ts";
export { readLog } from "./log-reader.ts";
export type { LogContent } from "./replay.ts";
export type { SnapshotPosition, WalMetadata } from "./record.ts";

// The directory around it
export { detectDataDir, migrateDataDir, pathsOf, refuseLostLog } from "./data-dir.ts";
export type { DataDirKind, DataDirPaths } from "./data-dir.ts";
export { lockDirectory } from "./lock.ts";
export type { DirectoryLock } from "./lock.ts";

// A copy of both
export { backUp } from "./backup.ts";
export type { BackupOptions, BackupPlaces, BackupSummary } from "./backup.ts";

// What they run on
export { nodeFileSystem } from "./file-system.ts";
export type { FileHandle, FileStatus, FileSystem, OpenMode } from "./file-system.ts";
export { WalError } from "./errors.ts";
export type { FramePosition, WalErrorCode } from "./errors.ts";
