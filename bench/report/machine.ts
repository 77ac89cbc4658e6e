/** Where something was measured; a figure says little without. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** Load average of the last minute before it began: other work makes the figures worse. */
  readonly loadBefore: number;
}

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The machine that this runs on. */
export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    system: systemName(),
    node: process.version,
    loadBefore: Number(readFileSync("/proc/loadavg", "latin1").split(" ")[0]),
  };
}

/** Commit of this tree, `+` behind it when something in it has changed since. `unknown` without Git. */
export function thisCommit(): string {
  try {
    const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", "protocol", "server", "bench");
    return git("rev-parse", "--short", "HEAD") + (changed === "" ? "" : "+");
  } catch {
    // Unpacked from an archive, or no Git here.
    return "unknown";
  }
}

/** `2 cores (AMD EPYC), 8 GiB, Linux 6.18, Debian 13, Node 20.20` */
export function machineText({ cores, cpu, memoryGiB, kernel, system, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGiB} GiB, ${kernel}, ${system}, Node ${node.slice(1)}`;
}

function systemName(): string {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1] ?? "unknown system";
  } catch {
    // A system that has no such file.
    return "unknown system";
  }
}
