// Pages that the engine answers by itself, when a request never reaches a handler. The bytes behind
// such a request cannot be trusted: the connection ends (client-api.md §2).

import type { HttpResponse } from "@kv/rafthttp/http";

/** Why a connection is ended with a page instead of an answer. */
export type RefusalStatus = 400 | 408 | 431 | 501 | 505;

const REASONS: Readonly<Record<RefusalStatus, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  505: "HTTP Version Not Supported",
};

/** Head and body of the page; without a Date, as Go's server writes it. */
export function refusalPage(status: RefusalStatus): string {
  const line = `${status} ${REASONS[status]}`;
  return `HTTP/1.1 ${line}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${line}`;
}

/** The answer when a handler fails; it says nothing about why. */
export const INTERNAL_ERROR: HttpResponse = {
  status: 500,
  headers: [["Content-Type", "text/plain; charset=utf-8"]],
  body: "Internal Server Error\n",
};

/** The answer to `OPTIONS *`. */
export const SERVER_OPTIONS: HttpResponse = { status: 200, headers: [], body: null };

/** The answer to an expectation that is not 100-continue. */
export const EXPECTATION_FAILED: HttpResponse = { status: 417, headers: [], body: null };
