// GET /metrics: what the process and its member have counted, for Prometheus (operations.md §2).

import type { HttpHandler } from "@kv/rafthttp/http";
import { methodNotAllowed } from "./errors.ts";
import type { ProcessView } from "./process-view.ts";

const PROMETHEUS_TYPE = ["Content-Type", "text/plain; version=0.0.4"] as const;

/** Answers `/metrics`. */
export function metricsHandler(view: Pick<ProcessView, "metrics">): HttpHandler {
  return async (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    return { status: 200, headers: [PROMETHEUS_TYPE], body: await view.metrics() };
  };
}
