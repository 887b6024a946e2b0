// Recorded executions of two real raft implementations, replayed event by event; and proof that the
// replay would notice a difference.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { judge, replay } from "./traces/replay.ts";
import { parseTrace, type Trace, type TraceEvent, type TraceState } from "./traces/trace-format.ts";

const OWN = join(import.meta.dirname, "../../../conformance/raft-traces");
const directory = process.env["KV_RAFT_TRACES"] ?? OWN;
const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl.gz"));

function load(file: string, from = directory): Trace {
  return parseTrace(gunzipSync(readFileSync(join(from, file))).toString());
}

test.for(files)("the core does what was recorded in %s", (file) => {
  const verdict = judge(load(file));

  expect(verdict.isPassed, verdict.text).toBe(true);
});

/** The recording with one event changed: the last but a few for which `change` gives another one. */
function alter(trace: Trace, change: (event: TraceEvent) => TraceEvent | null): Trace {
  const candidates = trace.events.flatMap((event, i) => (change(event) === null ? [] : [i]));
  const chosen = candidates.at(-10);
  if (chosen === undefined) throw new Error("there is nothing to alter in this recording");
  return {
    ...trace,
    events: trace.events.map((event, i) => (i === chosen ? (change(event) ?? event) : event)),
  };
}

function withOtherCommit(event: TraceEvent): TraceEvent | null {
  const commit = event.st?.["commit"];
  return typeof commit === "number" ? { ...event, st: { ...event.st, commit: commit + 1 } } : null;
}

/** Messages of types that both comparisons look at: AppResp, VoteResp, HeartbeatResp. */
function withoutAnswer(event: TraceEvent): TraceEvent | null {
  const messages = event.rd?.msgs ?? [];
  const kept = messages.filter((message) => ![4, 6, 9].includes(message.type));
  return kept.length === messages.length ? null : { ...event, rd: { ...event.rd, msgs: kept } };
}

function longer(state: TraceState): TraceState {
  return { ...state, rt: Number(state["rt"]) + 5 };
}

/** The recording in which the node that campaigns first has a longer timeout when it does. */
function withOtherTimeout(trace: Trace): Trace {
  const { events } = trace;
  const campaign = events.findIndex(
    (event) => event.ev === "tick" && (event.st?.["state"] === 1 || event.st?.["state"] === 3),
  );
  const node = events[campaign]?.n;
  if (node === undefined) throw new Error("nobody campaigns after a timeout in this recording");
  const drawn = events.findLastIndex(
    (event, i) => i < campaign && event.n === node && "rt" in (event.st ?? {}),
  );
  const nodes = trace.header.nodes.map((one) =>
    drawn < 0 && one.id === node ? { ...one, st: longer(one.st) } : one,
  );
  return {
    header: { ...trace.header, nodes },
    events: events.map((event, i) => (i === drawn ? { ...event, st: longer(event.st ?? {}) } : event)),
  };
}

describe.for(["m-012-crash", "m-020-flow", "v2-017-partition5", "v2-023-crash"])("a replay of %s", (name) => {
  const trace = load(`${name}.jsonl.gz`, OWN);

  test("fails when one commit index is altered", () => {
    const { matched, difference } = replay(alter(trace, withOtherCommit));

    expect(difference).toContain("commit: recorded");
    expect(matched).toBeGreaterThan(1_000);
  });

  test("fails when one message is missing", () => {
    expect(replay(alter(trace, withoutAnswer)).difference).toMatch(/(msgs|messages): recorded/);
  });

  test("fails when one election timeout is altered", () => {
    expect(replay(withOtherTimeout(trace)).difference).not.toBeNull();
  });
});
