// The members that a proxy forwards to: their client URLs, asked of the cluster now and then, in an
// order drawn anew each time. One that failed is left alone for a while. Spec: cluster.md §13.

import type { Clock } from "@kv/server";
import type { Logger } from "../logger.ts";

/** What a member says about its cluster. */
export interface ClusterUrls {
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** How often to ask and how long to leave a failed member alone. Milliseconds. */
export interface EndpointOptions {
  readonly peerUrls: readonly string[];
  readonly refreshIntervalMs: number;
  readonly failureWaitMs: number;
}

/** What the endpoints need of the world around them. */
export interface EndpointDeps {
  /** Asks the member at a peer URL; rejects when it gives no good answer, or with the signal's reason. */
  readonly ask: (peerUrl: string, signal: AbortSignal) => Promise<ClusterUrls>;
  /** Keeps the peer URLs for the next start. */
  readonly save: (peerUrls: readonly string[]) => Promise<void>;
  readonly clock: Pick<Clock, "now" | "after">;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

interface Endpoint {
  readonly url: string;
  /** On the clock; 0: it has not failed. */
  failedUntilMs: number;
}

/** From this interval on, and while no member is known, the cluster is asked every second. */
const LONG_INTERVAL_MS = 30_000;
const EAGER_INTERVAL_MS = 1_000;
/** A smaller interval would only keep both sides busy. */
const INTERVAL_MIN_MS = 100;

/** The endpoints of one proxy. At most one question to the cluster is under way. */
export class ProxyEndpoints {
  readonly #options: EndpointOptions;
  readonly #deps: EndpointDeps;
  readonly #closed = new AbortController();
  #peerUrls: readonly string[];
  #endpoints: readonly Endpoint[] = [];
  #hasFoundAny = false;
  #isLost = false;
  #running: Promise<void> = Promise.resolve();
  #cancelTimer: () => void = () => undefined;

  constructor(options: EndpointOptions, deps: EndpointDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#peerUrls = options.peerUrls;
  }

  /** Those that may be asked now, in the order in which to do so. */
  get available(): readonly string[] {
    const now = this.#deps.clock.now();
    return this.#endpoints.filter(({ failedUntilMs }) => failedUntilMs <= now).map(({ url }) => url);
  }

  /** Asks the cluster for the first time and from then on at intervals; resolves after the first time. */
  async start(): Promise<void> {
    this.#running = this.#refresh();
    await this.#running;
  }

  /** Leaves an endpoint alone for a while. */
  markFailed(url: string): void {
    const endpoint = this.#endpoints.find((candidate) => candidate.url === url);
    if (endpoint === undefined) return;
    endpoint.failedUntilMs = this.#deps.clock.now() + this.#options.failureWaitMs;
    this.#deps.logger.warn(`marked endpoint ${url} unavailable`);
  }

  /** Stops asking. May be called twice. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#cancelTimer();
    await this.#running;
  }

  async #refresh(): Promise<void> {
    const cluster = await this.#askFirst();
    if (this.#closed.signal.aborted) return;
    this.#endpoints = shuffled(this.#usable(cluster?.clientUrls ?? []), this.#deps.random).map((url) => ({
      url,
      failedUntilMs: 0,
    }));
    this.#logFound();
    if (cluster !== null) await this.#remember(cluster.peerUrls);
    if (this.#closed.signal.aborted) return;
    this.#cancelTimer = this.#deps.clock.after(this.#intervalMs(), () => {
      this.#running = this.#refresh();
    });
  }

  /** The first answer in the order of the peer URLs; null when there is none. */
  async #askFirst(): Promise<ClusterUrls | null> {
    const failures: string[] = [];
    for (const url of this.#peerUrls) {
      try {
        // One after the other: the first good answer counts.
        const cluster = await this.#deps.ask(url, this.#closed.signal);
        this.#isLost = false;
        return cluster;
      } catch (error) {
        if (this.#closed.signal.aborted) return null;
        failures.push(
          `could not get cluster response from ${url}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    // Once per outage: it is asked again every second.
    if (!this.#isLost) {
      for (const failure of failures) this.#deps.logger.warn(failure);
      this.#deps.logger.warn("could not retrieve cluster information from the given urls");
    }
    this.#isLost = true;
    return null;
  }

  async #remember(peerUrls: readonly string[]): Promise<void> {
    if (peerUrls.length === 0) return;
    const [from, to] = [this.#peerUrls.join(" "), peerUrls.join(" ")];
    this.#peerUrls = peerUrls;
    try {
      await this.#deps.save(peerUrls);
    } catch (error) {
      // The proxy goes on with what it knows; only its next start is the worse for it.
      this.#deps.logger.warn(
        `error on writing urls ${error instanceof Error ? error.message : String(error)}`,
      );
      return;
    }
    if (from !== to) this.#deps.logger.notice(`updated peer urls in cluster file from [${from}] to [${to}]`);
  }

  #usable(urls: readonly string[]): readonly string[] {
    return urls.filter((url) => {
      const isUrl = /^https?:\/\//i.test(url) && URL.canParse(url);
      if (!isUrl) this.#deps.logger.warn(`upstream URL invalid: ${url}`);
      return isUrl;
    });
  }

  #logFound(): void {
    if (this.#hasFoundAny || this.#endpoints.length === 0) return;
    this.#hasFoundAny = true;
    const urls = this.#endpoints.map(({ url }) => JSON.stringify(url));
    this.#deps.logger.info(`endpoints found [${urls.join(" ")}]`);
  }

  #intervalMs(): number {
    const { refreshIntervalMs } = this.#options;
    if (refreshIntervalMs >= LONG_INTERVAL_MS && this.#endpoints.length === 0) return EAGER_INTERVAL_MS;
    return Math.max(refreshIntervalMs, INTERVAL_MIN_MS);
  }
}

function shuffled(items: readonly string[], random: () => number): string[] {
  const drawn = [...items];
  for (let i = drawn.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!]; // 0 <= j <= i < length
  }
  return drawn;
}
