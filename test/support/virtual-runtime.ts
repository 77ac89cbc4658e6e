/** A clock that stands until a test moves it, for the SDK. */
import type { Runtime } from "@ringcast/client";

interface PendingTimer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class VirtualRuntime implements Runtime {
  /** What `random` returns. */
  chance = 0.5;
  #nowMs = 1_000;
  #ids = 0;
  readonly #timers = new Set<PendingTimer>();
  readonly #wakers = new Set<() => void>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.chance;
  }

  randomId(): string {
    return `producer-${++this.#ids}`;
  }

  setTimer(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  onWake(callback: () => void): () => void {
    this.#wakers.add(callback);
    return () => void this.#wakers.delete(callback);
  }

  /** The page is visible again, or the network is back. */
  wake(): void {
    for (const callback of this.#wakers) callback();
  }

  /** Timers that have not fired. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves the clock; timers fire in order, and promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets everything run that only waits for promises. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
