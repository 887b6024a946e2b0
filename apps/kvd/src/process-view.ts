// This process as operators see it through the API: /metrics, /debug/vars, /config/local/log.

import process from "node:process";
import type { EtcdServer, KeyMetrics, ProcessView } from "@kv/server";
import { fileDescriptorLimit } from "./file-descriptors.ts";
import { levelName, parseLevel } from "./logger.ts";
import type { RootLogger } from "./logger.ts";
import { MetricsPage } from "./metrics.ts";

/** Shows this process and the figures of its member. */
export function processView(
  logger: RootLogger,
  member: { readonly server: Pick<EtcdServer, "metrics">; readonly keys: KeyMetrics },
): ProcessView {
  const page = new MetricsPage(member.server, member.keys);
  return {
    metrics: () => page.text(),
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
