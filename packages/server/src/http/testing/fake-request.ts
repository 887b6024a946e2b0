// A request without a socket, for tests of handlers.

import type { HttpRequest, HttpResponse } from "@kv/rafthttp/http";
import { parseTarget } from "../engine/target.ts";

/** What a test says about a request; the rest is empty. */
export interface FakeRequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form unless `headers` say otherwise. */
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** A request as an engine would make it from a request line. */
export function fakeRequest(method: string, url: string, options: FakeRequestOptions = {}): HttpRequest {
  const target = parseTarget(url);
  if (target === null) throw new Error(`not a target: ${url}`);
  const form = options.body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
  const headers: Readonly<Record<string, string>> = { ...form, ...options.headers };
  const bytes = Buffer.from(options.body ?? "");
  return {
    method,
    path: target.path,
    rawPath: target.rawPath,
    query: target.query,
    header: (name) => headers[name],
    headers: Object.entries(headers),
    body: () => Promise.resolve(bytes),
    latin1: () => Promise.resolve(bytes.toString("latin1")),
    chunks: (async function* () {
      yield bytes;
    })(),
    remote: { address: "127.0.0.1" },
    signal: options.signal ?? new AbortController().signal,
  };
}

/** The first value of a response header, by its exact name. */
export function headerOf(response: HttpResponse, name: string): string | undefined {
  return response.headers.find(([candidate]) => candidate === name)?.[1];
}

/** A whole body as text. */
export async function bodyOf(response: HttpResponse): Promise<string> {
  if (response.body === null) return "";
  if (typeof response.body === "string") return response.body;
  if (response.body instanceof Uint8Array) return Buffer.from(response.body).toString("utf8");
  if (Array.isArray(response.body)) {
    const pieces: readonly (string | Uint8Array)[] = response.body;
    return Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString("utf8");
  }
  let text = "";
  for await (const piece of response.body)
    text += typeof piece === "string" ? piece : Buffer.from(piece).toString("utf8");
  return text;
}
