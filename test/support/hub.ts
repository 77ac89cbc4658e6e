/** A real hub in a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { inject } from "vitest";
import { tempDir } from "./temp-dir.js";
import { within } from "./until.js";

export interface HubOptions {
  /** More arguments of `ringcast serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Data directory; one of its own, removed at the end, when left out. */
  readonly data?: string;
  /** 0, the default, picks a free port; `restart` keeps it. */
  readonly port?: number;
  /** A file that the hub takes for `/proc/sys/kernel/random/boot_id`; needs root. */
  readonly bootIdFile?: string;
  /** A command that the hub's is run by, such as strace; the process that it begins must become the hub's. */
  readonly runBy?: readonly string[];
}

export interface TestHub extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; `https:` with `--tls-cert` */
  readonly url: string;
  /** `ws://127.0.0.1:<port>/v1/ws` */
  readonly wsUrl: string;
  readonly port: number;
  readonly data: string;
  readonly pid: number;
  /** Whether its process is there; false also when it ended by itself. */
  readonly isRunning: boolean;
  /** What it has written so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts again on the same data and port, after `stop` or `kill`. */
  restart(): Promise<void>;
  /** Starts again as `restart` does, and is killed so long after, ready or not. */
  restartAndKill(afterMs: number): Promise<void>;
}

const READY = /ringcast listening on http(s?):\/\/[^:]+:(\d+)/;
const START_TIMEOUT_MS = 20_000;
/** For commands, several of which run at once on a machine that may have more to do. */
const COMMAND_TIMEOUT_MS = 45_000;

/** Starts a hub and waits until it is ready to serve. */
export async function startHub(options: HubOptions = {}): Promise<TestHub> {
  const temporary = options.data === undefined ? tempDir() : undefined;
  const data = options.data ?? (temporary as { path: string }).path;
  let running = await startProcess(options, data, options.port ?? 0);
  const port = running.port;
  return {
    url: `http${running.secure}://127.0.0.1:${port}`,
    wsUrl: `ws${running.secure}://127.0.0.1:${port}/v1/ws`,
    port,
    data,
    get pid() {
      return running.child.pid as number;
    },
    get isRunning() {
      return !hasEnded(running);
    },
    output: () => ({ stdout: running.stdout, stderr: running.stderr }),
    stop: () => end(running, "SIGTERM"),
    kill: async () => {
      await end(running, "SIGKILL");
    },
    restart: async () => {
      running = await startProcess(options, data, port);
    },
    restartAndKill: async (afterMs) => {
      const starting = launchHub(options, data, port);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await end(starting, "SIGKILL");
    },
    [Symbol.asyncDispose]: async () => {
      await end(running, "SIGKILL");
      temporary?.[Symbol.dispose]();
    },
  };
}

/** Result of a hub that is expected to end by itself, or of any other command of `ringcast`. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ringcast` with these arguments to its end. */
export async function runRingcast(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly input?: string } = {},
): Promise<CommandResult> {
  const running = launch(args, options);
  running.child.stdin?.end(options.input ?? "");
  // A process may be gone before all that it printed has been read.
  const printed = new Promise((resolve) => running.child.once("close", resolve));
  const code = await within(`ringcast ${args.join(" ")} to end`, running.ended, COMMAND_TIMEOUT_MS);
  await printed;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** Starts `ringcast` with these arguments and hands over the process, for what is stopped by the test. */
export function launch(args: readonly string[], options: LaunchOptions = {}): RunningProcess {
  const { env = {}, cwd, bootIdFile, runBy = [] } = options;
  const node = process.env["RINGCAST_TEST_NODE"] ?? process.execPath;
  // Handed over by the project's set-up, or by a program that runs without vitest.
  const launcher = process.env["RINGCAST_TEST_LAUNCHER"] ?? inject("launcher");
  const boot = bootIdFile === undefined ? [] : inAnotherBoot(bootIdFile);
  const command = [...boot, ...runBy, node, launcher, ...args];
  const child = spawn(command[0] as string, command.slice(1), {
    env: { ...cleanEnvironment(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const running: RunningProcess = {
    child,
    stdout: "",
    stderr: "",
    ended: new Promise((resolve) => child.once("exit", (code) => resolve(code))),
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (running.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (running.stderr += text));
  return running;
}

export interface LaunchOptions extends Pick<HubOptions, "env" | "bootIdFile" | "runBy"> {
  readonly cwd?: string;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number | null>;
}

/** What makes a command see another boot id; the process is that of the command itself in the end. */
function inAnotherBoot(file: string): string[] {
  const bind = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
  return ["unshare", "--mount", "--propagation", "slave", "/bin/sh", "-c", bind, file];
}

interface Listening {
  /** `s` with TLS. */
  readonly secure: string;
  readonly port: number;
}

async function startProcess(options: HubOptions, data: string, port: number): Promise<RunningProcess & Listening> {
  const running = launchHub(options, data, port);
  const ready = new Promise<Listening>((resolve, reject) => {
    const look = (): void => {
      const match = READY.exec(running.stdout);
      if (match !== null) resolve({ secure: match[1] ?? "", port: Number(match[2]) });
    };
    running.child.stdout?.on("data", look);
    void running.ended.then((code) =>
      reject(new Error(`The hub ended with ${String(code)} before it was ready:\n${running.stderr}`)),
    );
  });
  return Object.assign(running, await within("the hub to be ready", ready, START_TIMEOUT_MS));
}

function launchHub(options: HubOptions, data: string, port: number): RunningProcess {
  const transport = process.env["RINGCAST_TEST_TRANSPORT"];
  const args = ["serve", "--port", String(port), "--data", data, ...(options.args ?? [])];
  if (transport !== undefined && !args.includes("--transport")) args.push("--transport", transport);
  return launch(args, options);
}

function hasEnded({ child }: RunningProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(running: RunningProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (!hasEnded(running)) running.child.kill(signal);
  return within(`the hub to end after ${signal}`, running.ended, START_TIMEOUT_MS);
}

/** The environment without settings of the hub, so that the machine's own don't leak into a test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("RINGCAST_") && name !== "NODE_OPTIONS",
  );
  return Object.fromEntries(entries);
}
