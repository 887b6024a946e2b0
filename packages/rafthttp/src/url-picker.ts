// Which of a member's URLs to use: the current one until it fails, then the next. Spec: peer-protocol.md §4.

import { TransportError } from "./errors.ts";

/**
 * Reads a peer URL and returns its origin: scheme, host and port.
 *
 * @throws {TransportError} E_URL unless it is an http or https URL without a path.
 */
export function parsePeerUrl(text: string): string {
  if (!URL.canParse(text)) throw new TransportError("E_URL", `"${text}" is not a URL`);
  const url = new URL(text);
  const isPlain = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if ((url.protocol !== "http:" && url.protocol !== "https:") || !isPlain) {
    throw new TransportError("E_URL", `"${text}" is not an http or https URL without a path`);
  }
  return url.origin;
}

/** The URLs of one member, tried in turn. */
export class UrlPicker {
  #origins: readonly string[];
  #currentOffset = 0;

  /** @throws {TransportError} E_URL for a bad URL or an empty list. */
  constructor(urls: readonly string[]) {
    this.#origins = parseUrls(urls);
  }

  /**
   * Replaces the list and starts again at its first URL.
   *
   * @throws {TransportError} E_URL; then nothing has changed.
   */
  update(urls: readonly string[]): void {
    this.#origins = parseUrls(urls);
    this.#currentOffset = 0;
  }

  /** The origin to use now. */
  pick(): string {
    const origin = this.#origins[this.#currentOffset];
    if (origin === undefined) throw new RangeError("the offset lies inside the list");
    return origin;
  }

  /** Moves on, if `origin` is still the current one: several users of one broken URL move on once. */
  reportFailure(origin: string): void {
    if (origin === this.#origins[this.#currentOffset]) {
      this.#currentOffset = (this.#currentOffset + 1) % this.#origins.length;
    }
  }
}

function parseUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new TransportError("E_URL", "a member has at least one peer URL");
  return urls.map(parsePeerUrl).toSorted();
}
