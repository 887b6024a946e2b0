// A member that must be answered although the local log does not know it yet: one that joins answers
// its leader so, and the leader's peers help it. No streams. Spec: peer-protocol.md §11.

import { MessageType, type Message, type NodeId } from "@kv/raft";
import type { TransportContext } from "./context.ts";
import { WarningLimiter } from "./log.ts";
import { PeerStatus } from "./peer-status.ts";
import { Pipeline } from "./pipeline.ts";
import { UrlPicker } from "./url-picker.ts";

/** Somebody to post messages to. */
export class Remote {
  readonly id: NodeId;
  readonly #context: TransportContext;
  readonly #pipeline: Pipeline;

  /** @throws {TransportError} E_URL */
  constructor(context: TransportContext, id: NodeId, urls: readonly string[]) {
    this.id = id;
    this.#context = context;
    this.#pipeline = new Pipeline(context, {
      id,
      picker: new UrlPicker(urls),
      status: new PeerStatus(id, context.clock, context.logger),
      warnings: new WarningLimiter(context.logger, context.clock),
      announcements: null, // no member yet, so nothing depends on it
    });
  }

  /** Posts a message, or drops it and reports so. */
  send(message: Message): void {
    if (this.#pipeline.send(message)) return;
    this.#context.receiver.reportUnreachable(this.id);
    if (message.type === MessageType.Snap) this.#context.receiver.reportSnapshot(this.id, false);
  }

  /** Breaks off what is under way. */
  stop(): void {
    this.#pipeline.stop();
  }
}
