// One node of a replay: our RawNode with its storage, fed with recorded inputs, and what it does in
// the words of the recording.

import { decodeConfChange, decodeConfChangeV2 } from "../codec/index.ts";
import { MemoryStorage } from "../memory-storage.ts";
import type { Message } from "../message.ts";
import { RawNode, type ProposeResult, type StepResult } from "../raw-node.ts";
import type { AppendRequest, ApplyRequest, Ready } from "../ready.ts";
import type { Status } from "../status.ts";
import {
  EntryType,
  NONE,
  Role,
  type ConfChange,
  type ConfChangeV2,
  type Entry,
  type HardState,
  type NodeId,
  type Snapshot,
} from "../types.ts";
import {
  confStateToTrace,
  entryFromTrace,
  entryToTrace,
  hexToBytes,
  messageToTrace,
  snapshotFromTrace,
  snapshotToTrace,
  textToBytes,
  type TraceBoot,
  type TraceConfig,
  type TraceEvent,
  type TraceHeader,
} from "./trace-format.ts";

const NO_BYTES = new Uint8Array(0);
const DEFAULT_SIZE_BYTES = 1024 * 1024;

/** What came out of an event, in the members of the recording. */
export type Output = Record<string, unknown>;

/** A node under replay. */
export class TracedNode {
  readonly id: NodeId;
  readonly #config: TraceConfig;
  readonly #profile: TraceHeader["profile"];
  #storage: MemoryStorage = new MemoryStorage();
  #raw: RawNode;
  #appendRequests: AppendRequest[] = [];
  #applyRequests: ApplyRequest[] = [];

  constructor(nodeId: NodeId, header: TraceHeader, boot: TraceBoot) {
    this.id = nodeId;
    this.#config = header.config;
    this.#profile = header.profile;
    this.#raw = this.#start(boot);
  }

  get raw(): RawNode {
    return this.#raw;
  }

  /** Throws the node and all its undelivered work away and starts again. */
  restart(boot: TraceBoot): void {
    this.#raw = this.#start(boot);
  }

  /** Performs an input other than `ready`, `append` and `apply`; returns the recorded words for a refusal. */
  input(event: TraceEvent, stepped: Message | null): string | null {
    const peer = event.peer ?? NONE;
    switch (event.ev) {
      case "tick":
        this.#raw.tick(event.k);
        return null;
      case "hup":
        this.#raw.campaign();
        return null;
      case "prop":
        return refusal(this.#raw.propose(textToBytes(event.data ?? "")));
      case "cc":
        return refusal(this.#raw.proposeConfChange(changeOf(event)));
      case "msg":
        if (stepped === null) throw new Error(`event ${event.i} names no message`);
        return refusal(this.#raw.step(stepped));
      case "unreach":
        this.#raw.reportUnreachable(peer);
        return null;
      case "snapstatus":
        this.#raw.reportSnapshot(peer, event.ok ?? false);
        return null;
      case "compact":
        this.#compact(event);
        return null;
      case "transfer":
        this.#raw.transferLeader(peer);
        return null;
      case "readindex":
        this.#raw.readIndex(textToBytes(event.data ?? ""));
        return null;
      case "forget":
        this.#raw.forgetLeader();
        return null;
      case "restart":
        if (event.boot === undefined) throw new Error(`event ${event.i} has nothing to restart from`);
        this.restart(event.boot);
        return null;
      default:
        throw new Error(`unknown event ${event.ev}`);
    }
  }

  /** Takes one Ready and does all of it, or in async mode queues its requests. */
  ready(): { ready: Ready; output: Output } {
    const ready = this.#raw.ready();
    const output = outputOf(ready);
    if (this.#config.asyncStorageWrites) {
      if (ready.appendRequest !== null) this.#appendRequests.push(ready.appendRequest);
      if (ready.applyRequest !== null) this.#applyRequests.push(ready.applyRequest);
      return { ready, output };
    }
    this.#persist(ready.hardState, ready.entries, ready.snapshot);
    output["cc"] = this.#apply(ready.committedEntries);
    this.#raw.advance(ready);
    return { ready, output };
  }

  /** Performs the oldest append request. */
  append(): Output {
    const request = this.#appendRequests.shift();
    if (request === undefined) throw new Error("no append request is open");
    this.#persist(request.hardState, request.entries, request.snapshot);
    const messages = request.responses.filter((response) => response.to !== this.id);
    for (const response of request.responses) if (response.to === this.id) this.#raw.step(response);
    return { msgs: messages.map(messageToTrace) };
  }

  /** Performs the oldest apply request. */
  apply(): Output {
    const request = this.#applyRequests.shift();
    if (request === undefined) throw new Error("no apply request is open");
    const cc = this.#apply(request.entries);
    this.#raw.step(request.response);
    return { committed: request.entries.map(entryToTrace), cc };
  }

  /** The state in the members of the recording. */
  state(): Record<string, unknown> {
    const status = this.#raw.status();
    const isLeader = status.role === Role.Leader;
    const isCandidate = status.role === Role.Candidate || status.role === Role.PreCandidate;
    const { firstIndex, lastIndex } = status;
    return {
      term: status.term,
      vote: status.vote,
      commit: status.commit,
      applied: status.applied,
      applying: status.applying,
      lastIndex,
      lastTerm: status.lastTerm,
      firstIndex,
      unstable: status.unstableOffset,
      state: status.role,
      lead: status.lead,
      elapsed: status.electionElapsed,
      hb: isLeader ? status.heartbeatElapsed : null,
      cs: confStateToTrace(status.config),
      transferee: isLeader && status.transferee !== NONE ? status.transferee : null,
      uncommitted: isLeader ? status.uncommittedSize : null,
      pendingConf: isLeader ? status.pendingConfIndex : null,
      votes: isCandidate ? mapValues(status.votes, Number) : null,
      prs: progressOf(status),
      log: digest(this.#raw.entries(firstIndex, lastIndex + 1)),
    };
  }

  #start(boot: TraceBoot): RawNode {
    const storage = new MemoryStorage();
    if (boot.snap !== undefined) storage.applySnapshot(snapshotFromTrace(boot.snap));
    storage.setHardState(boot.hs);
    storage.append((boot.entries ?? []).map(entryFromTrace));
    this.#storage = storage;
    this.#appendRequests = [];
    this.#applyRequests = [];
    const config = this.#config;
    const isModern = this.#profile === "modern";
    return new RawNode({
      id: this.id,
      storage,
      random: () => 0,
      electionTick: config.electionTick,
      heartbeatTick: config.heartbeatTick,
      maxSizePerMsg: config.maxSizePerMsg,
      maxInflightMsgs: config.maxInflightMsgs,
      maxUncommittedEntriesSize: config.maxUncommittedEntriesSize,
      // 2.3.8 has no such limit and records 0.
      maxCommittedSizePerReady: isModern ? config.maxCommittedSizePerReady : DEFAULT_SIZE_BYTES,
      checkQuorum: config.checkQuorum,
      preVote: config.preVote,
      readOnly: config.readOnlyLeaseBased ? "lease" : "safe",
      leaseTicks: Number.POSITIVE_INFINITY,
      asyncStorageWrites: config.asyncStorageWrites,
      stepDownOnRemoval: config.stepDownOnRemoval,
      disableProposalForwarding: config.disableProposalForwarding,
      snapshotWithoutSelf: isModern ? "reject" : "accept",
      compat: this.#profile,
    });
  }

  #persist(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void {
    if (snapshot !== null) this.#storage.applySnapshot(snapshot);
    if (hardState !== null) this.#storage.setHardState(hardState);
    this.#storage.append(entries);
  }

  #apply(entries: readonly Entry[]): unknown[] {
    const changes = entries.filter((entry) => entry.type !== EntryType.Normal);
    return changes.map((entry) => {
      const change = decodeChange(entry.type === EntryType.ConfChange, entry.data ?? NO_BYTES);
      const { confState } = this.#raw.applyConfChange(change);
      return { index: entry.index, result: confStateToTrace(confState) };
    });
  }

  #compact(event: TraceEvent): void {
    const index = event.index ?? 0;
    this.#storage.createSnapshot(index, this.#raw.confState, textToBytes(event.data ?? ""));
    if (event.compact !== undefined && event.compact > 0) this.#storage.compact(event.compact);
  }
}

function changeOf(event: TraceEvent): ConfChange | ConfChangeV2 {
  return decodeChange(event.cc?.v1 ?? false, hexToBytes(event.cc?.data ?? ""));
}

function decodeChange(isV1: boolean, data: Uint8Array): ConfChange | ConfChangeV2 {
  return isV1 ? decodeConfChange(data) : decodeConfChangeV2(data);
}

function refusal(result: ProposeResult | StepResult): string | null {
  if (result.ok) return null;
  return result.code === "E_PEER_NOT_FOUND" ? "peer not found" : "proposal dropped";
}

function outputOf(ready: Ready): Output {
  const { softState, hardState, snapshot, appendRequest, applyRequest } = ready;
  const output: Output = {
    entries: ready.entries.map(entryToTrace),
    committed: ready.committedEntries.map(entryToTrace),
    reads: ready.readStates.map(({ index, context }) => [index, String.fromCharCode(...context)]),
    mustSync: ready.mustSync,
    msgs: ready.messages.map(messageToTrace),
  };
  if (softState !== null) output["soft"] = [softState.role, softState.lead];
  if (hardState !== null) output["hs"] = hardState;
  if (snapshot !== null) output["snap"] = snapshotToTrace(snapshot);
  if (appendRequest !== null) output["appendReq"] = appendToTrace(appendRequest);
  if (applyRequest !== null) output["applyReq"] = applyRequest.entries.map(entryToTrace);
  return output;
}

function appendToTrace(request: AppendRequest): Output {
  const output: Output = {
    entries: request.entries.map(entryToTrace),
    resp: request.responses.map(messageToTrace),
  };
  if (request.hardState !== null) output["hs"] = request.hardState;
  if (request.snapshot !== null) output["snap"] = snapshotToTrace(request.snapshot);
  return output;
}

function progressOf(status: Status): Record<string, number[]> | null {
  if (status.progress === null) return null;
  return mapValues(status.progress, (peer) => [
    peer.match,
    peer.next,
    peer.state,
    Number(peer.paused),
    peer.inflight,
    Number(peer.recentActive),
    peer.pendingSnapshot,
    Number(peer.learner),
  ]);
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over `index:term:type:data;` of every entry, as 8 hex digits. */
function digest(entries: readonly Entry[]): string {
  let hash = FNV_OFFSET;
  for (const entry of entries) {
    const [term, index, type, data] = entryToTrace(entry);
    const text = `${index}:${term}:${type}:${data};`;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
