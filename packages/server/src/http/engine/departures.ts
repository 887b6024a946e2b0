// When the answers of a crowd leave. Each write to a socket may wake a sleeping client, and on a busy
// machine that costs more than making the answer; clients that are woken together run together. So while
// many answers are made in one turn of the event loop, they are written one right behind the other at its
// end. A lone answer leaves at once. Hot path.
//
//   turn:   read, answer · read, answer · … · other callbacks │ write write write

/** Answers in one turn from which on waiting for its end costs less than it saves (bench: get, 1 to 64 connections). */
const CROWD_MIN = 3;

/** One in so many answers looks how many others its turn has, while each leaves at once. */
const SAMPLE_INTERVAL = 32;

/** Something that was written and is held back. */
export interface Departing {
  /** Lets out what was held back. */
  depart(): void;
}

/** The answers under way of one listener. */
export class Departures {
  #waiting: Departing[] = [];
  #answerCount = 0;
  #unsampledCount = 0;
  #isCrowd = false;
  #isTurnWatched = false;

  /** Counts an answer. True: it should wait for the end of the turn. */
  countAnswer(): boolean {
    this.#answerCount++;
    if (this.#isTurnWatched) return this.#isCrowd;
    if (this.#isCrowd || ++this.#unsampledCount === SAMPLE_INTERVAL) {
      this.#unsampledCount = 0;
      this.#answerCount = 1;
      this.#watchTurn();
    }
    return this.#isCrowd;
  }

  /** Lets `departing` out at the end of the turn. */
  add(departing: Departing): void {
    this.#waiting.push(departing);
    if (!this.#isTurnWatched) this.#watchTurn();
  }

  #watchTurn(): void {
    this.#isTurnWatched = true;
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isTurnWatched = false;
    this.#isCrowd = this.#answerCount >= CROWD_MIN;
    this.#answerCount = 0;
    for (let i = 0; i < waiting.length; i++) waiting[i]?.depart();
  };
}
