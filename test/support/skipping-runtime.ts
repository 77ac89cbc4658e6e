/** The real runtime, with clocks that a test puts forward: what would be done in a second is due at once. */
import { createNodeRuntime, type Runtime, type Timer } from "../../server/src/runtime/index.js";

export interface SkippingRuntime extends Runtime {
  /** So much later by every clock. Timers that are due by then fire in the turns that follow, in their order. */
  skip(ms: number): void;
}

interface Pending {
  readonly atMs: number;
  readonly fire: () => void;
  timer: Timer;
}

export function skippingRuntime(): SkippingRuntime {
  const real = createNodeRuntime();
  const pending = new Set<Pending>();
  let skippedMs = 0;
  const monotonicMs = (): number => real.monotonicMs() + skippedMs;
  return {
    ...real,
    monotonicMs,
    nowMs: () => real.nowMs() + skippedMs,
    setTimer: (delayMs, callback) => {
      const fire = (): void => {
        pending.delete(entry);
        callback();
      };
      const entry: Pending = { atMs: monotonicMs() + delayMs, fire, timer: real.setTimer(delayMs, fire) };
      pending.add(entry);
      return {
        cancel: () => {
          pending.delete(entry);
          entry.timer.cancel();
        },
      };
    },
    skip: (ms) => {
      skippedMs += ms;
      for (const entry of [...pending].sort((a, b) => a.atMs - b.atMs)) {
        entry.timer.cancel();
        entry.timer = real.setTimer(Math.max(0, entry.atMs - monotonicMs()), entry.fire);
      }
    },
  };
}
