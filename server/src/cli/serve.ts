/** `ringcast serve`: reads the configuration and hands it to the hub. */
import { ConfigError, loadConfig, optionsHelp, type LoadedConfig } from "../config/index.js";
import { EXIT } from "./terminal.js";

/** Runs a hub until it is stopped; handed over by whoever starts us, so that other commands load nothing native. */
export type Serve = (loaded: LoadedConfig) => Promise<number>;

/** Help text of `ringcast serve`; its options are the settings. */
export function serveHelp(): string {
  return `Usage: ringcast serve [options]

Runs a hub until SIGINT or SIGTERM; it then drains its connections and ends with 0.

${optionsHelp()}
Examples:
  ringcast serve                          on 127.0.0.1:7447, with its logs in ./data
  ringcast serve --demo                   with the demo page at /demo
  RINGCAST_TOKEN=… ringcast serve --host 0.0.0.0
                                          for other machines, guarded by a token
`;
}

/**
 * @returns exit code of the hub; 2 for a configuration error
 */
export async function runServe(argv: readonly string[], serve: Serve): Promise<number> {
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig({ argv, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return EXIT.usage;
  }
  return serve(loaded);
}
