// `backup`: a copy of a member's data directory, also while the member runs. Silent unless somebody watches:
// on a terminal it says on standard error what it does and what the copy holds. Spec: ctl.md §9.

import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import type { Command } from "./command.ts";

export const backup: Command = {
  name: "backup",
  usage: "",
  summary: "copy a data directory, for kvd --force-new-cluster to start from",
  flags: [
    { name: "data-dir", kind: "text", help: "the member's data directory" },
    { name: "wal-dir", kind: "text", help: "its log directory, if that is elsewhere" },
    { name: "backup-dir", kind: "text", help: "where to make the copy" },
    { name: "backup-wal-dir", kind: "text", help: "where to copy the log, if that is to be elsewhere" },
  ],
  style: "members",
  sync: false,
  run: async ({ flags, printer }) => {
    // Only here, because no other command touches files.
    const { backUp, nodeFileSystem, pathsOf, WalError } = await import("@kv/wal");
    const source = pathsOf(flags.text("data-dir") ?? "", { walDir: flags.text("wal-dir") ?? "" });
    const target = pathsOf(flags.text("backup-dir") ?? "", { walDir: flags.text("backup-wal-dir") ?? "" });
    const say = (text: string): void => {
      if (printer.isErrorWatched) printer.error(text);
    };
    try {
      const made = await backUp(
        { source, target },
        {
          fileSystem: nodeFileSystem,
          random: (bytes) => crypto.getRandomValues(bytes),
          onStep: (step) => say(`${step} ...`),
        },
      );
      say(
        `snapshot at index ${made.snapshotIndex}, ${made.entryCount} entries up to index ${made.lastIndex}, ` +
          `committed up to index ${made.commit}; as member ${made.metadata.nodeId} of cluster ${made.metadata.clusterId}`,
      );
      return ExitCode.Success;
    } catch (cause) {
      if (!(cause instanceof WalError)) throw cause;
      throw new KvctlError("E_FILE", cause.message, { cause });
    }
  },
};
