// The simulator finds bugs: nodes are given parts that break one rule each, and some seed has to show it.

import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../memory-storage.ts";
import { Message, MessageType } from "../message.ts";
import type { NodeOptions, StateMachine } from "../node/index.ts";
import { NONE, Role, type HardState } from "../types.ts";
import { shrink } from "./shrink.ts";
import { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";

type Plant = Pick<SimulationOptions, "wrap" | "read">;

const SEED_LIMIT = 250;

/** The first seed of which the execution breaks a rule. */
async function findFailure(
  plant: Plant,
): Promise<{ readonly options: SimulationOptions; readonly result: SimulationResult }> {
  for (let seed = 1; seed <= SEED_LIMIT; seed++) {
    const options: SimulationOptions = { seed, profile: "modern", ...plant };
    const result = await simulate(options);
    if (result.violation !== null) return { options, result };
  }
  throw new Error(`${SEED_LIMIT} seeds have not found the fault`);
}

/** A message as `change` makes it on its way out. */
function sending(change: (message: Message) => Partial<Message>): Plant {
  return {
    wrap: (parts) => ({
      ...parts,
      transport: {
        send: (messages) =>
          parts.transport.send(messages.map((one) => Object.assign(new Message(one.type), one, change(one)))),
      },
    }),
  };
}

/** A node that reads something else from its disk when it starts again. */
function restarting(change: (memory: MemoryStorage) => MemoryStorage): Plant {
  return {
    wrap: (parts, life) => (life === 0 ? parts : { ...parts, memory: change(parts.memory) }),
  };
}

function copyOf(memory: MemoryStorage, hardState: HardState, lastIndex: number): MemoryStorage {
  const copy = new MemoryStorage();
  const snapshot = memory.snapshot();
  if (snapshot.meta.index > 0) copy.applySnapshot(snapshot);
  copy.setHardState({ ...hardState, commit: Math.min(hardState.commit, lastIndex) });
  const entries = memory.entries(memory.firstIndex(), lastIndex + 1, Number.POSITIVE_INFINITY);
  if ("length" in entries) copy.append(entries);
  return copy;
}

/** A state machine of which one method is another one. */
function machine(change: (inner: StateMachine) => Partial<StateMachine>): Plant {
  return {
    wrap: (parts) => {
      const { machine: inner } = parts;
      const whole: StateMachine = {
        apply: (entries) => inner.apply(entries),
        applyConfChange: (confChange) => inner.applyConfChange(confChange),
        restore: (snapshot) => inner.restore(snapshot),
        ...change(inner),
      };
      return { ...parts, machine: whole };
    },
  };
}

function acknowledgingBeforeSync(parts: NodeOptions): NodeOptions {
  const { stable } = parts;
  let tail = Promise.resolve();
  return {
    ...parts,
    stable: {
      save: (batch) => {
        tail = tail.then(() => stable.save(batch));
        return Promise.resolve();
      },
      saveSnapshot: (snapshot) => tail.then(() => stable.saveSnapshot(snapshot)),
      close: () => stable.close(),
    },
  };
}

const FAULTS: readonly (readonly [name: string, invariant: RegExp, plant: Plant])[] = [
  ["acknowledges before the sync", /durable-before-sent|commit-evidence/, { wrap: acknowledgingBeforeSync }],
  [
    "forgets its vote at a restart",
    /one-vote|election-safety|disk-contract/,
    restarting((memory) => {
      const { hardState } = memory.initialState();
      return copyOf(memory, { ...hardState, vote: NONE }, memory.lastIndex());
    }),
  ],
  [
    "loses the last entry at a restart",
    /no-node-fails|leader-completeness|commit-evidence|disk-contract/,
    restarting((memory) => {
      const { hardState } = memory.initialState();
      return copyOf(memory, hardState, Math.max(memory.firstIndex() - 1, memory.lastIndex() - 1));
    }),
  ],
  [
    "tells followers that everything is committed",
    /commit-evidence/,
    sending(({ type, index, entries, commit }) =>
      type === MessageType.App ? { commit: entries.at(-1)?.index ?? Math.max(index, commit) } : {},
    ),
  ],
  [
    "votes for everybody",
    /one-vote|durable-before-sent|election-safety/,
    sending(({ type }) => (type === MessageType.VoteResp ? { reject: false } : {})),
  ],
  [
    "takes a rejected append for an accepted one",
    /durable-before-sent|commit-evidence/,
    sending(({ type, reject }) => (type === MessageType.AppResp && reject ? { reject: false } : {})),
  ],
  ["reads without asking anyone", /linearizability/, { read: () => Promise.resolve() }],
  [
    "answers a read as leader without asking the others",
    /linearizability/,
    { read: (node) => (node.role === Role.Leader ? Promise.resolve() : node.read({ timeoutMs: 1_500 })) },
  ],
  [
    "applies entries twice",
    /applied-in-order/,
    machine((inner) => ({ apply: (entries) => inner.apply([...entries, ...entries]) })),
  ],
  ["ignores a snapshot", /applied-in-order/, machine(() => ({ restore: () => {} }))],
];

describe("a node that", () => {
  test.for(FAULTS)("%s is found out", async ([, invariant, plant]) => {
    const { options, result } = await findFailure(plant);
    const sound = await simulate({ seed: options.seed, profile: options.profile });

    expect(result.violation?.invariant).toMatch(invariant);
    expect(sound.violation).toBeNull();
  });
});

test("a failure is shrunk to a short plan that breaks the same rule when it is run again", async () => {
  const { options, result } = await findFailure({ read: () => Promise.resolve() });

  const { keep } = await shrink(options, result, 300);
  const again = await simulate({ ...options, keep });

  expect(keep.length).toBeLessThan(result.actions.length / 8);
  expect(again.violation?.invariant).toBe(result.violation?.invariant);
});
