// Members of one group in one thread, with storage and network in memory: what a proposal costs when
// nothing else does. Messages are handed over as they are, without the codec.

import { MemoryStorage, NONE, parseNodeId, RawNode } from "../src/index.ts";

/** Rounds between two compactions, so that the logs stay short. */
const ROUNDS_PER_COMPACTION = 256;

/** A group of voters with a leader, driven by hand. Learners are only names: what is sent to them is lost. */
export class Group {
  #members;
  #rounds = 0;

  constructor(size, learners = []) {
    const voters = Array.from({ length: size }, (_, i) => parseNodeId(`${i + 1}`));
    const confState = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
    this.#members = voters.map((id) => {
      const storage = new MemoryStorage();
      storage.applySnapshot({ meta: { index: 1, term: 1, confState }, data: null });
      storage.setHardState({ term: 1, vote: NONE, commit: 1 });
      return { raw: new RawNode({ id, storage, random: () => 0 }), storage };
    });
    this.leader.campaign();
    this.settle();
  }

  get leader() {
    return this.#members[0].raw;
  }

  /** The nodes themselves, the leader first. */
  get nodes() {
    return this.#members.map(({ raw }) => raw);
  }

  /** Entries that all members have applied. */
  get applied() {
    return Math.min(...this.#members.map(({ raw }) => raw.applied));
  }

  /** Delivers, persists and applies until nobody has anything to do. */
  settle() {
    let isBusy = true;
    while (isBusy) {
      isBusy = false;
      for (let i = 0; i < this.#members.length; i++) {
        const { raw, storage } = this.#members[i];
        while (raw.hasReady()) {
          isBusy = true;
          const ready = raw.ready();
          if (ready.hardState !== null) storage.setHardState(ready.hardState);
          storage.append(ready.entries);
          const { messages } = ready;
          for (let at = 0; at < messages.length; at++) {
            this.#members[Number(messages[at].to) - 1]?.raw.step(messages[at]);
          }
          raw.advance(ready);
        }
      }
    }
    this.#rounds++;
    if (this.#rounds % ROUNDS_PER_COMPACTION === 0) this.#compact();
  }

  #compact() {
    for (const { raw, storage } of this.#members) storage.compact(raw.applied);
  }
}
