/** The runtime over what browsers and Node have in common; the one file of the SDK that asks the platform for time and randomness. */
import type { Runtime } from "./port.js";

const ID_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/** The platform's own clock, timers and randomness. */
export const platformRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomId: () => {
    let id = "";
    for (const byte of crypto.getRandomValues(new Uint8Array(22))) id += ID_DIGITS.charAt(byte & 63);
    return id;
  },
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  onWake: (callback) => {
    // Node has neither; a worker has no document.
    if (typeof addEventListener === "undefined") return () => undefined;
    const page = typeof document === "undefined" ? undefined : document;
    const whenVisible = (): void => {
      if (page?.visibilityState === "visible") callback();
    };
    addEventListener("online", callback);
    page?.addEventListener("visibilitychange", whenVisible);
    return () => {
      removeEventListener("online", callback);
      page?.removeEventListener("visibilitychange", whenVisible);
    };
  },
};
