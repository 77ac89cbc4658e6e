/** `ringcast health`: asks whether the hub of this machine or container is well; for health checks, which have no curl. */
import { RingcastError } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { exchange } from "./http-exchange.js";
import { HUB_OPTIONS, readHubAddress } from "./hub-access.js";
import { printable } from "./printable.js";
import { EXIT } from "./terminal.js";
import { UsageError, type Arguments } from "./usage.js";

const DEFAULT_TIMEOUT_MS = 4000;
/** Addresses to listen on that are none to call. */
const ANY_ADDRESS = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "[::1]"],
]);

export const health: Command = {
  usage: ["[options]"],
  options: {
    ready: { type: "boolean", description: "Asks for /readyz: fails while it starts, drains or can't store" },
    timeout: { type: "string", placeholder: "<ms>", description: `How long to wait (default ${DEFAULT_TIMEOUT_MS})` },
    ...HUB_OPTIONS,
  },
  notes: `Without an address it asks the hub that the settings here describe (variables and ringcast.config.json), as
"ringcast serve" would run it. The certificate of such a hub is not verified: it need not name this machine.`,
  examples: [
    ["ringcast health", "exit code 0: the hub answers"],
    ["ringcast health --ready --url https://hub.example", "0: it serves"],
  ],
  run: async (args, terminal) => {
    if (args.positionals.length > 0) throw new UsageError("ringcast health takes options only.");
    const own = isNamed(args) ? undefined : await ownAddress();
    const url = (own ?? readHubAddress(args).url) + (args.isOn("ready") ? "/readyz" : "/healthz");
    const timeoutMs = args.integer("timeout", 1) ?? DEFAULT_TIMEOUT_MS;
    const { status, body } = await ask(url, timeoutMs, { verify: own === undefined });
    const isWell = status === 200;
    if (!isWell && terminal.isErrTerminal) terminal.say(printable(body));
    if (terminal.isOutTerminal) await terminal.print(isWell ? "well" : `answered ${status}`);
    else await terminal.print(body);
    return isWell ? EXIT.ok : EXIT.failure;
  },
};

function isNamed(args: Arguments): boolean {
  return args.text("url") !== undefined || (process.env["RINGCAST_URL"] ?? "") !== "";
}

/** Where "ringcast serve" would listen with the settings of this environment. */
async function ownAddress(): Promise<string> {
  // Loaded here alone: the settings take longer to load than the hub to answer.
  const { ConfigError, loadConfig } = await import("../config/index.js");
  try {
    const { config } = loadConfig({ argv: [], env: process.env, cwd: process.cwd() });
    const host = ANY_ADDRESS.get(config.host) ?? (config.host.includes(":") ? `[${config.host}]` : config.host);
    return `${config.tlsCert === "" ? "http" : "https"}://${host}:${config.port}`;
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    throw error;
  }
}

async function ask(
  url: string,
  timeoutMs: number,
  { verify }: { verify: boolean },
): Promise<{ status: number; body: string }> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { status, text } = await exchange(url, { verify, signal, isOnly: true });
    return { status, body: text.trim() };
  } catch (cause) {
    const reason = signal.aborted || !(cause instanceof Error) ? `within ${timeoutMs} ms` : `(${cause.message})`;
    throw new RingcastError("unavailable", `No hub answers at ${url} ${reason}.`, {}, { cause });
  }
}
