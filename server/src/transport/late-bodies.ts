/**
 * Bodies that somebody waits for, and the time they have. One timer serves all of them: making and clearing one for each took
 * a twentieth of a publish over HTTP.
 */

/** A body whose time can run out. */
export interface Awaited {
  /** When it does, by `performance.now()`. */
  deadline: number;
  /** It has. */
  giveUp(): void;
}

export class LateBodies {
  readonly timeoutMs: number;
  /** All have the same time: the first that came is the first to be late. */
  readonly #waiting = new Set<Awaited>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs what a body has from {@link LateBodies.add} on */
  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  add(body: Awaited): void {
    body.deadline = performance.now() + this.timeoutMs;
    this.#waiting.add(body);
    this.#look(this.timeoutMs);
  }

  /** It has come, or nobody wants it any more. The timer stays: the next body would only start it again. */
  delete(body: Awaited): void {
    this.#waiting.delete(body);
  }

  #look(inMs: number): void {
    this.#timer ??= setTimeout(() => this.#giveUpLate(), inMs).unref();
  }

  #giveUpLate(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const body of this.#waiting) {
      if (body.deadline > nowMs) {
        this.#look(Math.ceil(body.deadline - nowMs));
        return;
      }
      this.#waiting.delete(body);
      body.giveUp();
    }
  }
}
