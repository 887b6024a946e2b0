// The process around a member, for tests of handlers.

import type { ProcessView } from "../process-view.ts";

/** A process whose log has the levels INFO and DEBUG; `levels` gets what was set. */
export function fakeProcess(levels: string[] = []): ProcessView {
  return {
    commandLine: ["kvd", "--name", "<one>"],
    fileDescriptorLimit: 1024,
    memory: () => ({ heapUsed: 1 }),
    metrics: () => Promise.resolve("# HELP one One.\n"),
    setLogLevel: (word) => {
      const level = word.toUpperCase();
      if (level !== "INFO" && level !== "DEBUG") return null;
      levels.push(level);
      return level;
    },
  };
}
