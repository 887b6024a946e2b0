// A log that nobody reads.

import type { Logger } from "../../logger.ts";

const nothing = (): void => undefined;

/** Drops everything. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  notice: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
