/** How many things happen a second, over a sliding span. */

const SPAN_MS = 5000;

export class Rate {
  #times: number[] = [];

  /** Counts one at that moment of a clock that never runs back. */
  add(nowMs: number): void {
    this.#times.push(nowMs);
  }

  /** Mean over the last 5 seconds. */
  perSecond(nowMs: number): number {
    this.#times = this.#times.filter((timeMs) => nowMs - timeMs < SPAN_MS);
    return this.#times.length / (SPAN_MS / 1000);
  }
}
