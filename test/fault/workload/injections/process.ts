/** Faults of the hub's process, one function each. */
import type { Injection } from "../run.js";
import { harmless, pause } from "./harmless.js";

/** The process dies at once, and is started on the same data. */
export const kill: Injection = async ({ hub }) => {
  await hub.kill();
  await hub.restart();
  return harmless("SIGKILL");
};

/** An orderly stop and start. */
export const terminate: Injection = async ({ hub }) => {
  await hub.stop();
  await hub.restart();
  return harmless("SIGTERM");
};

/** The process stands still for a while. */
export const stall: Injection = async ({ hub, random }) => {
  process.kill(hub.pid, "SIGSTOP");
  await pause(100 + random.below(400));
  process.kill(hub.pid, "SIGCONT");
  return harmless("SIGSTOP");
};
