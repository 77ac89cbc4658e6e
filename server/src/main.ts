/**
 * Runs a hub as a process: starts it, says when it is ready, stops it in order when a signal comes, and gives the exit code. What a
 * hub is made of stands in running-hub.ts.
 */
import { setFlagsFromString } from "node:v8";
import { RingcastError } from "@ringcast/protocol";
import type { LoadedConfig } from "./config/index.js";
import { startHub, type RunningHub } from "./running-hub.js";
import { createLogger, type Logger } from "./telemetry/index.js";

export { startHub } from "./running-hub.js";
export type { RunningHub } from "./running-hub.js";

const EXIT_OK = 0;
const EXIT_FAILURE = 1;
/** Something about the configuration, the data folder included, is to be mended before another try. */
const EXIT_CONFIGURATION = 2;

/** How much longer than `drainTimeoutMs` the last sync and the closing of the logs may take. */
const CLOSE_TIMEOUT_MS = 10_000;
/** What keeps the event loop alive although everything was closed may do so for this long. */
const LINGER_MS = 500;

/**
 * Runs a hub until a signal stops it. Prints one line on standard output when it is ready to serve.
 *
 * @returns the exit code: 0 after a stop in order, 1 for a failure such as a port in use, 2 for what is to be mended in the configuration
 */
export async function serve(loaded: LoadedConfig): Promise<number> {
  const { logLevel, logFormat } = loaded.config;
  const log = createLogger({ level: logLevel, format: logFormat });
  for (const warning of loaded.warnings) log.warn({}, warning);
  const signals = new StopSignals();
  let hub: RunningHub | undefined;
  process.on("SIGHUP", () => hub?.reload());
  try {
    hub = await startHub(loaded, log);
    keepYoungGeneration();
    process.stdout.write(`ringcast listening on ${hub.url}\n`);
    const signal = await signals.first;
    const { drainTimeoutMs } = hub;
    log.info({ signal, drainTimeoutMs }, "stopping; a second signal stops at once");
    exitAtTheLatest(drainTimeoutMs + CLOSE_TIMEOUT_MS, EXIT_FAILURE);
    await hub.stop();
    log.info({}, "stopped");
  } catch (error) {
    return explain(error, log);
  }
  exitAtTheLatest(LINGER_MS, EXIT_OK);
  return EXIT_OK;
}

/**
 * V8 doubles the memory for young objects, up to 2 × 16 MiB, when much of it survives, as the sessions of some thousand new connections do, and never gives it back. It
 * stays as the start has made it, 2 × 4 or 2 × 8 MiB: 10,000 idle connections take 3.3 instead of 4.7 KB each.
 */
function keepYoungGeneration(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Listens for SIGTERM and SIGINT from the start on. The first one is for the hub to stop in order, the second ends the process. */
class StopSignals {
  /** Settles with the name of the first signal. */
  readonly first: Promise<NodeJS.Signals>;

  constructor() {
    this.first = new Promise((resolve) => {
      let received = 0;
      const take = (signal: NodeJS.Signals): void => {
        received += 1;
        if (received > 1) process.exit(EXIT_FAILURE);
        resolve(signal);
      };
      process.on("SIGTERM", take);
      process.on("SIGINT", take);
    });
  }
}

/** The timer alone keeps no process alive: it fires only if something else does. */
function exitAtTheLatest(delayMs: number, code: number): void {
  setTimeout(() => process.exit(code), delayMs).unref();
}

/** Logs the sentence of an error that was foreseen; anything else is ours and is thrown on with its stack. */
function explain(error: unknown, log: Logger): number {
  if (!(error instanceof RingcastError)) throw error;
  log.error(error.details, error.message);
  return error.details["field"] === undefined ? EXIT_FAILURE : EXIT_CONFIGURATION;
}
