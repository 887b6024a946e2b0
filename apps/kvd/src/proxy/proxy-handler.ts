// What a proxy answers: a page of its own, refusals, and for all the rest what a member answers.
// Spec: cluster.md §13.

import { HttpBodyError } from "@kv/rafthttp/http";
import type { HttpHandler, HttpRequest, HttpResponse } from "@kv/rafthttp/http";
import type { Logger } from "../logger.ts";
import type { ProxyEndpoints } from "./endpoints.ts";
import { UpstreamError } from "./upstream.ts";
import type { Upstream } from "./upstream.ts";

/** What a proxy's handler is made of. */
export interface ProxyHandlerDeps {
  readonly endpoints: Pick<ProxyEndpoints, "available" | "markFailed">;
  readonly upstream: Pick<Upstream, "send">;
  /** Refuses everything but GET. */
  readonly isReadonly: boolean;
  readonly logger: Logger;
}

/** A body is kept until a member has it: it may have to be sent to the next one. */
const BODY_LIMIT_BYTES = 67_108_864;
const CONFIG_PATH = "/v2/config/local/proxy";
const TEXT_TYPE = ["Content-Type", "text/plain; charset=utf-8"] as const;
const JSON_TYPE = ["Content-Type", "application/json"] as const;
const NO_SNIFF = ["X-Content-Type-Options", "nosniff"] as const;

/** Makes the handler of a proxy. */
export function proxyHandler(deps: ProxyHandlerDeps): HttpHandler {
  return (request) => {
    if (deps.isReadonly && request.method !== "GET") return { status: 501, headers: [], body: null };
    if (request.path === CONFIG_PATH) return answerConfig(request, deps.endpoints.available);
    // A member's figures would be taken for the proxy's.
    if (request.path === "/metrics") return notFound();
    return forward(request, deps);
  };
}

async function forward(request: HttpRequest, deps: ProxyHandlerDeps): Promise<HttpResponse> {
  const candidates = deps.endpoints.available;
  if (candidates.length === 0) return failure(503, "zero endpoints currently available");
  let body: Uint8Array;
  try {
    body = await request.body(BODY_LIMIT_BYTES);
  } catch (error) {
    if (!(error instanceof HttpBodyError) || error.code !== "too_large") throw error;
    return failure(500, error.message);
  }
  let triedCount = 0;
  for (const endpoint of candidates) {
    triedCount++;
    try {
      // One after the other: the next is asked only when this one failed.
      return await deps.upstream.send(endpoint, request, body);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      deps.logger.warn(`failed to direct request to ${endpoint}: ${error.message}`);
      deps.endpoints.markFailed(endpoint);
      // What may have been written must not be written again: who asked has to decide.
      if (error.mayHaveBeenSent && !isSafe(request.method)) break;
    }
  }
  return failure(502, `unable to get response from ${triedCount} endpoint(s)`);
}

function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function answerConfig(request: HttpRequest, endpoints: readonly string[]): HttpResponse {
  if (request.method !== "GET") {
    return { status: 405, headers: [["Allow", "GET"], TEXT_TYPE, NO_SNIFF], body: "Method Not Allowed\n" };
  }
  return { status: 200, headers: [TEXT_TYPE], body: `${JSON.stringify({ endpoints })}\n` };
}

function notFound(): HttpResponse {
  return { status: 404, headers: [TEXT_TYPE, NO_SNIFF], body: "404 page not found\n" };
}

function failure(status: number, reason: string): HttpResponse {
  return { status, headers: [JSON_TYPE], body: JSON.stringify({ message: `proxy: ${reason}` }) };
}
