// What leaves a connection. Everything written in one turn of the loop goes out with one system call
// where there is more than one write to join; a client that does not read is noticed. Hot path.

import type { Socket } from "node:net";
import process from "node:process";

/** The writing half of a socket. */
export class Output {
  readonly #socket: Socket;
  #isCorked = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The client reads more slowly than we write: write no more until `drained`. */
  get isStuck(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Nothing that is written arrives any more. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** Writes text of which every character is one byte. */
  writeLatin1(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** `bytes` must not change until they are sent. */
  writeBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Joins what is written until all that can run now has run. */
  joinTurn(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    // A tick that is asked for in a microtask runs when no microtask is left.
    queueMicrotask(this.#afterMicrotasks);
  }

  /** Resolves when the client has caught up or is gone. */
  drained(): Promise<void> {
    if (!this.isStuck || this.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** To be called when the socket has drained or closed. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  readonly #afterMicrotasks = (): void => {
    process.nextTick(this.#uncork);
  };

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
}
