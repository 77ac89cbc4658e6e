/**
 * The hub's log: one line per thing an operator should know, on standard error. JSON for machines, short text on a terminal.
 * Whatever strangers sent (topic names, addresses) can't break a line or steer a terminal: control characters are escaped in both.
 */
import { writeSync } from "node:fs";
import { pino } from "pino";

/** Facts first, then the sentence. Facts named `err` may be an Error. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** A logger whose level can change while it is in use. */
export interface AdjustableLogger extends Logger {
  level: string;
}

/** `auto`: text where standard error is a terminal, JSON elsewhere. */
export type LogFormat = "auto" | "json" | "text";

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes whole lines; standard error when left out. */
  readonly write?: (line: string) => void;
}

/** Makes the logger of a process. Lines are written at once, so that the last ones before a crash are there. */
export function createLogger(options: LoggerOptions): AdjustableLogger {
  const write = options.write ?? writeToStderr;
  const asText = options.format === "text" || (options.format === "auto" && process.stderr.isTTY);
  const destination = { write: (line: string) => write(asText ? textLine(line, process.stderr.isTTY) : escaped(line)) };
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, destination);
}

const formatters = { level: (label: string) => ({ level: label }) };
const STDERR = 2;
const COLOURS: Readonly<Record<string, string>> = { debug: "90", info: "36", warn: "33", error: "31" };
/** Beyond what JSON escapes by itself: C1 controls, line and paragraph separators, and marks that turn the reading direction. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function writeToStderr(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch {
    // EAGAIN or EPIPE: whoever should read the log doesn't. The hub goes on without this line.
  }
}

function escaped(line: string): string {
  return line.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `12:30:01.250 INFO  the sentence  topic="orders" offset=12`, and below it the stack of an error. */
function textLine(json: string, coloured: boolean): string {
  const { time, level, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const label = String(level);
  const name = label.toUpperCase().padEnd(5);
  const mark = coloured ? `\u001b[${COLOURS[label] ?? "0"}m${name}\u001b[0m` : name;
  const facts = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const clock = String(time).slice("2000-01-01T".length, -1);
  const stack = err === undefined ? "" : `\n${stackOf(err)}`;
  const line = escaped(`${JSON.stringify(msg).slice(1, -1).replaceAll('\\"', '"')}${facts.join("")}`);
  return `${clock} ${mark} ${line}${escaped(stack)}\n`;
}

function stackOf(err: unknown): string {
  const stack = typeof err === "object" && err !== null && "stack" in err ? String(err.stack) : JSON.stringify(err);
  return stack.replace(/[\u0000-\u0009\u000b-\u001f]/g, " ");
}
