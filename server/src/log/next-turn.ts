import type { Runtime } from "../runtime/port.js";

/** Waits until the other work of the loop had its turn. */
export function nextTurn(runtime: Runtime): Promise<void> {
  return new Promise((resolve) => runtime.setTimer(0, resolve));
}
