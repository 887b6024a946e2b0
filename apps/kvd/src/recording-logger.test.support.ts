// A log that tests read: one line per message, with its level letter.

import type { Logger } from "./logger.ts";

/** A logger that appends to `lines`: `W text`. Children write to the same lines. */
export function recordingLogger(lines: string[]): Logger {
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = {
    debug: at("D"),
    info: at("I"),
    notice: at("N"),
    warn: at("W"),
    error: at("E"),
    critical: at("C"),
    child: () => logger,
  };
  return logger;
}
