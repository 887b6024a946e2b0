// The page /metrics: etcd's names for what this member counts, and prom-client's for the process.
// Spec: operations.md §2.

import type { EtcdServer, KeyMetrics, SentAppends, ServerMetrics } from "@kv/server";
import { collectDefaultMetrics, Registry } from "prom-client";
import { openFileDescriptors } from "./file-descriptors.ts";
import { addCounter, addGauge, addHistogram, single } from "./prometheus.ts";
import type { Series } from "./prometheus.ts";

/** prom-client measures the lag of the event loop with a timer of its own: seldom is enough. */
const LOOP_LAG_PRECISION_MS = 100;

/** The figures of one member and its process, in the text format of Prometheus. */
export class MetricsPage {
  readonly #registry = new Registry();
  readonly #server: Pick<EtcdServer, "metrics">;
  /** As of the last scrape: one look for the whole page. */
  #now: ServerMetrics;

  constructor(server: Pick<EtcdServer, "metrics">, keys: KeyMetrics) {
    this.#server = server;
    this.#now = server.metrics();
    this.#addKeys(keys);
    this.#addServer();
    this.#addMessages();
    this.#addDisk();
    this.#addStore();
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_LAG_PRECISION_MS,
    });
  }

  text(): Promise<string> {
    this.#now = this.#server.metrics();
    return this.#registry.metrics();
  }

  #addKeys(keys: KeyMetrics): void {
    const used = () => Object.entries(keys.byMethod).filter(([, { received }]) => received > 0);
    const byMethod = <Value>(value: (counts: KeyMetrics["byMethod"]["GET"]) => Value): Series<Value>[] =>
      used().map(([method, counts]) => ({ labels: { method }, value: value(counts) }));
    addCounter(
      this.#registry,
      {
        name: "etcd_http_received_total",
        help: "Key requests that could be read and were allowed.",
        labelNames: ["method"],
      },
      () => byMethod(({ received }) => received),
    );
    addCounter(
      this.#registry,
      {
        name: "etcd_http_failed_total",
        help: "Key requests that were refused, by HTTP status.",
        labelNames: ["method", "code"],
      },
      () =>
        used().flatMap(([method, { failed }]) =>
          [...failed].map(([code, value]) => ({ labels: { code: String(code), method }, value })),
        ),
    );
    addHistogram(
      this.#registry,
      {
        name: "etcd_http_successful_duration_second",
        help: "Time to answer key requests, consensus included.",
        labelNames: ["method"],
      },
      () => byMethod(({ durations }) => durations),
    );
  }

  #addServer(): void {
    this.#gauge("etcd_server_has_leader", "Whether a leader is known.", (now) => Number(now.hasLeader));
    this.#counter("etcd_server_leader_changes_seen_total", "Leaders seen.", (now) => now.leaderChanges);
    this.#gauge(
      "kv_server_raft_modern",
      "1 while all members are known to be kv: pre-votes and vote leases are on.",
      (now) => Number(now.isModern),
    );
    this.#gauge(
      "etcd_server_file_descriptors_used_total",
      "Open file descriptors.",
      () => openFileDescriptors() ?? Number.NaN,
    );
    this.#gauge(
      "etcd_server_pending_proposal_total",
      "Proposals that wait to be applied.",
      (now) => now.proposalsPending,
    );
    this.#counter(
      "etcd_server_proposal_failed_total",
      "Proposals without an answer in time.",
      (now) => now.proposalsFailed,
    );
    this.#histogram(
      "etcd_server_proposal_durations_seconds",
      "Time from a proposal to its application.",
      (now) => now.proposal,
    );
    this.#gauge(
      "etcd_server_proposals_committed_total",
      "The last index known to be committed.",
      (now) => now.committedIndex,
    );
    this.#gauge("etcd_server_proposals_applied_total", "The last index applied.", (now) => now.appliedIndex);
  }

  /** Of all messages only appends are timed. */
  #addMessages(): void {
    const labelNames = ["sendingType", "remoteID", "msgType"];
    addHistogram(
      this.#registry,
      {
        name: "etcd_rafthttp_message_sent_latency_seconds",
        help: "Time until the network had taken a message.",
        labelNames,
      },
      () =>
        this.#now.sentAppends
          .filter(({ durations }) => durations.counts.some((count) => count > 0))
          .map((sent) => ({ labels: labelsOf(sent), value: sent.durations })),
    );
    addCounter(
      this.#registry,
      {
        name: "etcd_rafthttp_message_sent_failed_total",
        help: "Messages that could not be sent.",
        labelNames,
      },
      () =>
        this.#now.sentAppends
          .filter(({ failedCount }) => failedCount > 0)
          .map((sent) => ({ labels: labelsOf(sent), value: sent.failedCount })),
    );
  }

  #addDisk(): void {
    this.#histogram(
      "etcd_snapshot_save_marshalling_durations_seconds",
      "Time to encode a snapshot.",
      (now) => now.snapshotEncode,
    );
    this.#histogram(
      "etcd_snapshot_save_total_durations_seconds",
      "Time to encode and save a snapshot.",
      (now) => now.snapshotSave,
    );
    this.#histogram("etcd_wal_fsync_durations_seconds", "Time to sync the log.", (now) => now.walFsync);
    this.#gauge("etcd_wal_last_index_saved", "The last index that is durable.", (now) => now.savedIndex);
  }

  #addStore(): void {
    const labelNames = ["action"];
    addCounter(
      this.#registry,
      { name: "etcd_store_reads_total", help: "Reads asked of this member.", labelNames },
      () => byAction({ get: this.#now.reads, getRecursive: this.#now.recursiveReads }),
    );
    addCounter(
      this.#registry,
      {
        name: "etcd_store_writes_total",
        help: "Writes applied here, the refused ones included; kept in snapshots.",
        labelNames,
      },
      () => byAction(writesOf(this.#now.store)),
    );
    this.#counter(
      "etcd_store_expires_total",
      "Keys expired; kept in snapshots.",
      (now) => now.store.expireCount,
    );
    this.#counter("etcd_store_watch_requests_total", "Watches asked for.", (now) => now.watchRequests);
    this.#gauge("etcd_store_watchers", "Watches that are open.", (now) => now.store.watchers);
  }

  #counter(name: string, help: string, read: (now: ServerMetrics) => number): void {
    addCounter(this.#registry, { name, help }, () => single(read(this.#now)));
  }

  #gauge(name: string, help: string, read: (now: ServerMetrics) => number): void {
    addGauge(this.#registry, { name, help }, () => read(this.#now));
  }

  #histogram(name: string, help: string, read: (now: ServerMetrics) => ServerMetrics["walFsync"]): void {
    addHistogram(this.#registry, { name, help }, () => single(read(this.#now)));
  }
}

function writesOf(store: ServerMetrics["store"]): Readonly<Record<string, number>> {
  return {
    set: store.setsSuccess + store.setsFail,
    create: store.createSuccess + store.createFail,
    update: store.updateSuccess + store.updateFail,
    delete: store.deleteSuccess + store.deleteFail,
    compareAndSwap: store.compareAndSwapSuccess + store.compareAndSwapFail,
    compareAndDelete: store.compareAndDeleteSuccess + store.compareAndDeleteFail,
  };
}

/** As in etcd a series appears with its first event. */
function byAction(counts: Readonly<Record<string, number>>): readonly Series<number>[] {
  return Object.entries(counts)
    .filter(([, value]) => value > 0)
    .map(([action, value]) => ({ labels: { action }, value }));
}

function labelsOf({ sendingType, to }: SentAppends): Readonly<Record<string, string>> {
  return { sendingType, remoteID: to, msgType: "MsgApp" };
}
