// GET /v2/machines: the client URLs of all members, for clients older than /v2/members
// (client-api.md §13).

import type { HttpHandler } from "@kv/rafthttp/http";
import type { Server } from "../server-api.ts";
import { compareBytewise } from "../urls.ts";
import { methodNotAllowed, TEXT_TYPE } from "./errors.ts";

/** Answers `/v2/machines`. */
export function machinesHandler(server: Server): HttpHandler {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed("GET,HEAD");
    const urls = server.members().flatMap((member) => member.clientUrls);
    return { status: 200, headers: [TEXT_TYPE], body: urls.toSorted(compareBytewise).join(", ") };
  };
}
