/** What the kernel says of a server's process while something is done that is no window of the load generator's. */
import { existsSync } from "node:fs";
import { ProcessMeter } from "../../server/src/cli/bench/process-meter.js";

/** What doing something took. */
export interface Taken {
  readonly seconds: number;
  /** Of the process, all its threads, user and system. */
  readonly cpuSeconds: number;
}

/** Times something, and counts the processor time of a process meanwhile. */
export async function timed(pid: number, work: () => Promise<void>): Promise<Taken> {
  const meter = new ProcessMeter([pid]);
  meter.begin();
  const beganMs = performance.now();
  await work();
  const seconds = (performance.now() - beganMs) / 1_000;
  const { userSeconds, systemSeconds } = meter.end();
  return { seconds, cpuSeconds: userSeconds + systemSeconds };
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/status`);
}
