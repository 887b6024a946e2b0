// Settled replay, for recordings of a core that differs in when it does things: let our core drain at
// each recorded Ready, and compare what has come of it: term, vote, commit, log, configuration, and
// the messages that decide elections and acknowledge entries.

import { firstDifference } from "./compare.ts";
import { MessageType, type Message } from "../message.ts";
import type { ReplayResult } from "./replay.ts";
import {
  messageFromTrace,
  messageToTrace,
  type Trace,
  type TraceEvent,
  type TraceMessage,
  type TraceState,
} from "./trace-format.ts";
import { TracedNode } from "./traced-node.ts";
import type { NodeId } from "../types.ts";

const STATE_MEMBERS = ["term", "vote", "commit", "lastIndex", "lastTerm", "state", "lead", "cs", "log"];

const COMPARED_TYPES: ReadonlySet<MessageType> = new Set([
  MessageType.Prop,
  MessageType.AppResp,
  MessageType.Vote,
  MessageType.VoteResp,
  MessageType.Heartbeat,
  MessageType.HeartbeatResp,
]);

/** More Readys than any event can cause. */
const DRAIN_LIMIT = 10_000;

interface Participant {
  readonly node: TracedNode;
  readonly state: Record<string, unknown>;
  expected: TraceMessage[];
  actual: TraceMessage[];
}

/** Replays until the first difference. */
export function replaySettled(trace: Trace): ReplayResult {
  const participants = new Map<NodeId, Participant>();
  for (const { id, boot, st } of trace.header.nodes) {
    const node = new TracedNode(id, trace.header, boot);
    node.raw.setRandomizedElectionTimeout(Number(st["rt"]));
    participants.set(id, { node, state: { ...st }, expected: [], actual: [] });
  }
  const isLastReady = findLastReadys(trace.events);
  const messages = new Map<number, TraceMessage>();
  let matched = 0;
  for (const [i, event] of trace.events.entries()) {
    for (const message of event.rd?.msgs ?? []) messages.set(message.id ?? -1, message);
    const participant = participants.get(event.n);
    if (participant === undefined) return { matched, difference: `there is no node ${event.n}` };
    const fault = perform(participant, event, messages);
    const difference = fault ?? (isLastReady[i] === true ? compareSettled(participant) : null);
    if (difference !== null) return { matched, difference: `event ${event.i} (${event.ev}): ${difference}` };
    matched++;
  }
  return { matched, difference: null };
}

/** For each event whether it is the last of consecutive Readys of its node. */
function findLastReadys(events: readonly TraceEvent[]): boolean[] {
  const isLast = events.map(() => false);
  const nextKind = new Map<NodeId, string>();
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i]!;
    isLast[i] = event.ev === "ready" && nextKind.get(event.n) !== "ready";
    nextKind.set(event.n, event.ev);
  }
  return isLast;
}

/** Feeds one event to our node; returns what is wrong with what it says, or null. */
function perform(
  participant: Participant,
  event: TraceEvent,
  messages: ReadonlyMap<number, TraceMessage>,
): string | null {
  const { node, state } = participant;
  Object.assign(state, event.st);
  let fault: string | null = null;
  if (event.ev === "ready") {
    participant.expected.push(...(event.rd?.msgs ?? []));
    fault = drain(participant);
  } else if (event.ev !== "compact" || node.raw.applied >= (event.index ?? 0)) {
    const recorded = messages.get(event.m ?? -1);
    node.input(event, recorded === undefined ? null : messageFromTrace(recorded));
    if (event.ev === "restart") {
      participant.expected = [];
      participant.actual = [];
    }
  }
  node.raw.setRandomizedElectionTimeout(Number(state["rt"]));
  return fault;
}

function drain(participant: Participant): string | null {
  for (let i = 0; participant.node.raw.hasReady(); i++) {
    if (i === DRAIN_LIMIT) return "the node does not come to rest";
    const { ready } = participant.node.ready();
    for (const message of ready.messages) {
      const fault = findAppendFault(participant.node, message);
      if (fault !== null) return fault;
      participant.actual.push(messageToTrace(message));
    }
  }
  return null;
}

/** What is untrue in an append, seen from the log of its sender; null if nothing is. */
function findAppendFault(node: TracedNode, message: Message): string | null {
  if (message.type !== MessageType.App) return null;
  const { firstIndex, lastIndex, commit, term } = node.raw.status();
  // A message of a term that is over meanwhile may speak of a log that has changed since.
  if (message.term !== term) return null;
  if (message.commit > commit) return `an append carries commit ${message.commit}, the sender has ${commit}`;
  const last = message.index + message.entries.length;
  if (last > lastIndex) return `an append reaches to ${last}, the log to ${lastIndex}`;
  if (message.index >= firstIndex) {
    const previous = node.raw.entries(message.index, message.index + 1)[0];
    if (previous?.term !== message.logTerm) return `an append has a wrong term before ${message.index + 1}`;
  }
  for (const [i, entry] of message.entries.entries()) {
    if (entry.index !== message.index + 1 + i) return "an append has gaps";
    if (entry.index < firstIndex) continue;
    const own = node.raw.entries(entry.index, entry.index + 1)[0];
    if (own?.term !== entry.term || own.data !== entry.data) return `an append lies about ${entry.index}`;
  }
  return null;
}

function compareSettled(participant: Participant): string | null {
  const state: TraceState = participant.state;
  const difference = firstDifference(state, participant.node.state(), STATE_MEMBERS);
  if (difference !== null) return difference;
  const expected = { messages: multiset(participant.expected) };
  const actual = { messages: multiset(participant.actual) };
  participant.expected = [];
  participant.actual = [];
  return firstDifference(expected, actual, ["messages"]);
}

/** The messages that are compared, in an order that does not depend on when they were sent. */
function multiset(messages: readonly TraceMessage[]): unknown[] {
  return messages
    .filter((message) => COMPARED_TYPES.has(message.type))
    .map((message) => JSON.stringify(comparable(message)))
    .toSorted();
}

/** The members that both kinds of core fill in alike. */
function comparable(message: TraceMessage): unknown[] {
  const { type, to, term = 0, index = 0, commit = 0, reject = false, entries = [] } = message;
  const from = type === MessageType.Prop ? "" : message.from;
  const logTerm = reject ? 0 : (message.logTerm ?? 0);
  return [to, type, from, term, index, commit, reject, logTerm, entries];
}
