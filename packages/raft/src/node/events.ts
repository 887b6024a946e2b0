// What a node tells those who listen.

import type { RaftError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { ConfState, NodeId, Role, SnapshotMeta } from "../types.ts";

/** Events of a node by name, with what they carry. */
export interface NodeEvents {
  /** Leader or own role have changed. `lead` is "0" while there is none. */
  readonly leader: { readonly lead: NodeId; readonly role: Role; readonly term: number };
  /** A snapshot of the leader has replaced the state machine. */
  readonly snapshot: SnapshotMeta;
  /** A configuration has been applied, also one that is the same as before. */
  readonly membership: ConfState;
  /** A message was refused that no honest member sends: its commit index is above anything that this node has acknowledged. */
  readonly forged: Message;
  /** The node has failed, and is silent from now on. */
  readonly error: RaftError;
}

type Listener<T> = (event: T) => void;

/** Listeners by event. What a listener throws is fatal for the node that emits. */
export class EventHub {
  readonly #listeners: { readonly [Name in keyof NodeEvents]: Set<Listener<NodeEvents[Name]>> } = {
    leader: new Set(),
    snapshot: new Set(),
    membership: new Set(),
    forged: new Set(),
    error: new Set(),
  };

  /** Returns a function that removes the listener. */
  on<Name extends keyof NodeEvents>(name: Name, listener: Listener<NodeEvents[Name]>): () => void {
    const own: Listener<NodeEvents[Name]> = (event) => listener(event);
    const listeners: Set<Listener<NodeEvents[Name]>> = this.#listeners[name];
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }

  emit<Name extends keyof NodeEvents>(name: Name, event: NodeEvents[Name]): void {
    const listeners: Set<Listener<NodeEvents[Name]>> = this.#listeners[name];
    for (const listener of listeners) listener(event);
  }
}
