/** What the operating system gives the process, and how much of it the logs may take: the rest is for connections and for Node itself. */
import { readFileSync } from "node:fs";
import type { Config } from "./config/index.js";
import type { Logger } from "./telemetry/index.js";

/** Of the mappings; Node's own heap needs hundreds. */
const SHARE_OF_MAPPINGS = 0.75;

/**
 * How many logs may be open at once: `maxMappedLogs`, or less where the system would refuse so many. Each takes a file handle and a mapping; without a handle
 * left nobody could connect any more, and without a mapping V8 ends the process.
 */
export function mappedLogsFor({ maxMappedLogs }: Config, log: Logger): number {
  const openFiles = limitOf("/proc/self/limits", /^Max open files\s+(\d+)/m);
  const mappings = limitOf("/proc/sys/vm/max_map_count", /^(\d+)/);
  const allowed = Math.min(maxMappedLogs, Math.floor(openFiles / 2), Math.floor(mappings * SHARE_OF_MAPPINGS));
  if (allowed < maxMappedLogs) {
    const numbers = { allowed, openFiles, mappings, maxMappedLogs };
    log.warn(numbers, "fewer logs are kept open at once: raise LimitNOFILE, vm.max_map_count, or lower maxMappedLogs");
  }
  return allowed;
}

/** @returns Infinity where the system doesn't tell */
function limitOf(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, "utf8"))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
