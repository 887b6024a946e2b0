// GET /health: whether this member has a leader and its log moves (client-api.md §13). Answered from
// what the server knows, at once; 2.3.8 takes 250 ms to find out (client-api.md §18).

import type { HttpHandler } from "@kv/rafthttp/http";
import type { Server } from "../server-api.ts";
import { methodNotAllowed, TEXT_TYPE, textResponse } from "./errors.ts";

/** Answers `/health`. */
export function healthHandler(server: Server): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    if (!server.isHealthy()) return textResponse(503, '{"health": "false"}');
    return { status: 200, headers: [TEXT_TYPE], body: '{"health": "true"}' };
  };
}
