// The start of a run: every connection of load.lua first waits for one key. When all of them do, that key is
// written, and the load begins on all connections at once.

import { setTimeout as delay } from "node:timers/promises";
import { getJson, put } from "../apps/kvd/test/harness/keys.ts";
import { until } from "../apps/kvd/test/harness/until.ts";

/** The key that load.lua waits for. */
const GATE_PATH = "/bench-gate";

/** Makes the waits at the gate longer than any latency that follows, so that load.lua can tell them apart. */
const LONGEST_LATENCY_MS = 400;

/** Resolves when `connections` long polls wait at the server, and have waited for long enough. */
export async function allWaiting(url: string, connections: number): Promise<void> {
  await until(`${connections} connections at the gate`, async () => {
    const { watchers } = await getJson<{ watchers: number }>(`${url}/v2/stats/store`);
    return watchers === connections ? true : null;
  });
  await delay(LONGEST_LATENCY_MS);
}

/** Lets all of them go. */
export async function openGate(url: string): Promise<void> {
  await put(url, GATE_PATH, "open");
}
