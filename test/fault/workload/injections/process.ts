/** Faults of the hub's process, one function each. */
import type { Injection } from "../run.js";
import { harmless, pause } from "./harmless.js";

/** The process dies at once, and is started on the same data. */
export const kill: Injection = async ({ hub, random }) => {
  // Not at the moment at which an answer came.
  await pause(random.below(30));
  await hub.kill();
  await hub.restart();
  return harmless("SIGKILL");
};

/** It dies again while it starts, in the midst of looking at what it finds, before it may live. */
export const killAgain: Injection = async ({ hub, random }) => {
  await hub.kill();
  for (let deaths = 1 + random.below(3); deaths > 0; deaths--) await hub.restartAndKill(100 + random.below(500));
  await hub.restart();
  return harmless("SIGKILL, and again while it starts");
};

/** An orderly stop and start. */
export const terminate: Injection = async ({ hub }) => {
  await hub.stop();
  await hub.restart();
  return harmless("SIGTERM");
};

/** The process stands still for a while. */
export const stall: Injection = ({ random, ...world }) => stallFor(100 + random.below(400))({ random, ...world });

/** It stands still for so long. */
export function stallFor(ms: number): Injection {
  return async ({ hub }) => {
    process.kill(hub.pid, "SIGSTOP");
    await pause(ms);
    process.kill(hub.pid, "SIGCONT");
    return harmless(`SIGSTOP`);
  };
}
