// /v2/keys: parse, let the server do it, write what happened (client-api.md §4–§9). A read from
// memory is answered at once; what goes through the log is a promise. Hot path.

import { ErrorCode, EtcdError, type Listing, type StoreEvent } from "@kv/store";
import { HttpBodyError, type HttpHeaders, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import type { Guard } from "../auth/guard.ts";
import type { Result, Server } from "../server-api.ts";
import type { ClientHandlerDeps } from "./client-handler.ts";
import { clusterIdHeader, internalError, JSON_TYPE, keyErrorResponse, methodNotAllowed } from "./errors.ts";
import { invalidForm } from "./key-form.ts";
import { KeyMetrics, type KeyMethodMetrics } from "./key-metrics.ts";
import { Listings } from "./listings.ts";
import { LongValues } from "./long-values.ts";
import { parseMediaType } from "./media-type.ts";
import { parseKeyRequest, type KeyMethod, type KeyRequest } from "./parse-key-request.ts";
import { FanOut } from "./fan-out.ts";
import { WatchBody } from "./watch.ts";
import { keyEventJsonWithoutNodes } from "./write-key-event.ts";

/** The largest form body (client-api.md §4.2). */
const FORM_SIZE_MAX_BYTES = 10_485_760;

const FORM_TYPE = "application/x-www-form-urlencoded";
const ALLOW = "HEAD,GET,PUT,POST,DELETE";

/** Answers `/v2/keys` and everything below. */
export class KeysHandler {
  readonly #server: Server;
  readonly #deps: ClientHandlerDeps;
  readonly #guard: Guard;
  readonly #fanOut = new FanOut();
  readonly #longValues = new LongValues();
  readonly #listings = new Listings();
  readonly #metrics: KeyMetrics;
  readonly #clusterId: readonly [string, string];
  #lastHeaders = { etcdIndex: -1, raftIndex: -1, raftTerm: -1, headers: [] as HttpHeaders };

  constructor(server: Server, deps: ClientHandlerDeps, guard: Guard) {
    this.#server = server;
    this.#deps = deps;
    this.#guard = guard;
    this.#metrics = deps.metrics ?? new KeyMetrics();
    this.#clusterId = clusterIdHeader(server.clusterId);
  }

  /** `key` is the clean path behind `/v2/keys`, decoded. */
  handle(request: HttpRequest, key: string): HttpResponse | Promise<HttpResponse> {
    switch (request.method) {
      case "GET":
      case "HEAD":
      case "DELETE":
        return this.#run(request, request.method, key, null);
      case "PUT":
      case "POST":
        return this.#runWithForm(request, request.method, key);
      default:
        return methodNotAllowed(ALLOW);
    }
  }

  /** Only a form is read; a Content-Type that is none at all is refused. */
  #runWithForm(request: HttpRequest, method: KeyMethod, key: string): HttpResponse | Promise<HttpResponse> {
    const contentType = request.header("content-type") ?? "";
    if (contentType === FORM_TYPE) return this.#readForm(request, method, key);
    if (contentType === "") return this.#run(request, method, key, null);
    const media = parseMediaType(contentType);
    if (media.error !== null) return this.#refuse(invalidForm(media.error));
    return media.type === FORM_TYPE
      ? this.#readForm(request, method, key)
      : this.#run(request, method, key, null);
  }

  /** Most forms have come with their heads; then nothing is promised. */
  #readForm(request: HttpRequest, method: KeyMethod, key: string): HttpResponse | Promise<HttpResponse> {
    let form: string | Promise<string>;
    try {
      form = request.latin1(FORM_SIZE_MAX_BYTES);
    } catch (error) {
      return this.#refuseForm(error);
    }
    if (typeof form === "string") return this.#run(request, method, key, form);
    return form.then(
      (late) => this.#run(request, method, key, late),
      (error: unknown) => this.#refuseForm(error),
    );
  }

  #refuseForm(error: unknown): HttpResponse {
    if (error instanceof HttpBodyError && error.code === "too_large") {
      return this.#refuse(invalidForm("http: POST too large"));
    }
    throw error; // the client is gone: there is nobody to answer
  }

  #run(
    http: HttpRequest,
    method: KeyMethod,
    key: string,
    form: string | null,
  ): HttpResponse | Promise<HttpResponse> {
    try {
      const parsed = parseKeyRequest({ method, key, query: http.query, form }, this.#deps.now);
      if (!this.#guard.isEnabled) return this.#carryOut(http, method, parsed);
      return this.#carryOutIfAllowed(http, method, parsed, key);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** The key is compared as it was sent: `/p/` is not `/p` (client-api.md §14.5). */
  #carryOutIfAllowed(
    http: HttpRequest,
    method: KeyMethod,
    parsed: KeyRequest,
    key: string,
  ): HttpResponse | Promise<HttpResponse> {
    const isAllowed = this.#guard.mayAccess(http.header("authorization"), {
      key,
      isWrite: method !== "GET" && method !== "HEAD",
      recursive: parsed.request.recursive,
    });
    if (isAllowed === true) return this.#carryOut(http, method, parsed);
    if (isAllowed === false) return this.#refuse(unauthorized());
    return isAllowed.then(
      (allowed) => (allowed ? this.#carryOut(http, method, parsed) : this.#refuse(unauthorized())),
      (error: unknown) => this.#refuse(error),
    );
  }

  /** Watches are neither counted nor timed. */
  #carryOut(http: HttpRequest, method: KeyMethod, parsed: KeyRequest): HttpResponse | Promise<HttpResponse> {
    const { request } = parsed;
    const counts = request.wait
      ? null
      : this.#metrics.byMethod[method === "GET" && request.quorum ? "QGET" : method];
    const startMs = performance.now();
    if (counts !== null) counts.received++;
    try {
      const result = this.#server.do(request);
      if (!(result instanceof Promise)) return this.#succeed(http, parsed, result, counts, startMs);
      return result.then(
        (done) => this.#succeed(http, parsed, done, counts, startMs),
        (error: unknown) => this.#fail(error, counts),
      );
    } catch (error) {
      return this.#fail(error, counts);
    }
  }

  #succeed(
    http: HttpRequest,
    parsed: KeyRequest,
    result: Result,
    counts: KeyMethodMetrics | null,
    startMs: number,
  ): HttpResponse | Promise<HttpResponse> {
    const response = this.#answer(http, parsed, result);
    if (response instanceof Promise) return this.#whenPrinted(response, counts, startMs);
    counts?.durations.observe((performance.now() - startMs) / 1_000);
    return response;
  }

  async #whenPrinted(
    printing: Promise<HttpResponse>,
    counts: KeyMethodMetrics | null,
    startMs: number,
  ): Promise<HttpResponse> {
    try {
      const response = await printing;
      counts?.durations.observe((performance.now() - startMs) / 1_000);
      return response;
    } catch (error) {
      return this.#fail(error, counts);
    }
  }

  #fail(error: unknown, counts: KeyMethodMetrics | null): HttpResponse {
    const response = this.#refuse(error);
    counts?.fail(response.status);
    return response;
  }

  #answer(http: HttpRequest, parsed: KeyRequest, result: Result): HttpResponse | Promise<HttpResponse> {
    if (result.watcher !== null) {
      const headers = this.#successHeaders(result.watcher.startIndex);
      const body = new WatchBody(result.watcher, this.#fanOut);
      return { status: 200, headers, body };
    }
    if (result.listing !== null) return this.#list(http, parsed, result.listing);
    const event = result.event;
    return {
      status: event.isCreated() ? 201 : 200,
      headers: this.#successHeaders(event.etcdIndex),
      body: this.#body(parsed, event),
    };
  }

  /** X-Etcd-Index is of the moment that is shown, not of the one in which all of it is printed. */
  #list(
    { signal }: HttpRequest,
    { request: { recursive, sorted } }: KeyRequest,
    listing: Listing,
  ): HttpResponse | Promise<HttpResponse> {
    const headers = this.#successHeaders(listing.index);
    const body = this.#listings.body(listing, { recursive, sorted, signal });
    if (!(body instanceof Promise)) return { status: 200, headers, body };
    return body.then((pieces) => ({ status: 200, headers, body: pieces }));
  }

  #body(parsed: KeyRequest, event: StoreEvent): HttpResponse["body"] {
    return parsed.noValueOnSuccess && isWrite(event)
      ? keyEventJsonWithoutNodes(event)
      : this.#longValues.body(event);
  }

  /** The same list as long as the indexes stand still, so that an engine need not look at it again. */
  #successHeaders(etcdIndex: number): HttpHeaders {
    const { raftIndex, raftTerm } = this.#server;
    const last = this.#lastHeaders;
    if (etcdIndex === last.etcdIndex && raftIndex === last.raftIndex && raftTerm === last.raftTerm) {
      return last.headers;
    }
    const headers: HttpHeaders = [
      JSON_TYPE,
      this.#clusterId,
      ["X-Etcd-Index", String(etcdIndex)],
      ["X-Raft-Index", String(raftIndex)],
      ["X-Raft-Term", String(raftTerm)],
    ];
    this.#lastHeaders = { etcdIndex, raftIndex, raftTerm, headers };
    return headers;
  }

  #refuse(error: unknown): HttpResponse {
    if (error instanceof EtcdError) return keyErrorResponse(error, this.#server.clusterId);
    this.#deps.logger.error("key request failed unexpectedly", { error: String(error) });
    return internalError([this.#clusterId]);
  }
}

function unauthorized(): EtcdError {
  return new EtcdError(ErrorCode.Unauthorized, "Insufficient credentials", 0);
}

/** The actions that `noValueOnSuccess` shortens; deletions keep their nodes. */
function isWrite(event: StoreEvent): boolean {
  const action = event.action;
  return action === "set" || action === "create" || action === "update" || action === "compareAndSwap";
}
