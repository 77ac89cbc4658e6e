/**
 * Answers that wait for the flush, in the order of their requests. What would be large is made only when it can be sent.
 */
import type { Frame } from "../hub/index.js";

/** One visit of the flush takes about so much. */
const TAKEN_BYTES = 65_536;
/** What an answer that is yet to be made counts. */
const UNMADE_BYTES = 256;

/** An answer that is made when its turn has come. */
type Unmade = () => Frame;

export class Replies {
  /** Bytes that wait. */
  bytes = 0;
  #waiting: (Frame | Unmade)[] = [];
  /** The first that was not taken yet. */
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#waiting.length;
  }

  push(reply: Frame | Unmade): void {
    // A list that grows by itself has room for 17 at once; mostly there is one.
    if (this.#waiting.length === 0) this.#waiting = [reply];
    else this.#waiting.push(reply);
    this.bytes += weight(reply);
  }

  /**
   * Moves some answers, at least one if there is any, to `frames` from index `count` on.
   * @returns the new count
   */
  take(frames: Frame[], count: number): number {
    let taken = 0;
    let next = count;
    while (!this.isEmpty && taken < TAKEN_BYTES) {
      const reply = this.#waiting[this.#first++] as Frame | Unmade;
      this.bytes -= weight(reply);
      const frame = typeof reply === "function" ? reply() : reply;
      taken += frame.bytes.length;
      frames[next++] = frame;
    }
    if (this.isEmpty) {
      // Not emptied but replaced: an idle connection keeps nothing of its busiest moment.
      if (this.#first > 0) this.#waiting = [];
      this.#first = 0;
    }
    return next;
  }
}

function weight(reply: Frame | Unmade): number {
  return typeof reply === "function" ? UNMADE_BYTES : reply.bytes.length;
}
