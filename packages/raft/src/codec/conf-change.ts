// Membership changes as protobuf: the content of configuration entries. Spec: raft.md §2.4.

import { RaftError } from "../errors.ts";
import { ConfChangeTransition, ConfChangeType, NONE } from "../types.ts";
import type { ConfChange, ConfChangeV2, NodeId } from "../types.ts";
import { parseNodeId } from "./node-id.ts";
import { Reader } from "./reader.ts";
import { nodeIdSize } from "./varint.ts";
import { Writer } from "./writer.ts";

/** A copy of its own. @throws {RaftError} E_CODEC if `change.id` is not a 64-bit hex number. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const writer = new Writer();
  writer.nodeId(1, parseNodeId(change.id));
  writer.uint64(2, change.type);
  writer.nodeId(3, change.nodeId);
  if (change.context !== null) writer.bytes(4, change.context);
  return writer.view();
}

/**
 * The context is a view of `bytes`.
 *
 * @throws {RaftError} E_CODEC, also for an unknown kind of change.
 */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  const reader = new Reader(bytes);
  let id: NodeId = NONE;
  let type: ConfChangeType = ConfChangeType.AddNode;
  let nodeId: NodeId = NONE;
  let context: Uint8Array | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        id = reader.nodeId();
        break;
      case 2:
        type = confChangeType(reader.uint64());
        break;
      case 3:
        nodeId = reader.nodeId();
        break;
      case 4:
        context = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  return { id, type, nodeId, context };
}

/** A copy of its own. */
export function encodeConfChangeV2(change: ConfChangeV2): Uint8Array {
  const writer = new Writer();
  writer.uint64(1, change.transition);
  for (const single of change.changes) {
    writer.message(2, 3 + nodeIdSize(single.nodeId)); // a one-byte type and two tags
    writer.uint64(1, single.type);
    writer.nodeId(2, single.nodeId);
  }
  if (change.context !== null) writer.bytes(3, change.context);
  return writer.view();
}

/**
 * The context is a view of `bytes`. No bytes at all are the change that leaves a joint configuration.
 *
 * @throws {RaftError} E_CODEC, also for an unknown transition or kind of change.
 */
export function decodeConfChangeV2(bytes: Uint8Array): ConfChangeV2 {
  const reader = new Reader(bytes);
  let transition: ConfChangeTransition = ConfChangeTransition.Auto;
  const changes: ConfChangeV2["changes"][number][] = [];
  let context: Uint8Array | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        transition = confChangeTransition(reader.uint64());
        break;
      case 2: {
        const outer = reader.open();
        changes.push(readSingle(reader));
        reader.close(outer);
        break;
      }
      case 3:
        context = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  return { transition, changes, context };
}

function readSingle(reader: Reader): ConfChangeV2["changes"][number] {
  let type: ConfChangeType = ConfChangeType.AddNode;
  let nodeId: NodeId = NONE;
  while (reader.next()) {
    if (reader.field === 1) type = confChangeType(reader.uint64());
    else if (reader.field === 2) nodeId = reader.nodeId();
    else reader.skip();
  }
  return { type, nodeId };
}

function confChangeType(value: number): ConfChangeType {
  switch (value) {
    case ConfChangeType.AddNode:
    case ConfChangeType.RemoveNode:
    case ConfChangeType.UpdateNode:
    case ConfChangeType.AddLearner:
      return value;
    default:
      throw new RaftError("E_CODEC", `a configuration change has the unknown type ${value}`);
  }
}

function confChangeTransition(value: number): ConfChangeTransition {
  switch (value) {
    case ConfChangeTransition.Auto:
    case ConfChangeTransition.JointImplicit:
    case ConfChangeTransition.JointExplicit:
      return value;
    default:
      throw new RaftError("E_CODEC", `a configuration change has the unknown transition ${value}`);
  }
}
