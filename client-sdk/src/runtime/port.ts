/**
 * What the SDK takes from the outside world besides the network: time, randomness and the platform's hints that the
 * network is back. Handed in, so that the SDK can run on a virtual clock from a seed.
 */
export interface Runtime {
  /** Milliseconds on a clock that never runs back; only differences mean something. */
  monotonicMs(): number;
  /** A number in [0, 1). Not for secrets. */
  random(): number;
  /** An unguessable identifier of 20 characters. */
  randomId(): string;
  /** Calls back once after `delayMs`: soon where that is negative, as good as never where it is Infinity. */
  setTimer(delayMs: number, callback: () => unknown): Timer;
  /**
   * Calls back whenever waiting makes no sense any more: the network is there again, or the page is visible again.
   * @returns ends it
   */
  onWake(callback: () => void): () => void;
}

export interface Timer {
  /** Harmless when the timer has fired already. */
  cancel(): void;
}
