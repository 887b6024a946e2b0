// Clients that write as fast as they are answered, and remember what was acknowledged. What the
// cluster then holds is checked against that memory: nothing acknowledged may be missing or changed.

import { keys } from "./keys.ts";
import type { Node } from "./keys.ts";

const WRITE_TIMEOUT_MS = 2_000;

/** Writes of one load: unique keys under `/load`, each written once. */
export class WriteLoad {
  /** key → the node as it was acknowledged. */
  readonly acknowledged = new Map<string, Node>();
  readonly #writers: Promise<void>[];
  readonly #stop = new AbortController();
  #whenCount = Number.POSITIVE_INFINITY;
  #reached = Promise.withResolvers<void>();
  #next = 0;

  /** Starts `writers` clients; each goes from one of `baseUrls` to the next when a request fails. */
  constructor(baseUrls: readonly string[], writers: number) {
    this.#writers = Array.from({ length: writers }, (_, n) => this.#write(baseUrls, n));
  }

  /** Resolves when `count` more writes were acknowledged. */
  more(count: number): Promise<void> {
    this.#reached = Promise.withResolvers();
    this.#whenCount = this.acknowledged.size + count;
    return this.#reached.promise;
  }

  /** Ends the clients; resolves when all have. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#writers);
  }

  /**
   * Compares what a server holds now with what was acknowledged.
   *
   * @returns the keys that differ, with what was expected and what is there.
   */
  async differences(
    baseUrl: string,
  ): Promise<readonly { readonly expected: Node; readonly found: Node | null }[]> {
    const { body } = await keys("GET", baseUrl, "/load?quorum=true");
    const found = new Map((body.node?.nodes ?? []).map((node) => [node.key, node]));
    const wrong = [];
    for (const [key, expected] of this.acknowledged) {
      const node = found.get(key) ?? null;
      const isSame =
        node !== null &&
        node.value === expected.value &&
        node.createdIndex === expected.createdIndex &&
        node.modifiedIndex === expected.modifiedIndex;
      if (!isSame) wrong.push({ expected, found: node });
    }
    return wrong;
  }

  async #write(baseUrls: readonly string[], writer: number): Promise<void> {
    let at = writer;
    while (!this.#stop.signal.aborted) {
      const path = `/load/${this.#next++}`;
      const baseUrl = baseUrls[at % baseUrls.length] ?? "";
      const options = { form: { value: `${writer}` }, timeoutMs: WRITE_TIMEOUT_MS };
      // A request without an answer may or may not have been carried out: nothing is known, so nothing is checked.
      const answer = await keys("PUT", baseUrl, path, options).catch(() => null);
      if (answer?.body.node === undefined) at++;
      else this.#acknowledge(answer.body.node);
    }
  }

  #acknowledge(node: Node): void {
    this.acknowledged.set(node.key ?? "", node);
    if (this.acknowledged.size >= this.#whenCount) this.#reached.resolve();
  }
}
