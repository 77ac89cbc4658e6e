/** Commands of `ringcast` in a terminal of their own: `script` of util-linux makes one. */
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { inject } from "vitest";
import type { SystemPackage } from "./system-packages.js";

export const SCRIPT: SystemPackage = { name: "bsdutils", programs: ["/usr/bin/script"] };

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Default 100. */
  readonly columns?: number;
  /** Default 24. */
  readonly rows?: number;
}

export interface TestTerminal extends AsyncDisposable {
  /** Everything that was written to the terminal so far. */
  readonly output: string;
  /** What a screen that is redrawn from its upper left corner shows now, without colours, line by line. */
  screen(): string[];
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Sends a signal to the command itself. */
  signal(name: NodeJS.Signals): void;
  /** Exit code of the command. */
  readonly ended: Promise<number | null>;
}

/** Starts `ringcast` with these arguments in a terminal. */
export function openTerminal(args: readonly string[], options: TerminalOptions = {}): TestTerminal {
  const { columns = 100, rows = 24 } = options;
  const command = [process.env["RINGCAST_TEST_NODE"] ?? process.execPath, inject("launcher"), ...args];
  const line = `stty cols ${columns} rows ${rows} && exec ${command.map(quoted).join(" ")}`;
  const env = { ...withoutSettings(), TERM: "xterm", ...options.env };
  const child = spawn("/usr/bin/script", ["-qec", line, "/dev/null"], { env, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const pid = () => childOf(child.pid as number);
  return {
    get output() {
      return output;
    },
    screen: () => plain(output.slice(output.lastIndexOf("\u001b[H"))).split(/\r*\n/),
    type: (keys) => void child.stdin.write(keys),
    resize: (to, high) => {
      execFileSync("stty", ["-F", readlinkSync(`/proc/${pid()}/fd/1`), "cols", String(to), "rows", String(high)]);
    },
    signal: (name) => void process.kill(pid(), name),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The text without colours and what moves the cursor. */
export function plain(text: string): string {
  return text.replace(/\u001b\[[?\d;]*[A-Za-z]/g, "");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function withoutSettings(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("RINGCAST_") && !["NODE_OPTIONS", "NO_COLOR", "FORCE_COLOR"].includes(name),
  );
  return Object.fromEntries(entries);
}

/** The process that runs in the terminal: the only child of `script`. */
function childOf(parent: number): number {
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && parentOf(name) === parent);
  if (pid === undefined) throw new Error("The command in the terminal has ended.");
  return Number(pid);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It ended between the listing and now.
    return undefined;
  }
}
