// This process as operators see it through the API: /debug/vars, /config/local/log.

import process from "node:process";
import type { ProcessView } from "@kv/server";
import { fileDescriptorLimit } from "./file-descriptors.ts";
import { levelName, parseLevel } from "./logger.ts";
import type { Logger } from "./logger.ts";

/** Shows this process; `logger` is its root, whose level can be set. */
export function processView(logger: Logger): ProcessView {
  return {
    commandLine: [process.argv0, ...process.argv.slice(2)],
    fileDescriptorLimit: fileDescriptorLimit(),
    memory: () => ({ ...process.memoryUsage() }),
    setLogLevel(word) {
      const level = parseLevel(word);
      if (level === null) return null;
      logger.setLevel(level);
      return levelName(level);
    },
  };
}
