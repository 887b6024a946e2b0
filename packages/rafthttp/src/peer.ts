// One other member: dials two streams at it, serves two streams to it, and chooses the channel of
// each message. Spec: peer-protocol.md §5, §7.
//
//   we dial   GET /raft/stream/{msgapp,message}/<us>     readers: what the peer sends us
//   it dials  GET /raft/stream/{msgapp,message}/<peer>   writers: what we send the peer
//   else      POST /raft                                 pipeline
//
// What etcd 2.x cannot read goes by the message stream, if who dialled it has announced itself; or not at all.

import { isKnownToEtcd2, MessageType, type Message, type NodeId } from "@kv/raft";
import { Announcements, type PeerDialect } from "./announcement.ts";
import type { TransportContext } from "./context.ts";
import type { StreamKind } from "./frames.ts";
import { MessageEncoder } from "./frames-message.ts";
import { MsgappV2Encoder } from "./frames-msgappv2.ts";
import { WarningLimiter } from "./log.ts";
import { PeerStatus } from "./peer-status.ts";
import { Pipeline } from "./pipeline.ts";
import { Prober } from "./probing.ts";
import type { SendingType } from "./stats.ts";
import { StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";
import { UrlPicker } from "./url-picker.ts";

/** A member of the cluster that is not us. Its connections live from the constructor to `stop`. */
export class Peer {
  readonly id: NodeId;
  readonly #context: TransportContext;
  readonly #picker: UrlPicker;
  readonly #status: PeerStatus;
  readonly #warnings: WarningLimiter;
  readonly #pipeline: Pipeline;
  readonly #readers: readonly StreamReader[];
  readonly #prober: Prober;
  #msgappWriter: StreamWriter | null = null;
  #messageWriter: StreamWriter | null = null;
  /** Whether who dialled that stream reads all messages: said in the same request. */
  #isMessageWriterForKv = false;
  readonly #announcements: Announcements;
  #droppedCount = 0;
  #isStopped = false;

  /** @throws {TransportError} E_URL */
  constructor(context: TransportContext, id: NodeId, urls: readonly string[]) {
    this.id = id;
    this.#context = context;
    this.#picker = new UrlPicker(urls);
    this.#status = new PeerStatus(id, context.clock, context.logger);
    this.#warnings = new WarningLimiter(context.logger, context.clock);
    this.#announcements = new Announcements((dialect) => {
      if (!this.#isStopped) context.receiver.peerDialect(id, dialect);
    });
    const target = {
      id,
      picker: this.#picker,
      status: this.#status,
      warnings: this.#warnings,
      announcements: this.#announcements,
    };
    this.#pipeline = new Pipeline(context, target);
    this.#readers = [
      new StreamReader(context, target, "msgapp"),
      new StreamReader(context, target, "message"),
    ];
    this.#prober = new Prober(context, { id, picker: new UrlPicker(urls), warnings: this.#warnings });
    for (const reader of this.#readers) reader.start();
    this.#prober.start();
  }

  /** `clock.now()` since when the peer can be talked to; null: it cannot. */
  get activeSince(): number | null {
    return this.#status.activeSince;
  }

  /** What the peer reads, as far as it was heard; null: it was not. */
  get dialect(): PeerDialect | null {
    return this.#announcements.dialect;
  }

  /** The peer has sent a request. */
  heard(dialect: PeerDialect): void {
    this.#announcements.heard(dialect);
  }

  /** Messages that found their queue full, or that no open connection was safe for. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Queues a message on the best channel there is, or drops it and reports so. Hot path. */
  send(message: Message): void {
    const channel = this.#channelOf(message);
    if (!isKnownToEtcd2(message.type) && (channel !== this.#messageWriter || !this.#isMessageWriterForKv)) {
      this.#droppedCount++;
      this.#context.receiver.reportUnreachable(this.id);
      return;
    }
    if (message.type === MessageType.Snap && this.#context.isAmongEtcd3 && this.dialect !== "kv") {
      this.#droppedCount++;
      this.#warnings.warn("a member of etcd 3 needs a snapshot and gets none: ours has no v3 database", {
        peer: this.id,
      });
      this.#reportLost(message, channel.sendingType);
      return;
    }
    if (channel.send(message)) return;
    this.#droppedCount++;
    this.#warnings.warn("message was dropped because the queue is full", { peer: this.id });
    this.#reportLost(message, channel.sendingType);
  }

  /**
   * Makes a new stream the channel for what it can carry; it replaces an older one, which ends.
   * `dialect` is what the request for it has announced.
   *
   * @returns the body of the answer to the peer's request.
   */
  attach(kind: StreamKind, dialect: PeerDialect, signal: AbortSignal): StreamWriter {
    const encoder = kind === "msgapp" ? new MsgappV2Encoder() : new MessageEncoder();
    const writer = new StreamWriter(this.#context, this.id, encoder, this.#onWriterEnded);
    const older = kind === "msgapp" ? this.#msgappWriter : this.#messageWriter;
    if (kind === "msgapp") {
      this.#msgappWriter = writer;
    } else {
      this.#messageWriter = writer;
      this.#isMessageWriterForKv = dialect === "kv";
    }
    older?.end(null);
    this.#announcements.opened(writer, dialect);
    if (this.#isStopped) writer.end(null);
    else if (signal.aborted) writer.end("the peer closed the stream");
    else this.#status.activate();
    signal.addEventListener("abort", () => writer.end("the peer closed the stream"), { once: true });
    return writer;
  }

  /** @throws {TransportError} E_URL; then nothing has changed. */
  update(urls: readonly string[]): void {
    this.#picker.update(urls);
    this.#prober.update(urls);
  }

  /** Closes everything, at once; what is queued is dropped. */
  stop(): void {
    this.#isStopped = true;
    for (const reader of this.#readers) reader.stop();
    this.#msgappWriter?.end(null);
    this.#messageWriter?.end(null);
    this.#pipeline.stop();
    this.#prober.stop();
  }

  #channelOf(message: Message): StreamWriter | Pipeline {
    if (message.type === MessageType.Snap) return this.#pipeline;
    if (message.type === MessageType.App && this.#msgappWriter !== null) return this.#msgappWriter;
    return this.#messageWriter ?? this.#pipeline;
  }

  readonly #onWriterEnded = (writer: StreamWriter, reason: string | null, lost: readonly Message[]): void => {
    this.#announcements.closed(writer);
    if (this.#msgappWriter === writer) this.#msgappWriter = null;
    if (this.#messageWriter === writer) this.#messageWriter = null;
    if (this.#isStopped) return;
    if (reason !== null) this.#status.deactivate(reason);
    for (const message of lost)
      if (message.type === MessageType.App) this.#context.stats.followerFailed(this.id, writer.sendingType);
    // Even with an empty queue: what the network has taken last may be lost.
    if (reason !== null || lost.length > 0) this.#context.receiver.reportUnreachable(this.id);
  };

  #reportLost(message: Message, sendingType: SendingType): void {
    const { receiver, stats } = this.#context;
    if (message.type === MessageType.App) stats.followerFailed(this.id, sendingType);
    receiver.reportUnreachable(this.id);
    if (message.type === MessageType.Snap) receiver.reportSnapshot(this.id, false);
  }
}
