/** The hub as it ships (dist), in a process of its own, and what the kernel says of its memory and time. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of this tree's own build, unless the environment names another one. */
const LAUNCHER =
  process.env["RINGCAST_LAUNCHER"] ?? join(dirname(fileURLToPath(import.meta.url)), "../../server/bin/ringcast.js");
const READY = /ringcast listening on https?:\/\/[^:]+:(\d+)/;
const CLOCK_TICKS_PER_SECOND = 100;

export interface HubProcessOptions {
  /** Arguments of Node itself, e.g. `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  /** Data directory, which is kept; one of its own, removed at the end, when left out. */
  readonly data?: string;
  /** 0, a free one, when left out. */
  readonly port?: number;
  /** Program to run instead of this tree's own build. */
  readonly launcher?: string | undefined;
}

export class HubProcess {
  private constructor(
    readonly child: ChildProcess,
    private readonly temporaryData: string | undefined,
    readonly port: number,
  ) {}

  /** Starts `ringcast serve` on 127.0.0.1. */
  static async start(args: readonly string[] = [], options: HubProcessOptions = {}): Promise<HubProcess> {
    const temporaryData = options.data === undefined ? mkdtempSync(join(tmpdir(), "ringcast-bench-")) : undefined;
    const data = options.data ?? temporaryData ?? "";
    const command = [
      ...(options.nodeArgs ?? []),
      options.launcher ?? LAUNCHER,
      "serve",
      "--port",
      String(options.port ?? 0),
      "--data",
      data,
      ...args,
    ];
    const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
    // Not to be left behind when a benchmark ends early.
    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.removeListener("exit", end));
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-4_000)));
    const port = await new Promise<number>((resolve, reject) => {
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const match = READY.exec(output);
        if (match !== null) resolve(Number(match[1]));
      });
      child.once("exit", (code) => {
        reject(new Error(`The hub ended with ${String(code)}:\n${errors}`));
      });
    });
    return new HubProcess(child, temporaryData, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Private memory of the process that no file backs, bytes. */
  rssAnonBytes(): number {
    // Nothing while it ends.
    const path = `/proc/${this.child.pid}/status`;
    const status = existsSync(path) ? readFileSync(path, "utf8") : "";
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Processor time used so far, user and system, milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  }

  /** Ends the process with `SIGKILL`; the data directory stays. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    if (this.temporaryData !== undefined) rmSync(this.temporaryData, { recursive: true, force: true });
  }
}
