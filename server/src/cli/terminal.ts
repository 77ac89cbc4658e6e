/**
 * The two streams that a command writes to, and what it may do there: results go to standard output, as JSON lines where that is
 * no terminal; everything else goes to standard error.
 */
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { printable } from "./printable.js";

type Style = Parameters<typeof styleText>[0];

/** How a command ended; the process's exit code. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

export interface Terminal {
  /** Results are read by a person: aligned and coloured, instead of JSON lines. */
  readonly isOutTerminal: boolean;
  /** Progress can be drawn. */
  readonly isErrTerminal: boolean;
  /** Aborted by SIGINT, SIGTERM, or when nobody reads standard output any more: the command ends in good order. */
  readonly interrupted: AbortSignal;
  /** Writes a line of results; waits while the reader is slower than we are. */
  print(line: string): Promise<void>;
  /** Writes one result as a line of JSON. */
  printJson(value: unknown): Promise<void>;
  /** Writes a line for people to standard error. */
  say(line: string): void;
  /** Draws over the last line of standard error; an empty text takes it away. Does nothing where that is no terminal. */
  draw(line: string): void;
  /** Width of standard error's terminal. */
  readonly columns: number;
  /** Colours a text for standard output, where it is a terminal that wants colours. */
  colour(style: Style, text: string): string;
  /** The same for standard error. */
  errColour(style: Style, text: string): string;
  /** Asks a question that is answered with y or n; no where nobody can be asked. */
  confirm(question: string): Promise<boolean>;
}

const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = "\r\u001b[2K";
/** Exit code of a command that a second Ctrl+C ends at once: 128 and the number of SIGINT. */
const KILLED_BY_SIGINT = 130;

/** The terminal of this process. Listens to its signals from now on. */
export function createTerminal(): Terminal {
  return new ProcessTerminal();
}

class ProcessTerminal implements Terminal {
  readonly isOutTerminal = process.stdout.isTTY;
  readonly isErrTerminal = process.stderr.isTTY;
  readonly #interrupting = new AbortController();
  readonly interrupted = this.#interrupting.signal;
  #isDrawn = false;

  constructor() {
    const interrupt = () => {
      if (this.interrupted.aborted) process.exit(KILLED_BY_SIGINT);
      this.#interrupting.abort();
    };
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") {
          // The reader (head, less) has seen enough.
          this.#interrupting.abort();
          return;
        }
        if (stream === process.stdout) this.say(`error: The output can't be written (${error.code ?? error.message}).`);
        process.exit(EXIT.failure);
      });
    }
  }

  get columns(): number {
    return process.stderr.columns || DEFAULT_COLUMNS;
  }

  async print(line: string): Promise<void> {
    if (this.isOutTerminal) this.draw("");
    if (process.stdout.destroyed || process.stdout.write(`${line}\n`)) return;
    // Nobody would wake us any more: the interruption has been, and who went away drains nothing.
    if (this.interrupted.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        process.stdout.off("drain", end);
        this.interrupted.removeEventListener("abort", end);
        resolve();
      };
      process.stdout.on("drain", end);
      this.interrupted.addEventListener("abort", end);
    });
  }

  printJson(value: unknown): Promise<void> {
    return this.print(JSON.stringify(value));
  }

  say(line: string): void {
    this.draw("");
    process.stderr.write(`${line}\n`);
  }

  draw(line: string): void {
    if (!this.isErrTerminal || (line === "" && !this.#isDrawn)) return;
    process.stderr.write(CLEAR_LINE + line);
    this.#isDrawn = line !== "";
  }

  colour(style: Style, text: string): string {
    return wantsColour(process.stdout) ? styleText(style, text) : text;
  }

  errColour(style: Style, text: string): string {
    return wantsColour(process.stderr) ? styleText(style, text) : text;
  }

  async confirm(question: string): Promise<boolean> {
    if (!process.stdin.isTTY || !this.isErrTerminal) return false;
    const reader = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await reader.question(`${question} [y/N] `, { signal: this.interrupted });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      reader.close();
    }
  }
}

/** @see https://no-color.org */
function wantsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
}

/** The line that tells of a failure. */
export function sayError(terminal: Terminal, message: string): void {
  terminal.say(`${terminal.errColour("red", "error:")} ${printable(message)}`);
}
