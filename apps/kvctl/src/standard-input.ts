// What is read from standard input: values that are not given as arguments, lines, passwords and answers.

import { argumentError } from "./errors.ts";

// The server refuses a longer form (client-api.md §4.2).
const VALUE_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Standard input to its end, byte for byte.
 *
 * @throws {KvctlError} E_ARGUMENT if it is empty or too long for a value
 */
export async function readValue(input: AsyncIterable<unknown> = process.stdin): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("standard input gives bytes");
    length += chunk.length;
    if (length > VALUE_LIMIT_BYTES) throw argumentError(`value is longer than ${VALUE_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) throw argumentError("value required");
  return Buffer.concat(chunks, length);
}

/** The lines of standard input, without their line feeds; other separators stay, JSON may hold them as they are. */
export async function* readLines(
  input: AsyncIterable<unknown> = process.stdin,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("standard input gives bytes");
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

/** One line of standard input, not echoed on a terminal. `show` prints the prompt, and the end of its line there. */
export async function readPassword(prompt: string, show: (text: string) => void): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  // With no output the terminal's line editor echoes nothing. The prompt comes second: what is typed at once,
  // or pasted, must not be seen either.
  const lines = createInterface({ input: process.stdin, terminal: process.stdin.isTTY });
  show(prompt);
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    if (process.stdin.isTTY) show("\n");
    lines.close();
    process.stdin.unref();
  }
}

/** Asks on the terminal that standard error is; only y and yes are a yes; the end of input and an interrupt are a no. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  lines.once("close", () => closed.abort());
  try {
    return /^y(?:es)?$/i.test((await lines.question(question, { signal: closed.signal })).trim());
  } catch (error) {
    if (closed.signal.aborted) return false;
    throw error;
  } finally {
    lines.close();
    process.stdin.unref();
  }
}
