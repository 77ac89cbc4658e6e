/** System calls of a process on files of one directory: counted, made to fail, or made its last, by strace. */
import { readFileSync } from "node:fs";

/** What changes a file or what the system knows of it. The old names of some calls are not there on every architecture. */
const CALLS = [
  "?mkdir",
  "mkdirat",
  "?open",
  "openat",
  "flock",
  "ftruncate",
  "fallocate",
  "mmap",
  "write",
  "pwrite64",
  "pwritev",
  "writev",
  "fsync",
  "fdatasync",
  "msync",
  "?rename",
  "renameat",
  "renameat2",
  "?unlink",
  "unlinkat",
];

/** A call as it was seen once; `nth` counts those of the same name on the same path in one thread, from 1. */
export interface SystemCall {
  readonly name: string;
  readonly path: string;
  readonly nth: number;
}

/** What is done to a call in place of carrying it out: the process dies, or the call fails with that error. */
export type CallFault = "SIGKILL" | `E${string}`;

/**
 * A command that notes all calls of the one behind it in a file; that one keeps the process id. Calls off the loop come from one thread, so that their
 * numbers are the same each time: {@link ONE_WORKER}.
 */
export function tracing(output: string): string[] {
  return [...command(output), "-y", "-e", `trace=${CALLS.join(",")}`];
}

/** A command that does a fault to one call of the one behind it. */
export function injecting({ name, path, nth }: SystemCall, fault: CallFault, output: string): string[] {
  const what = fault === "SIGKILL" ? "signal=SIGKILL" : `error=${fault}`;
  return [...command(output), "-P", path, "-e", `trace=${name}`, "-e", `inject=${name}:${what}:when=${nth}`];
}

/** For the environment of what is traced. */
export const ONE_WORKER = { UV_THREADPOOL_SIZE: "1" } as const;

/** As a grandchild, so that the process itself is ours; without a word of its own. */
function command(output: string): string[] {
  return ["strace", "-D", "-f", "-qqq", "-o", output];
}

/** The calls on a directory and what is in it, in their order, without those that only looked for what isn't there. */
export function callsIn(output: string, directory: string): SystemCall[] {
  const counts = new Map<string, number>();
  const seen = new Map<string, SystemCall>();
  for (const line of readFileSync(output, "utf8").split("\n")) {
    const [, thread = "", name = "", rest = ""] = /^(\d+)\s+(\w+)\((.*)/.exec(line) ?? [];
    const path = pathOf(name, rest);
    if (path !== directory && !path.startsWith(`${directory}/`)) continue;
    const key = `${thread} ${name} ${path}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    // The same number in another thread is the same place to inject at.
    if (!seen.has(`${name} ${path} ${nth}`)) seen.set(`${name} ${path} ${nth}`, { name, path, nth });
  }
  return [...seen.values()];
}

/** Whether the fault was done: a process that is killed says so itself. */
export function wasInjected(output: string): boolean {
  return readFileSync(output, "utf8").includes("(INJECTED)");
}

/** The path in the first argument, or behind the handle: `3</path>`, `"/path"`, `AT_FDCWD</cwd>, "/path"`. */
function pathOf(name: string, rest: string): string {
  if (name === "mmap") return /(?:^|, )\d+<([^>]*)>, /.exec(rest)?.[1] ?? "";
  return /^(?:AT_FDCWD<[^>]*>, )?"([^"]*)"/.exec(rest)?.[1] ?? /^\d+<([^>]*)>/.exec(rest)?.[1] ?? "";
}
