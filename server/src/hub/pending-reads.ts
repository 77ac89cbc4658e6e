/**
 * Cursors whose log is fetching what they want next. They wait here, and hold nobody up, until the log says that it has it.
 */
import type { RingLog } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Cursor } from "./cursor.js";

/** A log that says nothing (its file can't be opened at the moment) is asked again after this. */
const ASK_AGAIN_MS = 250;

export class PendingReads {
  readonly #runtime: Runtime;
  readonly #enqueue: (cursor: Cursor) => void;
  readonly #waiting = new Map<RingLog, Cursor[]>();
  #isTimed = false;

  /** @param enqueue lets the flush look at a cursor again */
  constructor(runtime: Runtime, enqueue: (cursor: Cursor) => void) {
    this.#runtime = runtime;
    this.#enqueue = enqueue;
  }

  /** Lets a cursor wait for its log. */
  add(cursor: Cursor, log: RingLog): void {
    cursor.state = "reading";
    const others = this.#waiting.get(log);
    if (others === undefined) this.#waiting.set(log, [cursor]);
    else others.push(cursor);
    this.#keepTime();
  }

  /** The log can be asked again. */
  wake(log: RingLog): void {
    const cursors = this.#waiting.get(log);
    if (cursors === undefined) return;
    this.#waiting.delete(log);
    for (const cursor of cursors) {
      if (cursor.isDetached || cursor.state !== "reading") continue;
      cursor.state = "idle";
      this.#enqueue(cursor);
    }
  }

  #keepTime(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#runtime.setTimer(ASK_AGAIN_MS, () => {
      this.#isTimed = false;
      for (const log of [...this.#waiting.keys()]) this.wake(log);
    });
  }
}
