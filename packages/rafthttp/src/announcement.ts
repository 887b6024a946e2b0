// How members of this implementation know each other, so that they can use what etcd 2.x cannot read.
//
// A 2.3.8 member takes a pre-vote for the word of a new leader (raft.md §15.1), so one must never reach
// it. A version is no proof: another program may be started under the same id and address at any time.
// Hence every message and every dialled stream, and every answer to one, carries a header that 2.3.8 ignores, and
// what only we can read leaves only as the body of an answer to a request that carried it.

/** The header, lower case. Its value is the level of the announcement; higher levels include lower ones. */
export const ANNOUNCEMENT_HEADER = "x-kv-raft";
/** Level 1: reads all messages of `@kv/raft` that travel, pre-votes among them. */
export const ANNOUNCEMENT = "1";

/** What a member reads: all messages of `@kv/raft`, or only those that etcd 2.x has. */
export type PeerDialect = "kv" | "etcd2";

/** What the value of the header says about who has sent it. */
export function dialectOf(announcement: string | readonly string[] | undefined): PeerDialect {
  return typeof announcement === "string" && /^[1-9]\d{0,8}$/.test(announcement) ? "kv" : "etcd2";
}

/**
 * What is known of one member: what it said last, and what the other end of each open stream said when
 * that was opened. One silent stream is enough to be careful, whichever request came last.
 */
export class Announcements {
  #lastHeard: PeerDialect | null = null;
  #told: PeerDialect | null = null;
  readonly #silentStreams = new Set<object>();
  readonly #onChange: (dialect: PeerDialect) => void;

  /** `onChange` is called with each new dialect, never twice in a row with the same. */
  constructor(onChange: (dialect: PeerDialect) => void) {
    this.#onChange = onChange;
  }

  /** null: nothing was heard of the member yet. One that cannot be reached is what it was last. */
  get dialect(): PeerDialect | null {
    return this.#silentStreams.size > 0 ? "etcd2" : this.#lastHeard;
  }

  /** A request or an answer of the member has come. */
  heard(dialect: PeerDialect): void {
    this.#lastHeard = dialect;
    this.#tell();
  }

  /** A stream was opened, by either side. */
  opened(stream: object, dialect: PeerDialect): void {
    if (dialect === "etcd2") this.#silentStreams.add(stream);
    this.heard(dialect);
  }

  /** A stream has ended; one that was never opened is no mistake. */
  closed(stream: object): void {
    if (this.#silentStreams.delete(stream)) this.#tell();
  }

  #tell(): void {
    const { dialect } = this;
    if (dialect === null || dialect === this.#told) return;
    this.#told = dialect;
    this.#onChange(dialect);
  }
}
