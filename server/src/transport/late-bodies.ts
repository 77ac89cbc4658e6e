/**
 * Bodies that somebody waits for, and the time they have. One timer serves all of them: making and clearing one for each took
 * a twentieth of a publish over HTTP.
 */

/** A body whose time can run out. What stands in it beside {@link giveUp} is ours: a `Set` of them took three times as long. */
export interface Awaited {
  /** When it does, by `performance.now()`. */
  deadline: number;
  /** Its neighbours in the line. */
  before: Awaited | undefined;
  after: Awaited | undefined;
  /** It has: {@link LateBodies.delete} has to follow at once. */
  giveUp(): void;
}

export class LateBodies {
  readonly timeoutMs: number;
  /** The ends of the line. All have the same time: the first that came is the first to be late. */
  #first: Awaited | undefined;
  #last: Awaited | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs what a body has from {@link LateBodies.add} on */
  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  add(body: Awaited): void {
    body.deadline = performance.now() + this.timeoutMs;
    body.before = this.#last;
    body.after = undefined;
    if (this.#last === undefined) this.#first = body;
    else this.#last.after = body;
    this.#last = body;
    this.#look(this.timeoutMs);
  }

  /** It has come, or nobody wants it any more. The timer stays: the next body would only start it again. */
  delete(body: Awaited): void {
    const { before, after } = body;
    // The line's end may be old: what it pointed to would be kept.
    body.before = undefined;
    body.after = undefined;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  #look(inMs: number): void {
    this.#timer ??= setTimeout(() => this.#giveUpLate(), inMs).unref();
  }

  #giveUpLate(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    while (this.#first !== undefined && this.#first.deadline <= nowMs) this.#first.giveUp();
    if (this.#first !== undefined) this.#look(Math.ceil(this.#first.deadline - nowMs));
  }
}
