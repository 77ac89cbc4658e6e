/** Where a process spends its processor time, by Linux's `perf`: the kernel, native libraries, V8's code of our JavaScript, or the runtime around it. */
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Part, Parts } from "../report/parts.js";

/** Command that installs it, for who lacks it. */
export const PERF_INSTALL = "apt-get install linux-perf";

const SAMPLES_A_SECOND = "997";
/** Fewer say nothing about parts of one in a hundred. */
const LEAST_SAMPLES = 200;
/** A report has a line for each function, and for each address of V8's code. */
const MOST_REPORT_BYTES = 64 * 1024 * 1024;

/** Whether it is installed, and may look at other processes. */
export function mayRecord(): boolean {
  return spawnSync("perf", ["stat", "-e", "cpu-clock", "true"], { stdio: "ignore" }).status === 0;
}

export class PerfRecording {
  private constructor(
    private readonly directory: string,
    private readonly recorder: ChildProcess,
    /** It ends by itself where the process ends. */
    private readonly exited: Promise<unknown>,
  ) {}

  /** Begins to look at all threads of a process. */
  static start(pid: number): PerfRecording {
    const directory = mkdtempSync(join(tmpdir(), "ringcast-perf-"));
    const args = [
      "record",
      "-q",
      "-e",
      "cpu-clock",
      "-F",
      SAMPLES_A_SECOND,
      "-p",
      String(pid),
      "-o",
      join(directory, "data"),
    ];
    const recorder = spawn("perf", args, { stdio: "ignore" });
    return new PerfRecording(directory, recorder, once(recorder, "exit"));
  }

  /** @returns undefined when the process did too little to say anything */
  async end(): Promise<Parts | undefined> {
    try {
      this.recorder.kill("SIGINT");
      await this.exited;
      return partsOf(await this.#report());
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  async #report(): Promise<string> {
    const args = ["report", "-q", "--stdio", "--no-children", "-F", "sample,dso,sym", "-t", ";"];
    const options = { maxBuffer: MOST_REPORT_BYTES };
    const { stdout } = await promisify(execFile)("perf", [...args, "-i", join(this.directory, "data")], options);
    return stdout;
  }
}

/**
 * Shares of the samples of a report, whose lines are `<samples>;<library>;<[k] or [.] and the function>`.
 *
 * @returns undefined where there are too few
 */
export function partsOf(report: string): Parts | undefined {
  const counts: Record<Part, number> = { kernel: 0, transport: 0, script: 0, runtime: 0 };
  for (const line of report.split("\n")) {
    const [samples = "", library = "", name = ""] = line.split(";").map((cell) => cell.trim());
    if (/^\d+$/.test(samples)) counts[partOf(library, name)] += Number(samples);
  }
  const total = counts.kernel + counts.transport + counts.script + counts.runtime;
  if (total < LEAST_SAMPLES) return undefined;
  const share = (part: Part): number => counts[part] / total;
  return { kernel: share("kernel"), transport: share("transport"), script: share("script"), runtime: share("runtime") };
}

function partOf(library: string, name: string): Part {
  if (library.startsWith("[kernel") || name.startsWith("[k]")) return "kernel";
  if (library.startsWith("uws_")) return "transport";
  // V8's builtins, which its interpreter is made of as well, are what JavaScript does.
  if (/\[JIT\]|\/\/anon|perf-\d+\.map/.test(library) || /Builtins_|\bJS:/.test(name)) return "script";
  return "runtime";
}
