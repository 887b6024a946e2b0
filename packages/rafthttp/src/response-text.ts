// Answers of other members, read up to a limit.

import { TransportError } from "./errors.ts";

/** What an answer that is only shown to people may have. */
const ERROR_TEXT_LIMIT_BYTES = 4096;

/**
 * The whole body as text.
 *
 * @throws {TransportError} E_TOO_LARGE beyond `limitBytes`; the connection is then given up.
 */
export async function readText(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number = ERROR_TEXT_LIMIT_BYTES,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes)
      throw new TransportError("E_TOO_LARGE", `an answer is larger than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
