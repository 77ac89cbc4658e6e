import type { Runtime, Timer } from "../runtime/port.js";

/** While the device goes on failing the pause doubles, up to so many times the first one. */
const LONGEST_PAUSE = 32;

/** Something that may get well again. */
export interface Healable {
  /** Tries it once. @returns whether it needs no further try */
  heal(): Promise<boolean>;
}

/** Tries to heal what is broken: one after another, with pauses that grow while nothing gets well. */
export class Healer {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  readonly #broken = new Set<Healable>();
  #pauseMs: number;
  #timer: Timer | undefined;
  #isRunning = false;
  #isClosed = false;

  /** @param intervalMs the first pause */
  constructor(runtime: Runtime, intervalMs: number) {
    this.#runtime = runtime;
    this.#intervalMs = intervalMs;
    this.#pauseMs = intervalMs;
  }

  add(broken: Healable): void {
    this.#broken.add(broken);
    this.#schedule();
  }

  /** Begins no further try. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#isClosed || this.#isRunning || this.#timer !== undefined || this.#broken.size === 0) return;
    this.#timer = this.#runtime.setTimer(this.#pauseMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#isRunning = true;
    let isBetter = false;
    for (const broken of [...this.#broken]) {
      if (this.#isClosed) return;
      if (!(await broken.heal())) continue;
      this.#broken.delete(broken);
      isBetter = true;
    }
    this.#isRunning = false;
    this.#pauseMs = isBetter ? this.#intervalMs : Math.min(this.#pauseMs * 2, this.#intervalMs * LONGEST_PAUSE);
    this.#schedule();
  }
}
