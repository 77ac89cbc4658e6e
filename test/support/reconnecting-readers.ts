/** Thousands of subscribers in processes of their own, which come back whenever their connection breaks. */
import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ReconnectingEvent } from "./readers/reconnecting.js";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "readers/reconnecting.ts");

export interface ReconnectingOptions {
  readonly port: number;
  readonly topic: string;
  readonly subscribers: number;
  /** Each with its share of them. */
  readonly processes: number;
}

/** How they came back. */
export interface Resumption {
  /** From the first lost connection to the last reader that had what it missed, milliseconds. */
  readonly lastMs: number;
  /** For each reader, ascending. */
  readonly tookMs: readonly number[];
}

export class ReconnectingReaders implements AsyncDisposable {
  readonly #processes: readonly Process[];

  private constructor(processes: readonly Process[]) {
    this.#processes = processes;
  }

  /** Starts them, and waits until all have subscribed. */
  static async start({ port, topic, subscribers, processes }: ReconnectingOptions): Promise<ReconnectingReaders> {
    const shares = Array.from({ length: processes }, (_, n) => Math.floor((subscribers + n) / processes));
    const all = shares.map((share) => new Process(port, topic, share));
    await Promise.all(all.map((each) => each.next("subscribed")));
    return new ReconnectingReaders(all);
  }

  /** Resets all connections at once. */
  cut(): void {
    for (const each of this.#processes) each.send("cut");
  }

  /** Waits until all have lost their connection and come back. */
  async resumed(): Promise<Resumption> {
    const all = await Promise.all(this.#processes.map((each) => each.next("resumed")));
    const lostAt = Math.min(...all.map((each) => each.lostAt));
    return {
      lastMs: Math.max(...all.map((each) => each.resumedAt)) - lostAt,
      tookMs: all.flatMap((each) => each.tookMs).toSorted((a, b) => a - b),
    };
  }

  /** Waits until all have everything before an offset. @returns gaps, and deliveries that did not go on where the reader stood, since the start */
  async reach(offset: number): Promise<{ readonly gaps: number; readonly breaks: number }> {
    for (const each of this.#processes) each.send(`reach ${offset}`);
    const all = await Promise.all(this.#processes.map((each) => each.next("reached")));
    return {
      gaps: all.reduce((sum, { gaps }) => sum + gaps, 0),
      breaks: all.reduce((sum, { breaks }) => sum + breaks, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end()));
  }
}

type EventOf<Type extends ReconnectingEvent["type"]> = Extract<ReconnectingEvent, { type: Type }>;

class Process {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #events: ReconnectingEvent[] = [];
  readonly #ended: Promise<void>;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(port: number, topic: string, subscribers: number) {
    const args = ["--import", "tsx", PROGRAM, String(port), topic, String(subscribers)];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#ended = new Promise((resolve) =>
      child.once("exit", () => {
        this.#isEnded = true;
        this.#wake();
        resolve();
      }),
    );
    child.stdin.on("error", () => undefined);
    this.#lines = createInterface(child.stdout).on("line", (line) => {
      this.#events.push(JSON.parse(line) as ReconnectingEvent);
      this.#wake();
    });
  }

  send(command: string): void {
    this.#child.stdin?.write(`${command}\n`);
  }

  /** The next event of this type; others stay. */
  async next<Type extends ReconnectingEvent["type"]>(type: Type): Promise<EventOf<Type>> {
    for (;;) {
      const at = this.#events.findIndex((event) => event.type === type);
      if (at >= 0) return this.#events.splice(at, 1)[0] as EventOf<Type>;
      if (this.#isEnded) throw new Error(`Readers ended before they were ${type}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
    this.#lines.close();
  }
}
