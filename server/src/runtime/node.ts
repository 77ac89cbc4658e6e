/**
 * The real {@link Runtime}: the platform's clocks, timers, randomness and event loop.
 */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Runtime, Timer } from "./port.js";

/** The runtime of a hub process; tests may hand in a virtual one instead. */
export function createNodeRuntime(): Runtime {
  return {
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    randomId,
    setTimer,
    endOfTurn: (callback) => void setImmediate(callback),
  };
}

function setTimer(delayMs: number, callback: () => void): Timer {
  const timeout = setTimeout(callback, delayMs);
  timeout.unref();
  return { cancel: () => clearTimeout(timeout) };
}

/** Random bytes are fetched so many at once: asking for nine at a time was a twentieth of what a connection costs. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);
let used = 0;

/** Four base64url characters carry three random bytes, so that every character is drawn from all 64. */
function randomId(length: number): string {
  const count = Math.ceil((length * 3) / 4);
  if (used + count > pool.length) {
    pool = randomBytes(Math.max(POOL_BYTES, count));
    used = 0;
  }
  used += count;
  return pool.toString("base64url", used - count, used).slice(0, length);
}
