// GET /version: this server's version and the cluster's (client-api.md §13, peer-protocol.md §1).
// The same on the client port and on the peer port.

import type { HttpHandler } from "@kv/rafthttp/http";
import type { Server } from "../server-api.ts";
import { JSON_TYPE, methodNotAllowed } from "./errors.ts";

/** Answers `/version`. */
export function versionHandler(server: Pick<Server, "version" | "clusterVersion">): HttpHandler {
  return (request) => {
    if (request.method !== "GET") return methodNotAllowed("GET");
    const cluster = server.clusterVersion ?? "not_decided";
    return {
      status: 200,
      headers: [JSON_TYPE],
      body: `{"etcdserver":"${server.version}","etcdcluster":"${cluster}"}`,
    };
  };
}
