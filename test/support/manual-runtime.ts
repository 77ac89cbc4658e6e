import type { Runtime, Timer } from "../../server/src/runtime/index.js";

/** A clock that stands still, timers that fire when they are told to, and turns that end when the test says so. */
export class ManualRuntime implements Runtime {
  now = 1_763_600_000_000;
  /** How far the wall clock is ahead of what time has passed; a test that changes it has the clock jump. */
  wallAheadMs = 0;
  readonly #endings: (() => void)[] = [];
  readonly #timers = new Map<object, { at: number; callback: () => void }>();
  #ids = 0;

  nowMs(): number {
    return this.now + this.wallAheadMs;
  }

  monotonicMs(): number {
    return this.now;
  }

  random(): number {
    return 0.5;
  }

  randomId(length: number): string {
    return String(++this.#ids).padStart(length, "i");
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = {};
    this.#timers.set(timer, { at: this.now + delayMs, callback });
    return { cancel: () => void this.#timers.delete(timer) };
  }

  endOfTurn(callback: () => void): void {
    this.#endings.push(callback);
  }

  /** Whether something waits for the end of a turn. */
  get isBusy(): boolean {
    return this.#endings.length > 0;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Ends a turn. */
  turn(): void {
    for (const callback of this.#endings.splice(0)) callback();
  }

  /** Ends turns until nothing asks for another one. */
  settle(): void {
    for (let turns = 0; this.isBusy; turns++) {
      if (turns > 10_000) throw new Error("The hub asks for turns without end");
      this.turn();
    }
  }

  /** Lets time pass; timers fire in their order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      const [timer, { at, callback }] = due;
      this.#timers.delete(timer);
      this.now = at;
      callback();
      this.settle();
    }
    this.now = end;
  }
}
