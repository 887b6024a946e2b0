// What leaves a connection. What is written in one turn of the loop goes out with one system call where
// there is more than one write to join; a client that does not read is noticed. Hot path.

import type { Socket } from "node:net";
import process from "node:process";
import type { Departing, Departures } from "./departures.ts";

/** The writing half of a socket. */
export class Output implements Departing {
  readonly #socket: Socket;
  readonly #departures: Departures;
  #isJoining = false;
  #isHeldBack = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket, departures: Departures) {
    this.#socket = socket;
    this.#departures = departures;
  }

  /** The client reads more slowly than we write: write no more until `drained`. */
  get isStuck(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Nothing that is written arrives any more. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** To be called before an answer is written: it may have to leave with those of other connections. */
  beginAnswer(): void {
    if (!this.#departures.countAnswer() || this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.#socket.cork();
    this.#departures.add(this);
  }

  /** Writes text of which every character is one byte. */
  writeLatin1(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** `bytes` must not change until they are sent. */
  writeBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Lets out everything that is held back, because the connection is about to be cut. */
  flush(): void {
    while (this.#socket.writableCorked > 0) this.#socket.uncork();
  }

  depart(): void {
    this.#isHeldBack = false;
    this.#socket.uncork();
  }

  /** Joins what is written until all that can run now has run. */
  joinTurn(): void {
    if (this.#isJoining) return;
    this.#isJoining = true;
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
    this.#isJoining = false;
    this.#socket.uncork();
  };
}
