// Append requests that wait for the disk. What gathers while one save is in flight becomes one batch.
// Spec: raft.md §13.3. Hot path.

import type { Message } from "../message.ts";
import type { AppendRequest, Ready } from "../ready.ts";
import type { Entry, HardState } from "../types.ts";
import type { SaveBatch } from "./storage.ts";

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** A batch for the disk, and the messages that may be delivered, in order, once it is durable. */
export interface AppendBatch {
  readonly save: SaveBatch;
  /** False if there is nothing to write: only messages that had to wait for what came before. */
  readonly isWritten: boolean;
  readonly responses: readonly Message[];
}

interface Append {
  readonly request: AppendRequest;
  readonly mustSync: boolean;
}

/** Append requests in the order of their Readys. */
export class AppendQueue {
  readonly #appends: Append[] = [];

  get isEmpty(): boolean {
    return this.#appends.length === 0;
  }

  add({ appendRequest: request, mustSync }: Ready): void {
    if (request !== null) this.#appends.push({ request, mustSync });
  }

  /** Takes as much as one save can hold: a snapshot begins a batch. `isQuiet`: this turn has sent nothing. */
  take(isQuiet: boolean): AppendBatch {
    const appends = this.#appends.splice(0, this.#batchCount());
    let hardState: HardState | null = null;
    let mustSync = false;
    for (const append of appends) {
      hardState = append.request.hardState ?? hardState;
      mustSync ||= append.mustSync;
    }
    const snapshot = appends[0]?.request.snapshot ?? null;
    const entries = joinEntries(appends);
    return {
      save: { hardState, entries, snapshot, mustSync, isLone: isQuiet && entries.length === 1 },
      isWritten: hardState !== null || entries.length > 0 || snapshot !== null,
      responses: joinResponses(appends),
    };
  }

  #batchCount(): number {
    for (let i = 1; i < this.#appends.length; i++) if (this.#appends[i]!.request.snapshot !== null) return i;
    return this.#appends.length;
  }
}

// Later entries replace earlier ones from their first index on.
function joinEntries(appends: readonly Append[]): readonly Entry[] {
  let joined = NO_ENTRIES;
  for (const { request } of appends) {
    const { entries } = request;
    if (entries.length === 0) continue;
    const keptCount = joined.length === 0 ? 0 : entries[0]!.index - joined[0]!.index;
    joined = keptCount <= 0 ? entries : [...joined.slice(0, keptCount), ...entries];
  }
  return joined;
}

function joinResponses(appends: readonly Append[]): readonly Message[] {
  return appends.length === 1
    ? appends[0]!.request.responses
    : appends.flatMap(({ request }) => request.responses);
}
