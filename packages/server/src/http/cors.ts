// Cross-origin access for browsers: headers around every answer of another handler (client-api.md §15).

import type { HttpHandler, HttpHeaders, HttpResponse } from "@kv/rafthttp/http";

const ANY = "*";

/**
 * Wraps `handler` so that browsers may call it from `origins`: exact texts, or `*` for all.
 * Without origins it is `handler` itself. The request is passed on in any case: who is refused is the browser's business.
 */
export function withCors(handler: HttpHandler, origins: readonly string[]): HttpHandler {
  if (origins.length === 0) return handler;
  const headersOf = originHeaders(origins);
  return (request) => {
    const headers = headersOf(request.header("origin") ?? "");
    const response = handler(request);
    if (headers === null) return response;
    return response instanceof Promise
      ? response.then((later) => withHeaders(later, headers))
      : withHeaders(response, headers);
  };
}

/** From the Origin of a request to the headers of its answer; null when there are none. */
function originHeaders(origins: readonly string[]): (origin: string) => HttpHeaders | null {
  if (origins.includes(ANY)) {
    const forAll = corsHeaders(ANY);
    return () => forAll;
  }
  const known = new Map(origins.map((origin) => [origin, corsHeaders(origin)]));
  return (origin) => known.get(origin) ?? null;
}

function corsHeaders(origin: string): HttpHeaders {
  return [
    ["Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE"],
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Headers", "accept, content-type, authorization"],
  ];
}

function withHeaders(response: HttpResponse, added: HttpHeaders): HttpResponse {
  return { status: response.status, headers: [...response.headers, ...added], body: response.body };
}
