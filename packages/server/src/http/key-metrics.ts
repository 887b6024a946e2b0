// What the keys API counts: requests by method, refusals by status, time taken (operations.md §2).
// Watches are not counted. Hot path.

import { fastHistogram, type DurationHistogram } from "../metrics.ts";

/** The labels of methods: a read through the log counts apart. */
export type CountedMethod = "GET" | "QGET" | "HEAD" | "PUT" | "POST" | "DELETE";

/** The key requests of one method. */
export class KeyMethodMetrics {
  /** Those that could be read and were allowed. */
  received: number = 0;
  readonly durations: DurationHistogram = fastHistogram();
  /** Of those received, the refused ones by HTTP status. */
  readonly failed: Map<number, number> = new Map();

  /** Counts a refusal. */
  fail(status: number): void {
    this.failed.set(status, (this.failed.get(status) ?? 0) + 1);
  }
}

/** The key requests of one member. */
export class KeyMetrics {
  readonly byMethod: Readonly<Record<CountedMethod, KeyMethodMetrics>> = {
    GET: new KeyMethodMetrics(),
    QGET: new KeyMethodMetrics(),
    HEAD: new KeyMethodMetrics(),
    PUT: new KeyMethodMetrics(),
    POST: new KeyMethodMetrics(),
    DELETE: new KeyMethodMetrics(),
  };
}
