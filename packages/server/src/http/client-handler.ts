// The client port: from path to resource (client-api.md §1). A handler without state; what wraps
// all answers, as CORS does, is a function from HttpHandler to HttpHandler around it. Hot path.

import type { HttpHandler, HttpRequest, HttpResponse } from "@kv/rafthttp/http";
import { AuthStore } from "../auth/auth-store.ts";
import { Guard } from "../auth/guard.ts";
import { nativeBcrypt, Passwords } from "../auth/passwords.ts";
import type { Logger } from "../logger.ts";
import type { Server } from "../server-api.ts";
import { AuthHandler } from "./auth.ts";
import { isCleanPath, redirectToCleanPath } from "./clean-path.ts";
import { debugVarsHandler } from "./debug-vars.ts";
import { notFound } from "./errors.ts";
import { healthHandler } from "./health.ts";
import type { KeyMetrics } from "./key-metrics.ts";
import { KeysHandler } from "./keys.ts";
import { logLevelHandler } from "./log-level.ts";
import { machinesHandler } from "./machines.ts";
import { metricsHandler } from "./metrics.ts";
import { MembersHandler } from "./members.ts";
import type { ProcessView } from "./process-view.ts";
import { leaderStatsHandler, selfStatsHandler, storeStatsHandler } from "./stats.ts";
import { versionHandler } from "./version.ts";

/** What the handlers need beside the server. */
export interface ClientHandlerDeps {
  /** The wall clock in Unix nanoseconds: what a TTL is counted from. */
  readonly now: () => bigint;
  readonly logger: Logger;
  /** The process around the member; without one `/metrics`, `/debug/vars` and `/config/local/log` do not exist. */
  readonly process?: ProcessView;
  /** Where key requests are counted. */
  readonly metrics?: KeyMetrics;
}

const KEYS = "/v2/keys";
const MEMBERS = "/v2/members";
const AUTH = "/v2/auth";

/**
 * The handler of the client port.
 *
 * Reads of keys are answered at once, without a promise.
 */
export function clientHandler(server: Server, deps: ClientHandlerDeps): HttpHandler {
  const { logger } = deps;
  const passwords = new Passwords(nativeBcrypt);
  const authStore = new AuthStore(server, passwords);
  const guard = new Guard(authStore, passwords);
  const keys = new KeysHandler(server, deps, guard);
  const members = new MembersHandler(server, { logger, guard });
  const auth = new AuthHandler(server, { store: authStore, guard, logger });
  const exact = new Map<string, HttpHandler>([
    ["/v2/stats/self", selfStatsHandler(server, deps)],
    ["/v2/stats/leader", leaderStatsHandler(server)],
    ["/v2/stats/store", storeStatsHandler(server)],
    ["/v2/machines", machinesHandler(server)],
    ["/version", versionHandler(server)],
    ["/health", healthHandler(server)],
  ]);
  if (deps.process !== undefined) {
    exact.set("/metrics", metricsHandler(deps.process));
    exact.set("/debug/vars", debugVarsHandler(server, deps.process));
    exact.set("/config/local/log", logLevelHandler(deps.process, { logger, guard }));
  }

  return (request: HttpRequest): HttpResponse | Promise<HttpResponse> => {
    if (request.method === "OPTIONS") return OPTIONS_RESPONSE;
    const path = request.path;
    if (!isCleanPath(path)) return redirectToCleanPath(request);
    if (isAtOrBelow(path, KEYS)) return keys.handle(request, path.slice(KEYS.length));
    if (isAtOrBelow(path, MEMBERS)) return members.handle(request, path.slice(MEMBERS.length));
    if (isAtOrBelow(path, AUTH)) return auth.handle(request, path.slice(AUTH.length));
    return exact.get(path)?.(request) ?? notFound();
  };
}

/** OPTIONS ends here for every path, known or not (client-api.md §15). */
const OPTIONS_RESPONSE: HttpResponse = { status: 200, headers: [], body: null };

function isAtOrBelow(path: string, resource: string): boolean {
  return path.startsWith(resource) && (path.length === resource.length || path[resource.length] === "/");
}
