// /v2/stats/self, /v2/stats/leader and /v2/stats/store (client-api.md §12).

import { quoteJson, type StoreStats } from "@kv/store";
import type { HttpHandler, HttpResponse } from "@kv/rafthttp/http";
import type { FollowerStats, SelfStats, Server } from "../server-api.ts";
import { compareBytewise } from "../urls.ts";
import { JSON_TYPE, messageResponse, methodNotAllowed } from "./errors.ts";
import { formatDuration, formatLocalTime } from "./go-text.ts";

/** The order in which etcd prints them. */
const STORE_STAT_NAMES: readonly (keyof StoreStats)[] = [
  "getsSuccess",
  "getsFail",
  "setsSuccess",
  "setsFail",
  "deleteSuccess",
  "deleteFail",
  "updateSuccess",
  "updateFail",
  "createSuccess",
  "createFail",
  "compareAndSwapSuccess",
  "compareAndSwapFail",
  "compareAndDeleteSuccess",
  "compareAndDeleteFail",
  "expireCount",
  "watchers",
];

/** Answers `/v2/stats/self`. */
export function selfStatsHandler(server: Server, deps: { readonly now: () => bigint }): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    const nowMs = Number(deps.now() / 1_000_000n);
    return json(selfStatsJson(server.selfStats(), nowMs));
  };
}

/** Answers `/v2/stats/leader`; only the leader has them. */
export function leaderStatsHandler(server: Server): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    const followers = server.leaderStats();
    if (followers === null) return messageResponse(403, "not current leader");
    const listed = [...followers]
      .toSorted(([a], [b]) => compareBytewise(a, b))
      .map(([id, stats]) => `"${id}":${followerJson(stats)}`);
    return json(`{"leader":"${server.id}","followers":{${listed.join(",")}}}`);
  };
}

/** Answers `/v2/stats/store`. */
export function storeStatsHandler(server: Server): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    const stats = server.storeStats();
    return json(`{${STORE_STAT_NAMES.map((name) => `"${name}":${stats[name]}`).join(",")}}`);
  };
}

function json(body: string): HttpResponse {
  return { status: 200, headers: [JSON_TYPE], body };
}

/** Rates are left out while they are 0. */
function selfStatsJson(stats: SelfStats, nowMs: number): string {
  const uptimeMs = Math.max(0, nowMs - stats.leaderStartTimeMs);
  return (
    `{"name":${quoteJson(stats.name)},"id":"${stats.id}","state":"${stats.state}"` +
    `,"startTime":"${formatLocalTime(stats.startTimeMs)}"` +
    `,"leaderInfo":{"leader":"${stats.leader}","uptime":"${formatDuration(uptimeMs)}"` +
    `,"startTime":"${formatLocalTime(stats.leaderStartTimeMs)}"}` +
    `,"recvAppendRequestCnt":${stats.recvAppendRequestCount}` +
    rateJson("recvPkgRate", stats.recvPackageRate) +
    rateJson("recvBandwidthRate", stats.recvBandwidthRate) +
    `,"sendAppendRequestCnt":${stats.sendAppendRequestCount}` +
    rateJson("sendPkgRate", stats.sendPackageRate) +
    `${rateJson("sendBandwidthRate", stats.sendBandwidthRate)}}`
  );
}

function rateJson(name: string, rate: number): string {
  return rate === 0 ? "" : `,"${name}":${rate}`;
}

function followerJson(stats: FollowerStats): string {
  const { current, average, standardDeviation, minimum, maximum } = stats.latency;
  return (
    `{"latency":{"current":${current},"average":${average},"standardDeviation":${standardDeviation}` +
    `,"minimum":${minimum},"maximum":${maximum}},"counts":{"fail":${stats.fail},"success":${stats.success}}}`
  );
}
