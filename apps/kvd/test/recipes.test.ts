// The recipes of @kv/client on three members whose leader is killed again and again. A few kills here;
// `pnpm --filter kvd run test:recipes` does more (KV_RECIPE_KILLS).

import process from "node:process";
import {
  Cache,
  Client,
  ClientError,
  Counter,
  EtcdError,
  Queue,
  campaign,
  leaders,
  lock,
  register,
} from "@kv/client";
import type { Lock } from "@kv/client";
import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { until } from "./harness/until.ts";

const KILLS = Number(process.env["KV_RECIPE_KILLS"] ?? 2);
const KILL_TIMEOUT_MS = 40_000;
const REQUEST_TIMEOUT_MS = 1_000;
const TTL = 3;
/** Grants of the lock and items taken between two kills. */
const PROGRESS = 10;

test(
  `while the leader is killed ${KILLS} times no lock or election has two holders, and nothing is lost or counted twice`,
  { timeout: KILL_TIMEOUT_MS * KILLS },
  async () => {
    await using cluster = await startCluster(3);
    const endpoints = cluster.members.map((member) => member.clientUrl);
    await using clients = new AsyncDisposableStack();
    const connect = (): Client => clients.use(new Client({ endpoints, timeoutMs: REQUEST_TIMEOUT_MS }));
    await using cache = await Cache.open(connect(), "/jobs");
    const registration = await register(connect(), "/jobs/service", "here", { ttl: TTL });
    const work = new Work(connect);

    for (let kill = 0; kill < KILLS; kill++) {
      await work.progress(PROGRESS);
      const leader = await cluster.leader();
      await leader.crash();
      await work.progress(PROGRESS);
      await leader.start();
    }
    await work.end();

    expect(work.takenValues).toEqual(expect.arrayContaining(work.putValues));
    const client = connect();
    expect(await new Counter(client, "/jobs/counter").value()).toBe(work.addedCount);
    expect(registration.signal.aborted).toBe(false);
    const last = await client.keys.set("/jobs/last", "1", { idempotent: true });
    await cache.atLeast(last.node.modifiedIndex);
    const { node } = await client.keys.get("/jobs", { recursive: true, quorum: true });
    const files = (node.nodes ?? []).flatMap((child) => (child.dir ? (child.nodes ?? []) : [child]));
    const expected = files.filter((file) => !file.dir).map(({ key, value }) => [key, value] as const);
    const cached = [...cache.files].map(([key, { value }]) => [key, value] as const);
    expect(new Map(cached)).toEqual(new Map(expected));
    await registration.close();
  },
);

/** Who holds one lock. A second one is an error, unless the first has been told that it is lost. */
class Holders {
  readonly #signals = new Set<AbortSignal>();
  #lastFencingIndex = 0;

  /** The holder is in until what is returned is disposed of. */
  enter({ signal, fencingIndex }: Pick<Lock, "signal" | "fencingIndex">): Disposable {
    for (const other of this.#signals) expect(other.aborted, "the holder before has lost it").toBe(true);
    expect(fencingIndex).toBeGreaterThan(this.#lastFencingIndex);
    this.#lastFencingIndex = fencingIndex;
    this.#signals.add(signal);
    return { [Symbol.dispose]: () => void this.#signals.delete(signal) };
  }
}

/** Clients that contend for a lock and an election, count, put and take, and what they saw. Anything wrong makes `progress` and `end` throw. */
class Work {
  readonly putValues: string[] = [];
  readonly takenValues: string[] = [];
  addedCount = 0;
  #grantCount = 0;
  #reignCount = 0;
  #seenLeaderCount = 0;
  readonly #lockHolders = new Holders();
  readonly #leaders = new Holders();
  readonly #end = new AbortController();
  readonly #consumed = new AbortController();
  readonly #workers: Promise<unknown>;

  constructor(connect: () => Client) {
    this.#workers = Promise.all([
      this.#contend(connect()),
      this.#contend(connect()),
      this.#reign(connect(), "a"),
      this.#reign(connect(), "b"),
      this.#observe(connect()),
      this.#produce(connect()),
      this.#consume(connect()),
      this.#consume(connect()),
    ]);
    this.#workers.catch(() => undefined); // Reported by whoever waits next.
  }

  /** Resolves when everybody has got on by so much. */
  async progress(count: number): Promise<void> {
    const grants = this.#grantCount + count;
    const reigns = this.#reignCount + count;
    const seen = this.#seenLeaderCount + 1;
    const taken = this.takenValues.length + count;
    const done = until(
      "progress",
      () =>
        (this.#grantCount >= grants &&
          this.#reignCount >= reigns &&
          this.#seenLeaderCount >= seen &&
          this.takenValues.length >= taken) ||
        null,
      {
        timeoutMs: KILL_TIMEOUT_MS / 2,
      },
    );
    await Promise.race([this.#workers, done]);
  }

  /** Stops making work, and resolves when what was made is done. */
  async end(): Promise<void> {
    this.#end.abort(new DOMException("the end", "AbortError"));
    await this.#workers;
  }

  async #contend(client: Client): Promise<void> {
    const counter = new Counter(client, "/jobs/counter");
    while (!this.#end.signal.aborted) {
      await using held = await lock(client, "/lock", { ttl: TTL });
      using _ = this.#lockHolders.enter(held);
      await counter.add(1);
      this.addedCount++;
      this.#grantCount++;
    }
  }

  /** Leads, for as long as a read takes, again and again. */
  async #reign(client: Client, name: string): Promise<void> {
    while (!this.#end.signal.aborted) {
      await using leadership = await campaign(client, "/leader", name, { ttl: TTL });
      using _ = this.#leaders.enter(leadership);
      await client.health().catch(() => null); // the member that is asked may be the one that is dead
      this.#reignCount++;
    }
  }

  /** Sees leaders come, each with a larger index than the one before. */
  async #observe(client: Client): Promise<void> {
    let lastFencingIndex = 0;
    try {
      for await (const leader of leaders(client, "/leader", { signal: this.#end.signal })) {
        if (leader === null) continue;
        expect(leader.fencingIndex).toBeGreaterThan(lastFencingIndex);
        lastFencingIndex = leader.fencingIndex;
        this.#seenLeaderCount++;
      }
    } catch (error) {
      if (!this.#end.signal.aborted) throw error;
    }
  }

  async #produce(client: Client): Promise<void> {
    const queue = new Queue(client, "/queue", { ttl: TTL });
    for (let i = 0; !this.#end.signal.aborted; i++) {
      try {
        await queue.put(String(i));
        this.putValues.push(String(i));
      } catch (error) {
        // It may be in the queue or not, so nothing can be said about it.
        if (!isUnknown(error)) throw error;
      }
      // Consumers are slower: what is put is to be taken during the test.
      await until(
        "the queue to empty",
        () => (this.putValues.length - this.takenValues.length < 5 ? true : null),
        { timeoutMs: KILL_TIMEOUT_MS },
      );
    }
    await until(
      "the rest to be taken",
      () => this.putValues.every((value) => this.takenValues.includes(value)) || null,
    );
    this.#consumed.abort();
  }

  async #consume(client: Client): Promise<void> {
    const queue = new Queue(client, "/queue", { ttl: TTL });
    while (!this.#consumed.signal.aborted) {
      try {
        const item = await queue.take({ signal: this.#consumed.signal });
        this.takenValues.push(item.value);
        await item.done();
      } catch (error) {
        if (!this.#consumed.signal.aborted) throw error;
      }
    }
  }
}

/** Whether a write may have been carried out although it failed. */
function isUnknown(error: unknown): boolean {
  if (error instanceof EtcdError) return error.status >= 500;
  return error instanceof ClientError && (error.outcomeUnknown || error.code === "E_UNREACHABLE");
}
