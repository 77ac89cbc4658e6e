/**
 * A token bucket: so much a second on average, two seconds' worth at once. It fills by the clock it is shown, without a timer.
 */

/** What may come at once, in seconds of the rate. */
const BURST_SECONDS = 2;
/** Sums of fractions: whoever waited as long as was said must not fail by a rounding. */
const ROUNDING = 1e-6;

export class TokenBucket {
  /** May be negative: what cost more than the bucket holds passed when it was full, and is made up for. */
  #level = Infinity;
  #atMs = 0;

  /**
   * How long to wait until this much may be taken. Nothing is taken.
   *
   * @param perSecond rate as it is now; above 0. At least 1 fits into the bucket, however low the rate
   * @param nowMs     on a clock that never runs back
   * @returns milliseconds, rounded up; 0: now. What is larger than the bucket may pass when it is full
   */
  waitMs(cost: number, perSecond: number, nowMs: number): number {
    const size = Math.max(1, BURST_SECONDS * perSecond);
    this.#level = Math.min(size, this.#level + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
    const missing = Math.min(cost, size) - this.#level;
    return missing <= ROUNDING ? 0 : Math.ceil((missing / perSecond) * 1000);
  }

  /** Takes, or with less than 0 gives back. Call {@link waitMs} before. */
  take(cost: number): void {
    this.#level -= cost;
  }
}
