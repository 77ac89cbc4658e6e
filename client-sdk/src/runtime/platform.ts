/**
 * The runtime over what browsers and Node have in common; the one file of the SDK that asks the platform for time and
 * randomness.
 */
import type { Runtime } from "./port.js";

/** The platform's own clock, timers and randomness. */
export const platformRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomId: () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(15)))),
  setTimer: (delayMs, callback) => {
    // Beyond 31 bits a timer would fire at once.
    const timer = setTimeout(callback, Math.min(delayMs, 0x7fff_ffff));
    return { cancel: () => clearTimeout(timer) };
  },
  onWake: (callback) => {
    // Node has neither window nor document, a worker no document.
    const { document, addEventListener } = globalThis as Partial<typeof globalThis>;
    // It has what the listeners take as an option: a `signal`.
    const aborter = new AbortController();
    addEventListener?.("online", callback, aborter);
    document?.addEventListener("visibilitychange", () => document.hidden || callback(), aborter);
    return () => aborter.abort();
  },
};
