// What clients do, and what must be there before. load.lua has the requests.

import { keys, put } from "../apps/kvd/test/harness/keys.ts";

/** Values under one directory, with the names 0, 1, 2 and so on. */
interface Filling {
  readonly directory: string;
  readonly count: number;
  readonly sizeBytes: number;
}

interface OperationPlan {
  readonly filling: Filling | null;
  /** It goes through the log, so the number of members matters. */
  readonly isReplicated: boolean;
  /** A read with a small answer: the floor can stand beside it. */
  readonly hasFloor?: true;
  /** Makes new keys; they are removed after each sample. */
  readonly grows?: true;
  /** Connections by default; none: all of the sweep. */
  readonly connections?: number;
}

const SMALL: Filling = { directory: "/bench", count: 1_000, sizeBytes: 64 };
const LARGE: Filling = { directory: "/bench-64k", count: 100, sizeBytes: 65_536 };
const LIST: Filling = { directory: "/bench-list", count: 10_000, sizeBytes: 64 };

const PLANS = {
  get: { filling: SMALL, isReplicated: false, hasFloor: true },
  miss: { filling: null, isReplicated: false, connections: 64 },
  qget: { filling: SMALL, isReplicated: true, hasFloor: true },
  put: { filling: SMALL, isReplicated: true },
  cas: { filling: SMALL, isReplicated: true, connections: 64 },
  create: { filling: null, isReplicated: true, grows: true, connections: 64 },
  post: { filling: null, isReplicated: true, grows: true, connections: 64 },
  // An answer of a megabyte: a few connections keep all CPUs busy, and what more of them have under way at the end
  // of a sample would be CPU time without a request.
  list: { filling: LIST, isReplicated: false, connections: 4 },
  get64k: { filling: LARGE, isReplicated: false, connections: 64 },
  put64k: { filling: LARGE, isReplicated: true, connections: 64 },
  mixed: { filling: SMALL, isReplicated: true, connections: 64 },
} as const satisfies Readonly<Record<string, OperationPlan>>;

export type Operation = keyof typeof PLANS;

/** All operations, in the order of the table. */
export const OPERATIONS = Object.keys(PLANS) as readonly Operation[];

export function planOf(operation: Operation): OperationPlan {
  return PLANS[operation];
}

/** Writers at a time: one by one, a cluster of three would take half a minute for the list. */
const WRITERS = 50;

/** Writes what the operation reads or writes over. */
export async function fill(url: string, operation: Operation): Promise<void> {
  const { filling } = planOf(operation);
  if (filling === null) return;
  const value = "v".repeat(filling.sizeBytes);
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < filling.count) await put(url, `${filling.directory}/${next++}`, value);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Removes a directory of a sample. @throws {Error} when it is not there: then the sample did nothing. */
export async function removeAll(url: string, directory: string): Promise<void> {
  const { status, body } = await keys("DELETE", url, `${directory}?recursive=true`);
  if (status !== 200) throw new Error(`DELETE ${directory} was answered ${status}: ${JSON.stringify(body)}`);
}
