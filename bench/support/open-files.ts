/** How many connections this machine lets a process have. */
import { readFileSync } from "node:fs";

/** Files and sockets that a process may have open. */
export function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? 1_024);
}
