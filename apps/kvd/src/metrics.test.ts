import { KeyMetrics } from "@kv/server";
import type { DurationHistogram, SentAppends, ServerMetrics } from "@kv/server";
import { expect, test } from "vitest";
import { MetricsPage } from "./metrics.ts";

const B = "b" as SentAppends["to"];

/** Three durations: two in the first bucket, one above all. */
function histogram(): DurationHistogram {
  const { durations } = new KeyMetrics().byMethod.GET;
  for (const seconds of [0.0001, 0.0002, 100]) durations.observe(seconds);
  return durations;
}

function figures(): ServerMetrics {
  return {
    walFsync: histogram(),
    snapshotEncode: histogram(),
    snapshotSave: histogram(),
    proposal: histogram(),
    proposalsPending: 3,
    proposalsFailed: 4,
    hasLeader: true,
    leaderChanges: 5,
    isModern: true,
    savedIndex: 6,
    committedIndex: 7,
    appliedIndex: 8,
    reads: 9,
    recursiveReads: 0,
    watchRequests: 10,
    sentAppends: [
      { to: B, sendingType: "msgappv2", durations: histogram(), failedCount: 0 },
      { to: B, sendingType: "pipeline", durations: new KeyMetrics().byMethod.GET.durations, failedCount: 2 },
    ],
    store: {
      getsSuccess: 1,
      getsFail: 1,
      setsSuccess: 11,
      setsFail: 1,
      deleteSuccess: 0,
      deleteFail: 0,
      updateSuccess: 0,
      updateFail: 0,
      createSuccess: 0,
      createFail: 2,
      compareAndSwapSuccess: 0,
      compareAndSwapFail: 0,
      compareAndDeleteSuccess: 0,
      compareAndDeleteFail: 0,
      expireCount: 13,
      watchers: 14,
    },
  };
}

test("the page shows etcd's names with what was counted", async () => {
  const keys = new KeyMetrics();
  keys.byMethod.PUT.received = 2;
  keys.byMethod.PUT.fail(404);

  const text = await new MetricsPage({ metrics: figures }, keys).text();

  for (const line of [
    "# TYPE etcd_http_received_total counter",
    'etcd_http_received_total{method="PUT"} 2',
    'etcd_http_failed_total{code="404",method="PUT"} 1',
    "etcd_server_has_leader 1",
    "etcd_server_leader_changes_seen_total 5",
    "kv_server_raft_modern 1",
    "etcd_server_pending_proposal_total 3",
    "etcd_server_proposal_failed_total 4",
    "# TYPE etcd_wal_fsync_durations_seconds histogram",
    'etcd_wal_fsync_durations_seconds_bucket{le="0.0005"} 2',
    'etcd_wal_fsync_durations_seconds_bucket{le="2.048"} 2',
    'etcd_wal_fsync_durations_seconds_bucket{le="+Inf"} 3',
    "etcd_wal_fsync_durations_seconds_count 3",
    "etcd_wal_last_index_saved 6",
    'etcd_store_reads_total{action="get"} 9',
    'etcd_store_writes_total{action="set"} 12',
    'etcd_store_writes_total{action="create"} 2',
    "etcd_store_expires_total 13",
    "etcd_store_watch_requests_total 10",
    "etcd_store_watchers 14",
    'etcd_rafthttp_message_sent_latency_seconds_count{sendingType="msgappv2",remoteID="b",msgType="MsgApp"} 3',
    'etcd_rafthttp_message_sent_failed_total{sendingType="pipeline",remoteID="b",msgType="MsgApp"} 2',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect(text).toMatch(/^etcd_wal_fsync_durations_seconds_sum 100\.000/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test("a series without an event is not shown", async () => {
  const text = await new MetricsPage({ metrics: figures }, new KeyMetrics()).text();

  expect(text).not.toMatch(/^etcd_http_received_total/m);
  expect(text).not.toContain('action="delete"');
  expect(text).not.toContain('action="getRecursive"');
});

test("every scrape looks again", async () => {
  let appliedIndex = 1;
  const page = new MetricsPage({ metrics: () => ({ ...figures(), appliedIndex }) }, new KeyMetrics());
  await page.text();

  appliedIndex = 2;

  expect(await page.text()).toMatch(/^etcd_server_proposals_applied_total 2$/m);
});
