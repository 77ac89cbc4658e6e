/**
 * Cursors whose filter has left records out: should nothing come that tells their readers where they stand, they are told in time.
 */
import type { Runtime } from "../runtime/index.js";
import type { Cursor } from "./cursor.js";

/** With the step of the clock less than the 5 s of the contract. */
const TELL_AFTER_MS = 3_900;
const STEP_MS = 1_000;

export class ProgressLine {
  readonly #runtime: Runtime;
  readonly #tell: (cursor: Cursor) => void;
  readonly #cursors = new Set<Cursor>();
  #isTimed = false;

  constructor(runtime: Runtime, tell: (cursor: Cursor) => void) {
    this.#runtime = runtime;
    this.#tell = tell;
  }

  /** The first record since the reader was last told has been left out. */
  add(cursor: Cursor): void {
    cursor.leftOutSinceMs = this.#runtime.monotonicMs();
    this.#cursors.add(cursor);
    this.#keepTime();
  }

  /** A timer runs only while something is left out. */
  #keepTime(): void {
    if (this.#isTimed || this.#cursors.size === 0) return;
    this.#isTimed = true;
    this.#runtime.setTimer(STEP_MS, () => {
      this.#isTimed = false;
      const since = this.#runtime.monotonicMs() - TELL_AFTER_MS;
      for (const cursor of this.#cursors) this.#look(cursor, since);
      this.#keepTime();
    });
  }

  #look(cursor: Cursor, since: number): void {
    const isTold = cursor.isDetached || cursor.leftOut === 0;
    if (!isTold && cursor.leftOutSinceMs > since) return;
    this.#cursors.delete(cursor);
    if (!isTold) this.#tell(cursor);
  }
}
