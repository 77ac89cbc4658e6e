/** The command line: finds the command, prints help, turns errors into exit codes. */
import { readFileSync } from "node:fs";
import { RingcastError } from "@ringcast/protocol";
import { exportTopics } from "./backup/export.js";
import { importTopics } from "./backup/import.js";
import { check } from "./check.js";
import type { Command } from "./command.js";
import { CONFIG_SUMMARY, configHelp, runConfig } from "./config.js";
import { demo } from "./demo.js";
import { health } from "./health.js";
import { history } from "./history.js";
import { pub } from "./pub.js";
import { runServe, SERVE_SUMMARY, serveHelp, type Serve } from "./serve.js";
import { sub } from "./sub.js";
import { createTerminal, EXIT, sayError, type Terminal } from "./terminal.js";
import { top } from "./top/top.js";
import { topic } from "./topic.js";
import { topics } from "./topics.js";
import { describeOptions, readArguments, UsageError } from "./usage.js";

export type { Serve } from "./serve.js";

/** serve and config take the settings of the hub instead of options of their own. */
type Entry = Command | Pick<Command, "name" | "summary">;
/** The commands as the overview lists them. */
const GROUPS: readonly (readonly [title: string, entries: readonly Entry[]])[] = [
  [
    "Running a hub",
    [{ name: "serve", summary: SERVE_SUMMARY }, { name: "config", summary: CONFIG_SUMMARY }, health, top, check],
  ],
  ["Messages", [pub, sub, history]],
  ["Topics", [topics, topic]],
  ["Backups", [exportTopics, importTopics]],
  ["Trying it", [demo]],
];
const COMMANDS: readonly Command[] = GROUPS.flatMap(([, entries]) =>
  entries.filter((entry): entry is Command => "run" in entry),
);
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
  if (name === "serve" && !wantsHelp) return runServe(rest, serve);
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
  if (name === "help") return printText(rest[0] === undefined ? overview() : helpOf(rest[0]), terminal);
  if (wantsHelp) return printText(helpOf(name), terminal);
  if (name === "config") return runConfig(rest, terminal);
  const command = find(name);
  return command.run(readArguments(rest, command.options), terminal);
}

function find(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  throw new UsageError(`There is no command ${JSON.stringify(name)}.`);
}

function explain(error: unknown, name: string | undefined, terminal: Terminal): number {
  if (error instanceof UsageError) {
    sayError(terminal, error.message);
    const isKnown = COMMANDS.some((each) => each.name === name);
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

function helpOf(name: string): string {
  if (name === "serve") return serveHelp();
  if (name === "config") return configHelp();
  const { usage, summary, options, notes, examples } = find(name);
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
