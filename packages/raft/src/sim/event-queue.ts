// What is going to happen, by time; what happens at the same time keeps its order. A binary heap.
// Hot path.

/** Something that happens at a moment of virtual time. */
export interface SimEvent {
  readonly timeMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Events that come out by time, and by order of arrival among those of one time. */
export class EventQueue {
  readonly #heap: SimEvent[] = [];
  #count = 0;

  /** The time of the next event; infinity if there is none. */
  get nextTimeMs(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0]!.timeMs;
  }

  push(timeMs: number, run: () => void): void {
    const event: SimEvent = { timeMs, order: this.#count++, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes the next event, or null. */
  pop(): SimEvent | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(event: SimEvent): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, event)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}
