// A message as the body of a request without a second copy of what is large in it: a snapshot is sent
// from where it lies, to several followers at a time if need be.

import type { Message } from "@kv/raft";
import { writeMessage, Writer } from "@kv/raft/codec";

/** Bytes handed to the network at a time; smaller byte fields are copied together. */
const SLICE_BYTES = 256 * 1024;

/** The bytes of `encodeMessage` in slices; large ones are views of the message's own bytes. */
export function* messageSlices(message: Message): Generator<Uint8Array, void, undefined> {
  const writer = new PieceWriter();
  writeMessage(writer, message);
  for (const piece of writer.finish()) {
    for (let start = 0; start < piece.length; start += SLICE_BYTES) {
      yield piece.subarray(start, start + SLICE_BYTES);
    }
  }
}

// Whatever writes into it, large bytes are set aside instead of being copied.
class PieceWriter extends Writer {
  readonly #pieces: Uint8Array[] = [];

  override raw(value: Uint8Array): void {
    if (value.length < SLICE_BYTES) super.raw(value);
    else this.#pieces.push(this.take(), value);
  }

  finish(): readonly Uint8Array[] {
    this.#pieces.push(this.take());
    return this.#pieces;
  }
}
