// The last messages of one direction and how fast they come (operations.md §1).

const WINDOW_MESSAGES = 200;
const IDLE_AFTER_MS = 1_000;

/** Message rates over the last 200 messages. Hot path: one `add` per append. */
export class RateWindow {
  readonly #timesMs = new Float64Array(WINDOW_MESSAGES);
  readonly #sizes = new Float64Array(WINDOW_MESSAGES);
  #next = 0;
  #count = 0;
  #bytes = 0;

  add(nowMs: number, sizeBytes: number): void {
    if (this.#count === WINDOW_MESSAGES) this.#bytes -= this.#sizes[this.#next] ?? 0;
    else this.#count++;
    this.#timesMs[this.#next] = nowMs;
    this.#sizes[this.#next] = sizeBytes;
    this.#bytes += sizeBytes;
    this.#next = (this.#next + 1) % WINDOW_MESSAGES;
  }

  /** Messages and bytes per second; 0 when the last message is older than a second. */
  rates(nowMs: number): { readonly packages: number; readonly bandwidth: number } {
    const newest = this.#timesMs[(this.#next + WINDOW_MESSAGES - 1) % WINDOW_MESSAGES] ?? 0;
    if (this.#count > 0 && nowMs - newest > IDLE_AFTER_MS) {
      this.#count = 0;
      this.#bytes = 0;
    }
    const oldest = this.#timesMs[(this.#next + WINDOW_MESSAGES - this.#count) % WINDOW_MESSAGES] ?? 0;
    const spanMs = newest - oldest;
    if (this.#count < 2 || spanMs <= 0) return { packages: 0, bandwidth: 0 };
    return { packages: (this.#count * 1000) / spanMs, bandwidth: (this.#bytes * 1000) / spanMs };
  }
}
