/** Processes of peers: found, started, waited for and ended by their own id. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_WITHIN_MS = 15_000;
const STOPS_WITHIN_MS = 10_000;
const OUTPUT_KEPT = 4_000;

/** Debian keeps servers where only root's search path looks. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` };

/** @returns what the program says of its version as far as the pattern's first group takes it, undefined when it is not installed */
export function versionOf(program: string, argument: string, pattern: RegExp): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, [argument], { env: ENVIRONMENT, encoding: "utf8" });
  return error === undefined ? pattern.exec(stdout + stderr)?.[1] : undefined;
}

/** A port of 127.0.0.1 that nobody listened on a moment ago, for programs that can't pick one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** @returns whether somebody answers `greeting` with something (or takes the connection, without one) */
export function answers(port: number, greeting?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      if (greeting === undefined) done(true);
      else socket.write(greeting);
    });
    function done(isThere: boolean): void {
      socket.destroy();
      resolve(isThere);
    }
    socket.once("data", () => done(true));
    // It may not listen yet.
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
  });
}

export interface PeerProgram<Ready> {
  readonly program: string;
  /** @param directory of its own, empty */
  readonly args: (directory: string) => readonly string[];
  /** Asked again and again until the program can be used: how, is what it then returns. */
  readonly ready: (found: {
    readonly pid: number;
    readonly directory: string;
    readonly output: string;
  }) => Awaitable<Ready | undefined>;
}

type Awaitable<T> = T | Promise<T>;

/** A program with a directory of its own, which goes with it. */
export class PeerProcess<Ready> {
  /** What {@link PeerProgram.ready} has found. */
  ready!: Ready;
  readonly #child: ChildProcess;
  readonly #directory: string;
  /** Not to be left behind when a benchmark ends early. */
  readonly #abandon = () => {
    this.#child.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  };
  #output = "";

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    }
    process.once("exit", this.#abandon);
  }

  /** @throws Error with what the program has said when it ends or isn't ready in time */
  static async start<Ready>(options: PeerProgram<Ready>): Promise<PeerProcess<Ready>> {
    const directory = mkdtempSync(join(tmpdir(), "ringcast-peer-"));
    const child = spawn(options.program, options.args(directory), {
      env: ENVIRONMENT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const started = new PeerProcess<Ready>(child, directory);
    try {
      await once(child, "spawn");
      started.ready = await started.#until(async () =>
        options.ready({ pid: started.pid, directory, output: started.#output }),
      );
    } catch (error) {
      await started.stop();
      throw new Error(`${options.program} did not start:\n${started.#output}`, { cause: error });
    }
    return started;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Asks it to end, and makes it when it doesn't. */
  async stop(): Promise<void> {
    process.removeListener("exit", this.#abandon);
    if (this.#child.pid !== undefined && this.#isRunning()) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOPS_WITHIN_MS);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #until(ask: () => Promise<Ready | undefined>): Promise<Ready> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (this.#isRunning() && performance.now() < deadline) {
      const ready = await ask();
      if (ready !== undefined) return ready;
      await pause(10);
    }
    throw new Error(this.#isRunning() ? "It is not ready in time." : "It has ended.");
  }

  #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}
