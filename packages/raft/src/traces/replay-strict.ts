// Strict replay: after every event the refusal, the whole output and the whole state must be those of
// the recording. Required for every recording of a modern core.

import { byRecipient, firstDifference } from "./compare.ts";
import type { ReplayResult } from "./replay.ts";
import {
  messageFromTrace,
  type Trace,
  type TraceEvent,
  type TraceMessage,
  type TraceOutput,
  type TraceState,
} from "./trace-format.ts";
import { TracedNode, type Output } from "./traced-node.ts";
import type { NodeId } from "../types.ts";

const OUTPUT_MEMBERS = [
  "soft",
  "hs",
  "entries",
  "snap",
  "committed",
  "reads",
  "mustSync",
  "msgs",
  "cc",
  "appendReq",
  "applyReq",
];

interface Participant {
  readonly node: TracedNode;
  /** The last recorded value of every member. */
  readonly state: Record<string, unknown>;
}

/** Replays until the first difference. */
export function replayStrict(trace: Trace): ReplayResult {
  const participants = new Map<NodeId, Participant>();
  for (const { id, boot, st } of trace.header.nodes) {
    participants.set(id, { node: new TracedNode(id, trace.header, boot), state: {} });
    const difference = adopt(participants, id, st);
    if (difference !== null) return { matched: 0, difference: `node ${id} at its start: ${difference}` };
  }

  const messages = new Map<number, TraceMessage>();
  let matched = 0;
  for (const event of trace.events) {
    for (const message of event.rd?.msgs ?? []) messages.set(message.id ?? -1, message);
    const difference = replayEvent(participants, messages, event);
    if (difference !== null) return { matched, difference: `event ${event.i} (${event.ev}): ${difference}` };
    matched++;
  }
  return { matched, difference: null };
}

function replayEvent(
  participants: ReadonlyMap<NodeId, Participant>,
  messages: ReadonlyMap<number, TraceMessage>,
  event: TraceEvent,
): string | null {
  const participant = participants.get(event.n);
  if (participant === undefined) return `there is no node ${event.n}`;
  const { node } = participant;
  let output: Output = {};
  if (event.ev === "ready") {
    if (!node.raw.hasReady()) return "nothing is ready";
    output = node.ready().output;
  } else if (event.ev === "append") {
    output = node.append();
  } else if (event.ev === "apply") {
    output = node.apply();
  } else {
    const recorded = messages.get(event.m ?? -1);
    const refused = node.input(event, recorded === undefined ? null : messageFromTrace(recorded));
    if (refused !== (event.err ?? null)) {
      return `recorded ${event.err ?? "no refusal"}, got ${refused ?? "no refusal"}`;
    }
  }
  const difference = firstDifference(expectedOutput(event.rd ?? {}), comparable(output), OUTPUT_MEMBERS);
  return difference ?? adopt(participants, event.n, event.st ?? {});
}

/** Takes over the recorded changes, forces the recorded election timeout, and compares the whole state. */
function adopt(
  participants: ReadonlyMap<NodeId, Participant>,
  id: NodeId,
  changes: TraceState,
): string | null {
  const participant = participants.get(id);
  if (participant === undefined) return `there is no node ${id}`;
  Object.assign(participant.state, changes);
  const { rt, ...compared } = participant.state;
  participant.node.raw.setRandomizedElectionTimeout(Number(rt));
  return firstDifference(compared, participant.node.state(), Object.keys(compared));
}

function expectedOutput(recorded: TraceOutput): Output {
  const changes = Array.isArray(recorded["cc"]) ? recorded["cc"] : [];
  const cc = changes.map(({ index, result }: { index: number; result: unknown }) => ({ index, result }));
  return comparable({ ...recorded, cc });
}

/** Absent lists are empty, and messages are grouped. */
function comparable(output: Output): Output {
  const request = output["appendReq"];
  return {
    ...output,
    entries: output["entries"] ?? [],
    committed: output["committed"] ?? [],
    reads: output["reads"] ?? [],
    mustSync: output["mustSync"] ?? false,
    cc: output["cc"] ?? [],
    applyReq: output["applyReq"] ?? [],
    appendReq: typeof request === "object" && request !== null ? comparableRequest(request) : null,
    msgs: byRecipient(isMessages(output["msgs"]) ? output["msgs"] : []),
  };
}

function comparableRequest(request: object): Output {
  const responses = "resp" in request && isMessages(request.resp) ? request.resp : [];
  return { ...request, resp: byRecipient(responses) };
}

function isMessages(value: unknown): value is readonly TraceMessage[] {
  return Array.isArray(value);
}
