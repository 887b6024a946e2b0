// PUT /config/local/log: how much is logged, changed while the process runs (client-api.md §13).

import { HttpBodyError, type HttpHandler, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import { z } from "zod";
import type { Guard } from "../auth/guard.ts";
import type { Logger } from "../logger.ts";
import { messageResponse, methodNotAllowed, noRootResponse } from "./errors.ts";
import type { ProcessView } from "./process-view.ts";

const BODY_SIZE_MAX_BYTES = 65_536;

const NO_CONTENT: HttpResponse = { status: 204, headers: [], body: null };

/** An object whose member `level`, in any case, is a text; null and nothing count as the empty one. */
const schema = z
  .record(z.string(), z.unknown())
  .nullable()
  .transform((object) => Object.entries(object ?? {}).findLast(([name]) => name.toLowerCase() === "level"))
  .transform((member) => member?.[1] ?? "")
  .pipe(z.string());

/** Answers `/config/local/log`. With authentication on only to root, unlike etcd 2.3.8 (client-api.md §18). */
export function logLevelHandler(
  view: Pick<ProcessView, "setLogLevel">,
  deps: { readonly logger: Logger; readonly guard: Pick<Guard, "isRoot"> },
): HttpHandler {
  return async (request) => {
    if (request.method !== "PUT") return methodNotAllowed("PUT");
    if (!(await deps.guard.isRoot(request.header("authorization")))) return noRootResponse();
    const word = await readLevel(request);
    if (word === null) return messageResponse(400, "Invalid json body");
    const level = view.setLogLevel(word);
    if (level === null) return messageResponse(400, `Invalid log level ${word}`);
    deps.logger.notice(`globalLogLevel set to "${level}"`);
    return NO_CONTENT;
  };
}

/** null when the body is not as it must be. */
async function readLevel(request: HttpRequest): Promise<string | null> {
  try {
    const body = await request.body(BODY_SIZE_MAX_BYTES);
    return schema.safeParse(JSON.parse(Buffer.from(body).toString("utf8"))).data ?? null;
  } catch (error) {
    const isTooLarge = error instanceof HttpBodyError && error.code === "too_large";
    if (isTooLarge || error instanceof SyntaxError) return null;
    throw error; // the client is gone
  }
}
