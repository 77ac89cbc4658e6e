/**
 * What ages are measured by. The wall clock may jump: were it asked alone, a day ahead would make everything a day older at once, and a clock that is put
 * right an hour later could not bring it back. So ages follow a jump ahead step by step, and meanwhile grow twice as fast as time passes; a jump back, which
 * makes everything younger, they follow at once.
 */
import type { Runtime } from "./port.js";

/** Wall clock and monotonic clock part by less when a leap second or a small correction comes in: followed at once. */
const TOLERANCE_MS = 1_000;
/** A jump is made up for within so long, however far it went (a machine that starts in 1970): then ages grow faster than twice as fast. */
const LONGEST_CATCH_UP_MS = 86_400_000;

export class AgeClock {
  readonly #runtime: Pick<Runtime, "nowMs" | "monotonicMs">;
  readonly #jumped: (byMs: number) => void;
  /** A clock that goes on as the monotonic one does, and approaches the wall clock where they have parted. */
  #steadyMs: number;
  #monotonicMs: number;
  /** How far the wall clock was ahead of the steady one at the last look. */
  #apartMs = 0;
  /** Milliseconds that the steady clock makes up for in each. */
  #pace = 1;

  /** @param jumped told that the wall clock jumped, and by how much; negative: back */
  constructor(runtime: Pick<Runtime, "nowMs" | "monotonicMs">, jumped: (byMs: number) => void = () => {}) {
    this.#runtime = runtime;
    this.#jumped = jumped;
    this.#steadyMs = runtime.nowMs();
    this.#monotonicMs = runtime.monotonicMs();
  }

  /** Milliseconds since 1970, to be compared with the times of records; never ahead of the wall clock. May run back with it. */
  nowMs(): number {
    const wallMs = this.#runtime.nowMs();
    const monotonicMs = this.#runtime.monotonicMs();
    const elapsedMs = monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
    this.#steadyMs += elapsedMs;
    this.#approach(wallMs - this.#steadyMs, elapsedMs);
    return Math.min(wallMs, Math.round(this.#steadyMs));
  }

  #approach(apartMs: number, elapsedMs: number): void {
    const jumpMs = apartMs - this.#apartMs;
    if (Math.abs(apartMs) <= TOLERANCE_MS) this.#meet(apartMs);
    else if (Math.abs(jumpMs) > TOLERANCE_MS) {
      // Time that passed before the jump makes up for nothing.
      this.#pace = Math.max(1, Math.abs(apartMs) / LONGEST_CATCH_UP_MS);
      this.#apartMs = apartMs;
    } else {
      const madeUpMs = Math.sign(apartMs) * Math.min(Math.abs(apartMs), elapsedMs * this.#pace);
      this.#steadyMs += madeUpMs;
      this.#apartMs = apartMs - madeUpMs;
    }
    if (Math.abs(jumpMs) > TOLERANCE_MS) this.#jumped(Math.round(jumpMs));
  }

  #meet(apartMs: number): void {
    this.#steadyMs += apartMs;
    this.#apartMs = 0;
    this.#pace = 1;
  }
}
