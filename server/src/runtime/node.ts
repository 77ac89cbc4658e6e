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

/** Four base64url characters carry three random bytes, so that every character is drawn from all 64. */
function randomId(length: number): string {
  return randomBytes(Math.ceil((length * 3) / 4))
    .toString("base64url")
    .slice(0, length);
}
