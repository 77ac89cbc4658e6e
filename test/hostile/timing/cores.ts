/** Who runs on which core, and who goes first: what is timed is to wait for the hub, and not for the machine. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { programOf, TASKSET } from "../../support/system-packages.js";

/** Two cores of those that this process may use. */
export interface Cores {
  readonly hub: number;
  readonly others: number;
}

/** @returns a sentence about what is missing, where nothing can be timed here */
export function chooseCores(): Cores | string {
  const [hub, others] = allowedCores();
  if (hub === undefined || others === undefined) return "Nothing is timed on one core: the hub needs one of its own.";
  if (programOf(TASKSET) !== undefined) return { hub, others };
  return "Nothing is timed without taskset: apt-get install util-linux.";
}

/**
 * The words before a command that has it run on a core, and before whoever else wants that core. Linux shares a core among sessions first, so it gets one of its own.
 * Without the right to go before others it says so, and runs the command all the same. Not by a real-time class: a hub that was scheduled first in, first out got stuck
 * with its own threads.
 */
export function aheadOn(core: number): string[] {
  const beforeOtherSessions = 'echo -20 > /proc/self/autogroup; exec "$@"';
  const here = [taskset(), "--cpu-list", String(core), "nice", "-n", "-20"];
  return ["setsid", "sh", "-c", beforeOtherSessions, "sh", ...here];
}

/** Keeps this process, all of its threads, on a core until it is disposed of. */
export function stayOn(core: number): Disposable {
  const before = allowedCores().join(",");
  move(String(core));
  return { [Symbol.dispose]: () => move(before) };
}

function move(cores: string): void {
  execFileSync(taskset(), ["--all-tasks", "--pid", "--cpu-list", cores, String(process.pid)], { stdio: "ignore" });
}

/** `0-1,4` → 0, 1, 4 */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

function taskset(): string {
  return programOf(TASKSET) ?? "taskset";
}
