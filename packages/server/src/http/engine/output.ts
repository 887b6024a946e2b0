// What leaves a connection. What is written in one turn of the loop goes out with one system call where
// there is more than one write to join; a client that does not read is noticed. Hot path.

import type { Socket } from "node:net";
import type { Departing, Departures } from "./departures.ts";

/** The writing half of a socket. */
export class Output implements Departing {
  readonly #socket: Socket;
  readonly #departures: Departures;
  #isCorked = false;
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
    if (this.#departures.countAnswer()) this.joinTurn();
  }

  /** Writes text of which every character is one byte. */
  writeLatin1(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** `bytes` must not change until they are sent. */
  writeBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Joins what is written from here to the end of the turn. */
  joinTurn(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    this.#departures.add(this);
  }

  depart(): void {
    this.#isCorked = false;
    this.#socket.uncork();
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
}
