// The body of a membership change: `{"peerURLs":["…"]}` (client-api.md §11).

import { z } from "zod";
import { parseUrls, UrlError } from "../urls.ts";

/** A body that cannot be used. The message is for the client. */
export class MemberRequestError extends Error {
  override readonly name = "MemberRequestError";
}

// Null where a list or a text could be is the same as nothing, as it is for Go's decoder.
const schema = z
  .array(
    z
      .string()
      .nullable()
      .transform((url) => url ?? ""),
  )
  .nullish();

/**
 * Reads the peer URLs of a membership change, checked and sorted.
 *
 * Names of JSON members are compared without regard to case and unknown ones are ignored, as etcd does.
 *
 * @throws {MemberRequestError}
 */
export function parseMemberRequest(body: Uint8Array): readonly string[] {
  const urls = schema.safeParse(peerUrlsOf(parseObject(body)));
  if (!urls.success)
    throw new MemberRequestError("json: cannot unmarshal peerURLs: a list of strings is wanted");
  try {
    return parseUrls(urls.data ?? []);
  } catch (error) {
    if (error instanceof UrlError) throw new MemberRequestError(error.message, { cause: error });
    throw error;
  }
}

/** Null is an object without members. */
function parseObject(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) throw new MemberRequestError("unexpected end of JSON input");
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (error) {
    throw new MemberRequestError("invalid JSON in request body", { cause: error });
  }
  const object = z.record(z.string(), z.unknown()).nullable().safeParse(parsed);
  if (!object.success)
    throw new MemberRequestError("json: cannot unmarshal request body: an object is wanted");
  return object.data ?? {};
}

/** The last member that is called so, in any case. */
function peerUrlsOf(object: Record<string, unknown>): unknown {
  let urls: unknown = null;
  for (const [name, value] of Object.entries(object)) {
    if (name.toLowerCase() === "peerurls") urls = value;
  }
  return urls;
}
