// Entering and leaving configurations: pure functions from one configuration and a change to the
// next. A configuration is a ConfState whose lists are sorted; it is joint when it has outgoing
// voters. Raft paper §6 and Ongaro's thesis §4. Spec: raft.md §10.
//
// Nothing here throws for content that came through the log: every replica must decide alike.

import { compareNodeIds } from "./codec/index.ts";
import { RaftError } from "./errors.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  NONE,
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type NodeId,
} from "./types.ts";

/** One step of a change of membership. */
export type ConfChangeStep = ConfChangeV2["changes"][number];

/** A next configuration, or why there is none. */
export type ConfChangeResult =
  | {
      readonly confState: ConfState;
      /** Members that were gone in between: what is known of their logs does not count any more. */
      readonly renewed: ReadonlySet<NodeId>;
    }
  | { readonly error: RaftError };

const NO_IDS: readonly NodeId[] = Object.freeze([]);

/** Whether decisions need a majority of two sets of voters. */
export function isJoint(config: ConfState): boolean {
  return config.votersOutgoing.length > 0;
}

/** Whether the change says of itself that it leaves a joint configuration. */
function isLeaveJoint(change: ConfChange | ConfChangeV2): boolean {
  return (
    !isSimpleForm(change) && change.transition === ConfChangeTransition.Auto && change.changes.length === 0
  );
}

/** The steps of a change in either form. */
export function stepsOf(change: ConfChange | ConfChangeV2): readonly ConfChangeStep[] {
  return isSimpleForm(change) ? [{ type: change.type, nodeId: change.nodeId }] : change.changes;
}

/**
 * The configuration after `change`; `config` itself is not changed. With `mayRemoveLast` a simple change may
 * leave no voter, as in logs of etcd 2.x: force-new-cluster removes everybody before it adds its own member.
 */
export function changeConfiguration(
  config: ConfState,
  change: ConfChange | ConfChangeV2,
  options: { readonly mayRemoveLast: boolean } = { mayRemoveLast: false },
): ConfChangeResult {
  if (isLeaveJoint(change)) return leaveJoint(config);
  const steps = stepsOf(change);
  if (!isSimpleForm(change) && (change.transition !== ConfChangeTransition.Auto || steps.length > 1)) {
    return enterJoint(config, steps, change.transition !== ConfChangeTransition.JointExplicit);
  }
  return simple(config, steps, options.mayRemoveLast);
}

/** A configuration with its lists sorted and without duplicates. */
export function normalizeConfState(config: ConfState): ConfState {
  return new Draft(config).finish(config.autoLeave);
}

/** What is wrong with a configuration, or null. */
export function findConfStateFault(config: ConfState): string | null {
  const voters = new Set(config.voters);
  const outgoing = new Set(config.votersOutgoing);
  const learners = new Set(config.learners);
  for (const id of learners) {
    if (voters.has(id) || outgoing.has(id)) return `learner ${id} is also a voter`;
  }
  for (const id of config.learnersNext) {
    if (!outgoing.has(id)) return `next learner ${id} is no outgoing voter`;
    if (voters.has(id) || learners.has(id)) return `next learner ${id} is already something else`;
  }
  if (outgoing.size === 0 && config.autoLeave)
    return "a configuration that is not joint cannot leave by itself";
  return null;
}

function simple(
  config: ConfState,
  steps: readonly ConfChangeStep[],
  mayRemoveLast: boolean,
): ConfChangeResult {
  if (isJoint(config)) return refuse("a simple change is not allowed in a joint configuration");
  const draft = new Draft(config);
  const fault = draft.apply(steps, mayRemoveLast);
  if (fault !== null) return refuse(fault);
  if (countDifferences(config.voters, draft.voters) > 1) {
    return refuse("more than one voter changes without a joint configuration");
  }
  return { confState: draft.finish(false), renewed: draft.renewed };
}

function enterJoint(
  config: ConfState,
  steps: readonly ConfChangeStep[],
  autoLeave: boolean,
): ConfChangeResult {
  if (isJoint(config)) return refuse("the configuration is already joint");
  if (config.voters.length === 0) return refuse("a configuration without voters cannot become joint");
  const draft = new Draft(config);
  for (const id of config.voters) draft.outgoing.add(id);
  const fault = draft.apply(steps, false);
  if (fault !== null) return refuse(fault);
  return { confState: draft.finish(autoLeave), renewed: draft.renewed };
}

function leaveJoint(config: ConfState): ConfChangeResult {
  if (!isJoint(config)) return refuse("the configuration is not joint");
  const draft = new Draft(config);
  for (const id of draft.learnersNext) draft.learners.add(id);
  draft.learnersNext.clear();
  draft.outgoing.clear();
  return { confState: draft.finish(false), renewed: draft.renewed };
}

function refuse(reason: string): ConfChangeResult {
  return { error: new RaftError("E_CONF_CHANGE", reason) };
}

/** A configuration being changed. */
class Draft {
  readonly voters: Set<NodeId>;
  readonly outgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  readonly renewed: Set<NodeId> = new Set();

  constructor(config: ConfState) {
    this.voters = new Set(config.voters);
    this.outgoing = new Set(config.votersOutgoing);
    this.learners = new Set(config.learners);
    this.learnersNext = new Set(config.learnersNext);
  }

  /** Applies the steps from left to right; returns what is wrong, or null. */
  apply(steps: readonly ConfChangeStep[], mayRemoveLast: boolean): string | null {
    for (const step of steps) {
      if (step.nodeId === NONE) continue;
      switch (step.type) {
        case ConfChangeType.AddNode:
          this.#addVoter(step.nodeId);
          break;
        case ConfChangeType.AddLearner:
          this.#addLearner(step.nodeId);
          break;
        case ConfChangeType.RemoveNode:
          this.#remove(step.nodeId);
          break;
        case ConfChangeType.UpdateNode:
          break;
        default:
          return `unknown kind of change ${String(step.type)}`;
      }
    }
    return this.voters.size === 0 && !mayRemoveLast ? "removed all voters" : null;
  }

  finish(autoLeave: boolean): ConfState {
    return Object.freeze({
      voters: sorted(this.voters),
      learners: sorted(this.learners),
      votersOutgoing: sorted(this.outgoing),
      learnersNext: sorted(this.learnersNext),
      autoLeave,
    });
  }

  #addVoter(id: NodeId): void {
    this.learners.delete(id);
    this.learnersNext.delete(id);
    this.voters.add(id);
  }

  #addLearner(id: NodeId): void {
    if (this.learners.has(id)) return;
    this.voters.delete(id);
    this.learnersNext.delete(id);
    // While its vote still counts in the outgoing half it cannot be a learner yet.
    if (this.outgoing.has(id)) this.learnersNext.add(id);
    else this.learners.add(id);
  }

  #remove(id: NodeId): void {
    const wasMember = this.voters.delete(id) || this.learners.delete(id) || this.learnersNext.delete(id);
    if (wasMember && !this.outgoing.has(id)) this.renewed.add(id);
  }
}

/** Whether the change has the form of etcd 2.x, with exactly one step. */
function isSimpleForm(change: ConfChange | ConfChangeV2): change is ConfChange {
  return "nodeId" in change;
}

function sorted(ids: ReadonlySet<NodeId>): readonly NodeId[] {
  return ids.size === 0 ? NO_IDS : Object.freeze([...ids].toSorted(compareNodeIds));
}

function countDifferences(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  let kept = 0;
  for (const id of before) if (after.has(id)) kept++;
  return before.length - kept + after.size - kept;
}
