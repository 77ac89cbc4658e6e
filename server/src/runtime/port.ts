/**
 * What the hub takes from the outside world besides network and disk: time, randomness and the end of a turn.
 * Log, hub, session and sequencer get it handed in and never ask the platform, so that they can run on a virtual clock from a seed.
 */
export interface Runtime {
  /** Wall clock: integer milliseconds since 1970. It may jump; never measure a duration with it. */
  nowMs(): number;
  /** Milliseconds on a clock that never runs back; only differences mean something. */
  monotonicMs(): number;
  /** A number in [0, 1). Not for secrets. */
  random(): number;
  /** An unguessable identifier of `length` characters of `A-Z a-z 0-9 _ -`. */
  randomId(length: number): string;
  /** Calls back once after `delayMs`. The timer alone keeps no process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back once, after all handlers of the current turn of the event loop have run. */
  endOfTurn(callback: () => void): void;
}

export interface Timer {
  /** Harmless when the timer has fired already. */
  cancel(): void;
}
