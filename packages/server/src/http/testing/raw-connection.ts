// A connection on which a test says exactly what is sent and sees exactly what comes back.

import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** A socket with everything received so far, one character per byte. */
export class RawConnection implements AsyncDisposable {
  readonly #socket: Socket;
  #received = "";
  #isEnded = false;
  #onChange: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#onChange?.();
    });
    socket.on("close", () => {
      this.#isEnded = true;
      this.#onChange?.();
    });
    socket.on("error", () => undefined); // a reset is an end like any other
  }

  static open(url: string): Promise<RawConnection> {
    const { hostname: host, port: text, protocol } = new URL(url);
    const port = Number(text);
    return new Promise((resolve, reject) => {
      const onOpen = (): void => resolve(new RawConnection(socket));
      const socket: Socket =
        protocol === "https:"
          ? connectSecurely({ host, port, ca: TEST_CERTIFICATE }, onOpen)
          : connect({ host, port }, onOpen);
      socket.once("error", reject);
    });
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Everything received, as soon as it contains `text`. */
  async until(text: string): Promise<string> {
    await this.#when(() => this.#received.includes(text) || this.#isEnded);
    return this.#received;
  }

  /** Everything received, as soon as the other side has closed. */
  async untilClosed(): Promise<string> {
    await this.#when(() => this.#isEnded);
    return this.#received;
  }

  /** Says that there are no more requests. */
  endHalf(): void {
    this.#socket.end();
  }

  /** Breaks the connection. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Leaves without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.untilClosed();
  }

  #when(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (isTrue()) resolve();
      };
      this.#onChange();
    });
  }
}
