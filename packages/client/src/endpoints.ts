// Which endpoint is asked first. The one that answered last is pinned: requests of one client go to one
// member, so that a program reads what it wrote (client-api.md §16), until that member fails.

import { ClientError } from "./errors.ts";

/** `random`: spread clients over the members. `given`: the first one as long as it answers. */
export type EndpointOrder = "random" | "given";

/** The endpoints of a cluster and the order in which to try them. */
export class Endpoints {
  readonly #order: EndpointOrder;
  readonly #random: () => number;
  #endpoints: readonly string[] = [];
  #pinned = 0;

  /**
   * @param options.random uniform in [0, 1), as `Math.random`
   * @throws {ClientError} E_CONFIG, E_NO_ENDPOINTS
   */
  constructor(endpoints: readonly string[], options: { order: EndpointOrder; random: () => number }) {
    this.#order = options.order;
    this.#random = options.random;
    this.replace(endpoints);
  }

  /** All endpoints, in the order in which they were drawn or given. */
  get all(): readonly string[] {
    return this.#endpoints;
  }

  /** The endpoints for one request: the pinned one, then those behind it, each once. */
  inOrder(): string[] {
    return [...this.#endpoints.slice(this.#pinned), ...this.#endpoints.slice(0, this.#pinned)];
  }

  /** Makes `endpoint` the first to be asked from now on, if it is (still) in the list. */
  pin(endpoint: string): void {
    const offset = this.#endpoints.indexOf(endpoint);
    if (offset >= 0) this.#pinned = offset;
  }

  /** Asks the endpoint behind `endpoint` first from now on, if `endpoint` is the pinned one. */
  unpin(endpoint: string): void {
    if (this.#endpoints[this.#pinned] !== endpoint) return;
    this.#pinned = (this.#pinned + 1) % this.#endpoints.length;
  }

  /**
   * Takes a new list; the pinned endpoint stays pinned if the new list has it.
   *
   * @throws {ClientError} E_CONFIG for a bad URL, E_NO_ENDPOINTS for an empty list; then nothing changed
   */
  replace(endpoints: readonly string[]): void {
    const next = endpoints.map(parseEndpoint);
    if (next.length === 0) throw new ClientError("E_NO_ENDPOINTS", "there is no endpoint to connect to");
    if (this.#order === "random") shuffle(next, this.#random);

    const pinned = this.#endpoints[this.#pinned];
    this.#endpoints = next;
    this.#pinned = 0;
    if (pinned !== undefined) this.pin(pinned);
  }
}

/**
 * The canonical form of an endpoint: scheme, host and port. A missing scheme means http, so `host:port` will do.
 *
 * @throws {ClientError} E_CONFIG if it is no http or https URL, or has more than scheme, host and port
 */
export function parseEndpoint(text: string): string {
  if (text.trim() === "") throw new ClientError("E_CONFIG", "endpoint is empty");
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || url.host === "") {
    throw new ClientError("E_CONFIG", `endpoint ${JSON.stringify(withoutUserinfo(text))} is not a URL`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ClientError(
      "E_CONFIG",
      `endpoint scheme must be http or https, got ${url.protocol}//${url.host}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ClientError(
      "E_CONFIG",
      `endpoint ${url.origin} must not contain credentials; use the credentials option`,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new ClientError("E_CONFIG", `endpoint ${url.origin} must not have a path or a query`);
  }
  return url.origin;
}

/** Of a text that is no URL: whatever may be a user and a password, up to the last "@", is left out. */
function withoutUserinfo(text: string): string {
  const end = text.lastIndexOf("@") + 1;
  if (end === 0) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  return scheme + text.slice(end);
}

function shuffle(items: string[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!]; // 0 <= j <= i < length
  }
}
