// Standard output or standard error, written at once. Node's own streams take 4 to 9 ms to load, and with nothing
// left to be written the program can end where its work does.

import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { KvctlError } from "./errors.ts";

/** What a {@link StandardStream} needs. */
export interface StandardStreamOptions {
  readonly fd: number;
  /** Node's stream on it, for a reader that has to be waited for. */
  readonly openStream: () => Writable;
  /** Called when nobody reads any more; what is written is lost from then on. */
  readonly onReaderGone: () => void;
  /** What else can fail: a full disk, a descriptor that is closed. Called once for each time. */
  readonly onFailure: (error: KvctlError) => void;
}

/** Writes text to a file descriptor. */
export class StandardStream {
  readonly #options: StandardStreamOptions;
  #stream: Writable | null = null;

  constructor(options: StandardStreamOptions) {
    this.#options = options;
  }

  write(text: string): void {
    if (this.#stream === null) this.#writeNow(Buffer.from(text, "utf8"));
    else this.#stream.write(text);
  }

  /** From now on a reader that does not read holds up nothing but the text. */
  neverBlock(): void {
    this.#stream ??= this.#options.openStream().on("error", (error) => this.#fail(error));
  }

  /** Resolves when all is written, or failed. */
  async written(): Promise<void> {
    const stream = this.#stream;
    if (stream !== null) await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }

  #writeNow(bytes: Buffer): void {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#options.fd, rest));
    } catch (cause) {
      if (errorCode(cause) !== "EAGAIN") {
        this.#fail(cause);
        return;
      }
      // The descriptor is shared with somebody who does not want to be blocked by it.
      this.neverBlock();
      this.#stream?.write(rest);
    }
  }

  #fail(cause: unknown): void {
    if (errorCode(cause) === "EPIPE") {
      this.#options.onReaderGone();
      return;
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Error:  what there is to say cannot be written: ${reason}`;
    this.#options.onFailure(new KvctlError("E_FILE", message, { cause }));
  }
}

function errorCode(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : null;
}
