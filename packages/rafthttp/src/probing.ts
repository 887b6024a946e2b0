// Asks a peer every 4 s how it is and what time it has. Only warnings come of it.
// Spec: peer-protocol.md §1, §8.

import type { NodeId } from "@kv/raft";
import type { TransportContext } from "./context.ts";
import { TransportError } from "./errors.ts";
import type { WarningLimiter } from "./log.ts";
import { readText } from "./response-text.ts";
import type { UrlPicker } from "./url-picker.ts";

const PROBE_INTERVAL_MS = 4_000;
const CLOCK_DIFFERENCE_LIMIT_MS = 1_000;

/** What a prober needs to know about the member it asks. */
export interface ProbeTarget {
  readonly id: NodeId;
  /** Its own picker: a failed probe says nothing about the streams. */
  readonly picker: UrlPicker;
  readonly warnings: WarningLimiter;
}

/** The answer to a probe. */
export function probeAnswer(unixMs: number): string {
  return `{"OK":true,"Now":"${new Date(unixMs).toISOString()}"}\n`;
}

/** Probes one peer from `start` to `stop`, one request at a time. */
export class Prober {
  readonly #context: TransportContext;
  readonly #target: ProbeTarget;
  #cancelNext: () => void = () => {};
  #running: AbortController | null = null;
  #isStopped = false;

  constructor(context: TransportContext, target: ProbeTarget) {
    this.#context = context;
    this.#target = target;
  }

  /** The first probe follows after one interval. */
  start(): void {
    this.#cancelNext = this.#context.clock.after(PROBE_INTERVAL_MS, this.#onInterval);
  }

  /** @throws {TransportError} E_URL */
  update(urls: readonly string[]): void {
    this.#target.picker.update(urls);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
    this.#running?.abort(new TransportError("E_CLOSED", "the peer was stopped"));
  }

  // A probe that takes a whole interval has failed.
  readonly #onInterval = (): void => {
    this.#running?.abort(new TransportError("E_TIMEOUT", `no answer within ${PROBE_INTERVAL_MS} ms`));
    this.#running = new AbortController();
    void this.#probe(this.#running.signal); // handles its own failure
    this.start();
  };

  async #probe(signal: AbortSignal): Promise<void> {
    const { clock, dispatcher, logger } = this.#context;
    const { id, picker, warnings } = this.#target;
    const origin = picker.pick();
    const sentAt = clock.unixMs();
    try {
      const response = await dispatcher.request({ origin, path: "/raft/probing", method: "GET", signal });
      const text = await readText(response.body);
      if (response.statusCode === 404) return; // 2.0 and 2.1 have no probing
      const differenceMs = parseProbe(response.statusCode, text) - (sentAt + clock.unixMs()) / 2;
      if (Math.abs(differenceMs) > CLOCK_DIFFERENCE_LIMIT_MS) {
        warnings.warn("clock difference to peer is too high", {
          peer: id,
          differenceMs: Math.round(differenceMs),
        });
      }
    } catch (error) {
      if (this.#isStopped) return;
      picker.reportFailure(origin);
      const reason = error instanceof Error ? error.message : String(error);
      warnings.warn("peer is unhealthy", { peer: id, url: origin, reason });
    } finally {
      logger.debug("probed peer", { peer: id, url: origin, elapsedMs: clock.unixMs() - sentAt });
    }
  }
}

// The peer's clock in Unix milliseconds.
function parseProbe(statusCode: number, text: string): number {
  const now = statusCode === 200 ? /"OK":true,"Now":"([^"]{1,64})"/.exec(text)?.[1] : undefined;
  const unixMs = Date.parse(now ?? "");
  if (Number.isNaN(unixMs))
    throw new TransportError("E_STATUS", `the probe was answered with ${statusCode}: ${text.trim()}`);
  return unixMs;
}
