// A counter that each `add` changes exactly once, also when answers are lost.
//
// The key holds `<number> <tag>`; each write has a tag of its own and is a compare-and-swap on the
// modifiedIndex that it is based on. After an unknown outcome the same swap is sent again: it succeeds, and
// then the first one was not carried out and never can be; or the base has been superseded, and the first
// change behind the base, which the history has, is either ours or it is not.

import type { Client } from "../client.ts";
import { ClientError, EtcdError, EtcdErrorCode } from "../errors.ts";
import type { RequestOptions } from "../requester.ts";
import { insist } from "../retry.ts";
import type { Node } from "../schemas.ts";

/** Adds to and reads one counter. It is never to be removed while it is in use. */
export class Counter {
  readonly #client: Client;
  readonly #key: string;

  constructor(client: Client, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /**
   * The number, by a quorum read; 0 if nobody has counted yet.
   *
   * @throws {ClientError} E_NOT_A_COUNTER
   * @throws signal.reason
   */
  async value(options: Pick<RequestOptions, "signal"> = {}): Promise<number> {
    const node = await this.#read(options.signal);
    return node === null ? 0 : numberOf(node);
  }

  /**
   * Adds a whole number, once, and returns the sum.
   *
   * @throws {ClientError} E_HISTORY_CLEARED with `outcomeUnknown` if an answer was lost and a thousand
   *   other writes came before it could be made up for; E_NOT_A_COUNTER
   * @throws signal.reason; the number may then have been added
   */
  async add(amount: number, options: Pick<RequestOptions, "signal"> = {}): Promise<number> {
    const { signal } = options;
    for (;;) {
      const base = await this.#readOrCreate(signal);
      const sum = numberOf(base) + amount;
      if (!Number.isSafeInteger(sum)) throw new ClientError("E_CONFIG", `${sum} is not an exact integer`);
      const value = `${sum} ${globalThis.crypto.randomUUID()}`;
      if (await this.#swap(base, value, signal)) return sum;
    }
  }

  /** Whether this swap, and not another write, came directly behind the base. */
  async #swap(base: Node, value: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await insist(this.#client, signal, () =>
        this.#client.keys.compareAndSwap(this.#key, value, {
          prevIndex: base.modifiedIndex,
          idempotent: true,
          signal,
        }),
      );
      return true;
    } catch (error) {
      if (!isCode(error, EtcdErrorCode.CompareFailed)) throw error;
    }
    const next = await this.#client.watch(this.#key, { from: base.modifiedIndex + 1, signal }).next();
    const event = next.value;
    if (event?.type === "event") return event.node.value === value;
    const message = `whether ${value} was written to ${this.#key} is not in the history any more`;
    throw new ClientError("E_HISTORY_CLEARED", message, { outcomeUnknown: true });
  }

  async #readOrCreate(signal: AbortSignal | undefined): Promise<Node> {
    for (;;) {
      const node = await this.#read(signal);
      if (node !== null) return node;
      try {
        // Nothing has been counted yet, so it does not matter who writes the zero, or how often it is tried.
        await insist(this.#client, signal, () =>
          this.#client.keys.create(this.#key, "0 new", { idempotent: true, signal }),
        );
      } catch (error) {
        if (!isCode(error, EtcdErrorCode.KeyExists)) throw error;
      }
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<Node | null> {
    try {
      const read = (): Promise<{ readonly node: Node }> =>
        this.#client.keys.get(this.#key, { quorum: true, signal });
      return (await insist(this.#client, signal, read)).node;
    } catch (error) {
      if (isCode(error, EtcdErrorCode.KeyNotFound)) return null;
      throw error;
    }
  }
}

function numberOf({ key, value }: Node): number {
  const [text = ""] = (value ?? "").split(" ", 1);
  const number = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new ClientError("E_NOT_A_COUNTER", `${key} does not hold a counter`);
}

function isCode(error: unknown, errorCode: number): boolean {
  return error instanceof EtcdError && error.errorCode === errorCode;
}
