// Many long polls on one key, each on a connection of its own, without a client library between.

import { connect } from "node:net";
import type { Socket } from "node:net";

/** Connections opened at a time: a larger burst would only test the listen backlog. */
const OPENED_AT_ONCE = 500;

/** Waiting long polls; closed when disposed of. */
export class Watchers implements Disposable {
  /** Resolves with the time (`performance.now()`) of the last delivery when every poll has its event. */
  readonly delivered: Promise<number>;
  readonly #sockets: readonly Socket[];

  constructor(sockets: readonly Socket[], delivered: Promise<number>) {
    this.#sockets = sockets;
    this.delivered = delivered;
  }

  /** Lets the first `count` polls hang up. */
  hangUp(count: number): void {
    for (const socket of this.#sockets.slice(0, count)) socket.destroy();
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Opens `count` long polls; resolves when each of them has its head, so that all of them wait. */
export async function openWatchers(
  baseUrl: string,
  path: string,
  count: number,
  options: { readonly needed?: number } = {},
): Promise<Watchers> {
  const { hostname, port } = new URL(baseUrl);
  const { promise, resolve } = Promise.withResolvers<number>();
  let missing = options.needed ?? count;
  const sockets: Socket[] = [];
  const request = `GET /v2/keys${path}?wait=true HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    const burst = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, () =>
      openWatcher(hostname, Number(port), request, () => {
        if (--missing === 0) resolve(performance.now());
      }),
    );
    sockets.push(...(await Promise.all(burst)));
  }
  return new Watchers(sockets, promise);
}

function openWatcher(host: string, port: number, request: string, onEvent: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(request));
    let text = "";
    const onData = (chunk: string): void => {
      text += chunk;
      if (!text.includes("\r\n\r\n")) return;
      resolve(socket);
      if (!text.includes('"action"')) return;
      socket.off("data", onData).resume();
      onEvent();
    };
    socket.setEncoding("latin1").on("data", onData).on("error", reject);
  });
}
