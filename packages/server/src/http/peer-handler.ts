// The peer port: the member list and the version for members that join, the transport for the rest
// (peer-protocol.md §1). Ids are bare 64-bit numbers here, unlike everywhere in the client API.

import type { HttpHandler } from "@kv/rafthttp/http";
import { bytesToText } from "@kv/store";
import { encodeMemberContext } from "../member.ts";
import type { Member, Server } from "../server-api.ts";
import { clusterIdHeader, JSON_TYPE, methodNotAllowed } from "./errors.ts";
import { versionHandler } from "./version.ts";

/** The handler of the peer port; `transport` answers every other path, unknown ones too. */
export function peerHandler(
  server: Pick<Server, "clusterId" | "version" | "clusterVersion" | "members">,
  transport: HttpHandler,
): HttpHandler {
  const version = versionHandler(server);
  return (request) => {
    if (request.path === "/version") return version(request);
    if (request.path !== "/members") return transport(request);
    if (request.method !== "GET") return methodNotAllowed("GET");
    return {
      status: 200,
      headers: [JSON_TYPE, clusterIdHeader(server.clusterId)],
      body: `[${server.members().map(peerMemberJson).join(",")}]\n`,
    };
  };
}

/** The same text as in the context of a configuration change. */
function peerMemberJson(member: Member): string {
  return bytesToText(encodeMemberContext(member));
}
