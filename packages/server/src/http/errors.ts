// The one place where refusals become answers: the JSON shape of keys, the message shape of the
// other resources, and plain pages (client-api.md §1, §6, §10). Everything unexpected is a 500
// without details, and a log line.

import { quoteJson, statusOf, type EtcdError } from "@kv/store";
import type { HttpHeaders, HttpResponse } from "@kv/rafthttp/http";
import { KEYS_NAMESPACE } from "./parse-key-request.ts";

/** The content type of everything in JSON. */
export const JSON_TYPE: readonly [string, string] = ["Content-Type", "application/json"];

/** The content type of everything else. */
export const TEXT_TYPE: readonly [string, string] = ["Content-Type", "text/plain; charset=utf-8"];

const NO_SNIFF: readonly [string, string] = ["X-Content-Type-Options", "nosniff"];

/** The header that names the cluster. */
export function clusterIdHeader(clusterId: string): readonly [string, string] {
  return ["X-Etcd-Cluster-Id", clusterId];
}

/** A page of plain text that says why. */
export function textResponse(status: number, text: string): HttpResponse {
  return { status, headers: [TEXT_TYPE, NO_SNIFF], body: `${text}\n` };
}

const NOT_FOUND = textResponse(404, "404 page not found");

/** For a path that means nothing. */
export function notFound(): HttpResponse {
  return NOT_FOUND;
}

/** For a method that a resource does not have; `allow` lists those that it has, in etcd's order. */
export function methodNotAllowed(allow: string): HttpResponse {
  return { status: 405, headers: [["Allow", allow], TEXT_TYPE, NO_SNIFF], body: "Method Not Allowed\n" };
}

/** For a resource that has the method, but not at this path: without a list of methods. */
export function methodNotAllowedHere(headers: HttpHeaders): HttpResponse {
  return { status: 405, headers: [TEXT_TYPE, NO_SNIFF, ...headers], body: "Method Not Allowed\n" };
}

/** `{"message":"…"}`, the error shape of everything but keys. */
export function messageResponse(status: number, message: string, headers: HttpHeaders = []): HttpResponse {
  return { status, headers: [JSON_TYPE, ...headers], body: `{"message":${quoteJson(message)}}` };
}

/** For who would have to be root. */
export function noRootResponse(): HttpResponse {
  return messageResponse(401, "Insufficient credentials");
}

/** For a failure that is none of the client's business. */
export function internalError(headers: HttpHeaders = []): HttpResponse {
  return messageResponse(500, "Internal Server Error", headers);
}

/** A refused key request. Clients do not see the namespace that the cause may start with. */
export function keyErrorResponse(error: EtcdError, clusterId: string): HttpResponse {
  const cause = error.etcdCause.startsWith(KEYS_NAMESPACE)
    ? error.etcdCause.slice(KEYS_NAMESPACE.length)
    : error.etcdCause;
  const causeMember = cause === "" ? "" : `,"cause":${quoteJson(cause)}`;
  return {
    status: statusOf(error.errorCode),
    headers: [JSON_TYPE, clusterIdHeader(clusterId), ["X-Etcd-Index", String(error.index)]],
    body: `{"errorCode":${error.errorCode},"message":${quoteJson(error.message)}${causeMember},"index":${error.index}}\n`,
  };
}
