// The recorded executions `raft-trace/1` as JSON, and the way from there to our records. The format
// is described in conformance/raft-traces/README.md.

import { Message, type MessageType } from "../message.ts";
import {
  EMPTY_CONF_STATE,
  EntryType,
  type ConfState,
  type Entry,
  type HardState,
  type NodeId,
  type Snapshot,
} from "../types.ts";

/** [term, index, type, data]: text for normal entries, hex for changes of membership. */
export type TraceEntry = readonly [term: number, index: number, type: EntryType, data: string];

/** A configuration; what is absent is empty. */
export interface TraceConfState {
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly outgoing?: readonly NodeId[];
  readonly learnersNext?: readonly NodeId[];
  readonly autoLeave?: boolean;
}

export interface TraceSnapshot {
  readonly index: number;
  readonly term: number;
  readonly cs: TraceConfState;
  readonly data: string;
}

/** A message; what is absent is zero. */
export interface TraceMessage {
  readonly id?: number;
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from?: NodeId;
  readonly term?: number;
  readonly logTerm?: number;
  readonly index?: number;
  readonly commit?: number;
  readonly entries?: readonly TraceEntry[];
  readonly snap?: TraceSnapshot;
  readonly reject?: boolean;
  readonly hint?: number;
  readonly ctx?: string;
}

/** What storage holds when a node starts. */
export interface TraceBoot {
  readonly hs: HardState;
  readonly snap?: TraceSnapshot;
  readonly entries?: readonly TraceEntry[];
}

/** Members of the state that changed; null means "not applicable". */
export type TraceState = Readonly<Record<string, unknown>>;

/** What a node put out. */
export interface TraceOutput {
  readonly committed?: readonly TraceEntry[];
  readonly msgs?: readonly TraceMessage[];
  readonly [member: string]: unknown;
}

export interface TraceEvent {
  readonly i: number;
  readonly n: NodeId;
  readonly ev: string;
  readonly err?: string;
  readonly rd?: TraceOutput;
  readonly st?: TraceState;
  readonly k?: number;
  readonly data?: string;
  readonly cc?: { readonly v1?: boolean; readonly data: string };
  readonly m?: number;
  readonly peer?: NodeId;
  readonly ok?: boolean;
  readonly index?: number;
  readonly compact?: number;
  readonly boot?: TraceBoot;
}

export interface TraceConfig {
  readonly electionTick: number;
  readonly heartbeatTick: number;
  readonly maxSizePerMsg: number;
  readonly maxInflightMsgs: number;
  readonly maxUncommittedEntriesSize: number;
  readonly maxCommittedSizePerReady: number;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly readOnlyLeaseBased: boolean;
  readonly asyncStorageWrites: boolean;
  readonly stepDownOnRemoval: boolean;
  readonly disableProposalForwarding: boolean;
}

export interface TraceHeader {
  readonly format: string;
  readonly name: string;
  readonly profile: "etcd2" | "modern";
  readonly class: string;
  readonly config: TraceConfig;
  readonly nodes: readonly { readonly id: NodeId; readonly boot: TraceBoot; readonly st: TraceState }[];
}

/** One recorded execution. */
export interface Trace {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent[];
}

/** Parses JSON lines: the header and the events. */
export function parseTrace(text: string): Trace {
  const [first, ...rest] = text.trimEnd().split("\n");
  const header: TraceHeader = JSON.parse(first ?? "");
  if (header.format !== "raft-trace/1") throw new Error(`unknown trace format ${header.format}`);
  return { header, events: rest.map((line): TraceEvent => JSON.parse(line)) };
}

export function entryFromTrace([term, index, type, data]: TraceEntry): Entry {
  if (data === "") return { term, index, type, data: null };
  return { term, index, type, data: type === EntryType.Normal ? textToBytes(data) : hexToBytes(data) };
}

export function entryToTrace(entry: Entry): TraceEntry {
  const data = entry.data ?? new Uint8Array(0);
  const text = entry.type === EntryType.Normal ? bytesToText(data) : bytesToHex(data);
  return [entry.term, entry.index, entry.type, text];
}

function confStateFromTrace(config: TraceConfState): ConfState {
  return {
    voters: config.voters ?? EMPTY_CONF_STATE.voters,
    learners: config.learners ?? EMPTY_CONF_STATE.learners,
    votersOutgoing: config.outgoing ?? EMPTY_CONF_STATE.votersOutgoing,
    learnersNext: config.learnersNext ?? EMPTY_CONF_STATE.learnersNext,
    autoLeave: config.autoLeave ?? false,
  };
}

export function confStateToTrace(config: ConfState): TraceConfState {
  const { voters, learners, votersOutgoing: outgoing, learnersNext, autoLeave } = config;
  return { voters, learners, outgoing, learnersNext, autoLeave };
}

export function snapshotFromTrace(snapshot: TraceSnapshot): Snapshot {
  const { index, term, cs, data } = snapshot;
  return { meta: { index, term, confState: confStateFromTrace(cs) }, data: textToBytes(data) };
}

export function snapshotToTrace(snapshot: Snapshot): TraceSnapshot {
  const { index, term, confState } = snapshot.meta;
  const data = bytesToText(snapshot.data ?? new Uint8Array(0));
  return { index, term, cs: confStateToTrace(confState), data };
}

export function messageFromTrace(recorded: TraceMessage): Message {
  const message = new Message(recorded.type, recorded.to, recorded.from, recorded.term);
  message.logTerm = recorded.logTerm ?? 0;
  message.index = recorded.index ?? 0;
  message.entries = (recorded.entries ?? []).map(entryFromTrace);
  message.commit = recorded.commit ?? 0;
  if (recorded.snap !== undefined) message.snapshot = snapshotFromTrace(recorded.snap);
  message.reject = recorded.reject ?? false;
  message.rejectHint = recorded.hint ?? 0;
  message.context = recorded.ctx === undefined ? null : hexToBytes(recorded.ctx);
  return message;
}

export function messageToTrace(message: Message): TraceMessage {
  const { type, to, from, term, logTerm, index, commit, reject, rejectHint: hint, context } = message;
  const base = { type, to, from, term, logTerm, index, commit, reject, hint };
  return {
    ...base,
    entries: message.entries.map(entryToTrace),
    ...(message.snapshot.meta.index > 0 ? { snap: snapshotToTrace(message.snapshot) } : {}),
    ...(context === null ? {} : { ctx: bytesToHex(context) }),
  };
}

export function textToBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function bytesToText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

export function hexToBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function bytesToHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
