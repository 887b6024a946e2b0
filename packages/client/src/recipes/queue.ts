// A queue of which nothing is lost: each item is handed to one consumer at a time, in the order in which the
// items came, and again to another one if the first dies before it is done.
//
//   <directory>/items/00000000000000000042    value, made by POST
//   <directory>/claims/00000000000000000042   identifier of the consumer, with a TTL and a heartbeat
//
//   claim = create, must not exist ──► item still there? ─ yes ─► handed out ──► done: remove item, then claim
//                                          └ no: remove claim
//
// An item is removed only by a consumer that says it is done, so what was put is handed out at least once. It is
// handed out only under a claim and only while it exists, so more than once only after a claim was lost.

import type { Client } from "../client.ts";
import { EtcdError, EtcdErrorCode } from "../errors.ts";
import { readState } from "../follow.ts";
import type { RequestOptions } from "../requester.ts";
import { insist } from "../retry.ts";
import type { Node } from "../schemas.ts";
import { KeepAlive, checkTtl, isLost } from "./keep-alive.ts";

/** Options of a {@link Queue}. */
export interface QueueOptions {
  /** Seconds after which an item goes to somebody else when its consumer has died; at least 1. */
  readonly ttl: number;
}

/** An item that was handed out. Say {@link done}; disposing of it undone puts it back in its place. */
export class QueueItem implements AsyncDisposable {
  /** As given to {@link Queue.put}. */
  readonly value: string;
  /** The item's place: its createdIndex. The same when it is handed out again. */
  readonly index: number;
  readonly #client: Client;
  readonly #key: string;
  readonly #claim: KeepAlive;

  /** Comes from {@link Queue.take}. */
  constructor(client: Client, item: Node, claim: KeepAlive) {
    this.value = item.value ?? "";
    this.index = item.createdIndex;
    this.#client = client;
    this.#key = item.key;
    this.#claim = claim;
  }

  /** Aborted, with a ClientError E_LOST, when the item may have been handed to somebody else. */
  get signal(): AbortSignal {
    return this.#claim.lost;
  }

  /**
   * Removes the item; resolves when it is gone. May be called twice, and also after the claim was lost.
   *
   * @throws signal.reason, and what the server refuses; then the item may be handed out again
   */
  async done(options: Pick<RequestOptions, "signal"> = {}): Promise<void> {
    const { signal } = options;
    try {
      await insist(this.#client, signal, () =>
        this.#client.keys.delete(this.#key, { idempotent: true, signal }),
      );
    } catch (error) {
      // Gone already, by a first attempt or by another consumer.
      if (!isCode(error, EtcdErrorCode.KeyNotFound)) throw error;
    }
    await this.#claim.remove(options);
  }

  /** Gives the claim up: unless `done` was called, somebody else gets the item now. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#claim.remove();
  }
}

/** One queue. Any number of producers and consumers may share it. */
export class Queue {
  readonly #client: Client;
  readonly #items: string;
  readonly #claims: string;
  readonly #directory: string;
  readonly #ttl: number;

  /** @throws {ClientError} E_CONFIG */
  constructor(client: Client, directory: string, { ttl }: QueueOptions) {
    checkTtl(ttl);
    this.#client = client;
    this.#directory = directory;
    this.#items = `${directory}/items`;
    this.#claims = `${directory}/claims`;
    this.#ttl = ttl;
  }

  /**
   * Puts an item at the end and returns its index.
   *
   * It is sent once. With `outcomeUnknown` the item may be in the queue or still get there: who puts it again
   * makes it at least once, and then consumers must be able to tell.
   */
  async put(value: string, options: RequestOptions = {}): Promise<number> {
    const { node } = await this.#client.keys.createInOrder(this.#items, value, options);
    return node.createdIndex;
  }

  /**
   * Waits for an item that nobody works on, and claims it.
   *
   * @throws {EtcdError} if the server refuses; signal.reason
   */
  async take(options: Pick<RequestOptions, "signal"> = {}): Promise<QueueItem> {
    const { signal } = options;
    for (;;) {
      const { free, etcdIndex } = await this.#readFree(signal);
      for (const node of free) {
        const item = await this.#claim(node, signal);
        if (item !== null) return item;
      }
      // A new item, a claim that ended, or a gap: each is a reason to look again.
      await this.#client.watch(this.#directory, { recursive: true, from: etcdIndex + 1, signal }).next();
    }
  }

  async #readFree(
    signal: AbortSignal | undefined,
  ): Promise<{ readonly free: readonly Node[]; readonly etcdIndex: number }> {
    const { node, etcdIndex } = await insist(this.#client, signal, () =>
      readState(this.#client, this.#directory, { recursive: true, signal }),
    );
    const claimed = new Set(childrenOf(node, "claims").map((claim) => nameOf(claim.key)));
    const free = childrenOf(node, "items").filter((item) => !claimed.has(nameOf(item.key)));
    return { free: free.toSorted((a, b) => a.createdIndex - b.createdIndex), etcdIndex };
  }

  /** The item, or null if somebody else has it or has finished it. */
  async #claim(node: Node, signal: AbortSignal | undefined): Promise<QueueItem | null> {
    const own = {
      key: `${this.#claims}/${nameOf(node.key)}`,
      value: globalThis.crypto.randomUUID(),
      ttl: this.#ttl,
    };
    let claim: KeepAlive;
    try {
      await this.#createClaim(own, signal);
      // Refuses with E_LOST if the claim is somebody else's.
      claim = await KeepAlive.start(this.#client, own, signal);
    } catch (error) {
      if (isLost(error) && signal?.aborted !== true) return null;
      throw error;
    }
    try {
      const { node: item } = await insist(this.#client, signal, () =>
        readState(this.#client, node.key, { signal }),
      );
      claim.lost.throwIfAborted();
      if (item !== null) return new QueueItem(this.#client, item, claim);
      await claim.remove();
      return null;
    } catch (error) {
      await claim.stop();
      if (isLost(error)) return null;
      throw error;
    }
  }

  async #createClaim(
    { key, value, ttl }: { readonly key: string; readonly value: string; readonly ttl: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      // A second run finds the first one's key, with our value.
      await insist(this.#client, signal, () =>
        this.#client.keys.create(key, value, { ttl, idempotent: true, signal }),
      );
    } catch (error) {
      if (!isCode(error, EtcdErrorCode.KeyExists)) throw error;
    }
  }
}

function childrenOf(root: Node | null, name: string): readonly Node[] {
  const directory = root?.nodes?.find((child) => nameOf(child.key) === name);
  return (directory?.nodes ?? []).filter((child) => !child.dir);
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

function isCode(error: unknown, errorCode: number): boolean {
  return error instanceof EtcdError && error.errorCode === errorCode;
}
