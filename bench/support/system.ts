/** What this process may do on this machine. */
import { readFileSync } from "node:fs";

/** Whether it may drop the page cache and the like. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Files and sockets that a process may have open. */
export function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? 1_024);
}
