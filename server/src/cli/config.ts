/** `ringcast config`: prints the configuration in force, with where each value comes from. */
import { ConfigError, effectiveConfig, loadConfig, optionsHelp, type EffectiveSetting } from "../config/index.js";
import { printable } from "./printable.js";
import { EXIT, sayError, type Terminal } from "./terminal.js";

/** Help text of `ringcast config`; it takes the options of `serve`. */
export function configHelp(): string {
  return `Usage: ringcast config [options of serve]

Prints every setting with its value and where it comes from; secrets are masked. Piped, each setting is
a line of JSON: {"key":…,"value":…,"source":…,"from":…}. A configuration error ends it with exit code 2.

${optionsHelp()}
Examples:
  ringcast config                         what "ringcast serve" would use here
  ringcast config --port 8000             with a flag on top
  ringcast config | grep '"key":"data"'
`;
}

/** @returns exit code */
export async function runConfig(argv: readonly string[], terminal: Terminal): Promise<number> {
  let settings: readonly EffectiveSetting[];
  try {
    const loaded = loadConfig({ argv, env: process.env, cwd: process.cwd() });
    for (const warning of loaded.warnings)
      terminal.say(`${terminal.errColour("yellow", "warning:")} ${printable(warning)}`);
    settings = effectiveConfig(loaded);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    sayError(terminal, error.message);
    return EXIT.usage;
  }
  if (terminal.isOutTerminal) await printTable(settings, terminal);
  else for (const setting of settings) await terminal.printJson(setting);
  return EXIT.ok;
}

async function printTable(settings: readonly EffectiveSetting[], terminal: Terminal): Promise<void> {
  const width = Math.max(...settings.map(({ key }) => key.length));
  for (const { key, value, source, from } of settings) {
    const text = printable(JSON.stringify(value));
    const origin = source === "default" ? terminal.colour("dim", "default") : terminal.colour("cyan", printable(from));
    await terminal.print(`${terminal.colour("bold", key.padEnd(width))}  ${text}  ${origin}`);
  }
}
