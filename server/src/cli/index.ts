/** The command line: finds the command, prints help, turns errors into exit codes. */
import { readFileSync } from "node:fs";
import { RingcastError } from "@ringcast/protocol";
import { findCommand, GROUPS, type CommandEntry, type Entry } from "./commands.js";
import type { Serve } from "./serve.js";
import { createTerminal, EXIT, sayError, type Terminal } from "./terminal.js";
import { describeOptions, readArguments, UsageError } from "./usage.js";

export type { Serve } from "./serve.js";

const NAME_WIDTH = 10;

/**
 * Runs `ringcast` with these arguments.
 *
 * @param argv arguments behind `ringcast`
 * @returns the exit code: 0 when all went well, 1 for a failure, 2 where command line or configuration can't be meant
 */
export async function run(argv: readonly string[], { serve }: { serve: Serve }): Promise<number> {
  const [name, ...rest] = argv;
  const wantsHelp = rest.some((argument) => argument === "--help" || argument === "-h");
  if (name === "serve" && !wantsHelp) return (await import("./serve.js")).runServe(rest, serve);
  const terminal = createTerminal();
  try {
    return await dispatch(name, rest, wantsHelp, terminal);
  } catch (error) {
    terminal.draw("");
    return explain(error, name, terminal);
  }
}

async function dispatch(
  name: string | undefined,
  rest: readonly string[],
  wantsHelp: boolean,
  terminal: Terminal,
): Promise<number> {
  if (name === "--version" || name === "-v") return printText(version(), terminal);
  if (name === undefined || name === "--help" || name === "-h") return printText(overview(), terminal);
  if (name === "help") return printText(rest[0] === undefined ? overview() : await helpOf(rest[0]), terminal);
  if (wantsHelp) return printText(await helpOf(name), terminal);
  if (name === "config") return (await import("./config.js")).runConfig(rest, terminal);
  const command = await find(name).load();
  return command.run(readArguments(rest, command.options), terminal);
}

/** @throws UsageError where there is none of that name */
function find(name: string): CommandEntry {
  const entry = findCommand(name);
  if (entry !== undefined) return entry;
  throw new UsageError(`There is no command ${JSON.stringify(name)}.`);
}

function explain(error: unknown, name: string | undefined, terminal: Terminal): number {
  if (error instanceof UsageError) {
    sayError(terminal, error.message);
    const isKnown = name !== undefined && findCommand(name) !== undefined;
    terminal.say(`See "ringcast ${isKnown ? `${name} ` : ""}--help".`);
    return EXIT.usage;
  }
  // Who ended the command, or closed its output, knows why it stopped.
  if (terminal.interrupted.aborted) return EXIT.ok;
  if (error instanceof RingcastError) {
    sayError(terminal, error.message);
    return EXIT.failure;
  }
  throw error;
}

async function helpOf(name: string): Promise<string> {
  if (name === "serve") return (await import("./serve.js")).serveHelp();
  if (name === "config") return (await import("./config.js")).configHelp();
  const { summary, load } = find(name);
  const { usage, options, notes, examples } = await load();
  const forms = usage.map((form, index) => `${index === 0 ? "Usage:" : "      "} ringcast ${name} ${form}\n`).join("");
  const lines = examples.map(([line, meaning]) => `  ${line}\n      ${meaning}\n`).join("");
  const more = notes === undefined ? "" : `\n${notes}\n`;
  return `${forms}\n${summary}.\n\nOptions:\n${describeOptions(options)}${more}\nExamples:\n${lines}`;
}

function overview(): string {
  const line = ({ name, summary }: Entry) => `  ${name.padEnd(NAME_WIDTH)}${summary}\n`;
  const groups = GROUPS.map(([title, entries]) => `${title}:\n${entries.map(line).join("")}`);
  return `Usage: ringcast <command> [options]

A WebSocket pub/sub hub whose every message lives once, in a ring log.

${groups.join("\n")}
"ringcast <command> --help" tells more, "ringcast --version" the version. Results are lines of JSON where
standard output is no terminal. Exit codes: 0 all went well, 1 failure, 2 usage or configuration.
`;
}

async function printText(text: string, terminal: Terminal): Promise<number> {
  await terminal.print(text.trimEnd());
  return EXIT.ok;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return `ringcast ${(JSON.parse(text) as { version: string }).version}`;
}
