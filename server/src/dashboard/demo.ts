/**
 * The demo's half in the hub: fills an empty topic `quakes` by itself, starts the replay again when the page asks for it, and
 * after a restart goes on with a replay that was cut off.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { Runtime } from "../runtime/index.js";
import { QUAKES_TOPIC } from "./quake.js";
import { DEFAULT_SPEED, parseSpeed, readMark, replayWeek, type ReplayMessage } from "./replay.js";
import type { ReportedQuake } from "./week.js";

/** What the demo needs of the hub. */
export interface DemoHub {
  /** Settles when the message is stored; creates the topic. */
  publish(topic: string, message: ReplayMessage): Promise<unknown>;
  /** The newest record of a topic; undefined when the topic doesn't exist or is empty. */
  newest(topic: string): Promise<{ readonly headers: Readonly<Record<string, string>> | undefined } | undefined>;
}

/** Where the demo says what it does. */
export interface DemoLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DemoParts {
  readonly hub: DemoHub;
  readonly runtime: Pick<Runtime, "monotonicMs" | "setTimer" | "randomId">;
  readonly log: DemoLog;
  readonly week: readonly ReportedQuake[];
}

/** A route of the demo; `handle` gets the parsed JSON body (undefined without one) and may throw a RingcastError. */
export interface DemoRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  handle(body: unknown): { readonly status: number; readonly body: ReplayState };
}

/** How far the hub's own replay is. */
export interface ReplayState {
  readonly running: boolean;
  /** Hours of the week a second; 0 before the first replay. */
  readonly speed: number;
  /** Quakes published so far. */
  readonly done: number;
  readonly total: number;
}

export interface Demo {
  readonly routes: readonly DemoRoute[];
  /** Starts the replay if `quakes` is empty, goes on with one that a restart cut off. Call it once the hub is listening. */
  start(): Promise<void>;
  /** Ends the replay. Can be called twice. */
  close(): void;
}

/** Ids of replays that the hub makes begin so; only these are gone on with after a restart, others have their own publisher. */
const OWN_PREFIX = "hub-";
const ID_LENGTH = 12;

export function createDemo(parts: DemoParts): Demo {
  return new HubDemo(parts);
}

class HubDemo implements Demo {
  readonly routes: readonly DemoRoute[] = [
    { method: "GET", path: "/demo/replay", handle: () => ({ status: 200, body: this.#state }) },
    {
      method: "POST",
      path: "/demo/replay",
      handle: (body) => {
        this.#begin({ replay: this.#newId(), first: 0, speed: readSpeed(body) });
        return { status: 202, body: this.#state };
      },
    },
  ];
  readonly #parts: DemoParts;
  #state: ReplayState;
  #running = new AbortController();
  #closed = false;

  constructor(parts: DemoParts) {
    this.#parts = parts;
    this.#state = { running: false, speed: 0, done: 0, total: parts.week.length };
  }

  async start(): Promise<void> {
    const newest = await this.#parts.hub.newest(QUAKES_TOPIC);
    if (newest === undefined) {
      this.#begin({ replay: this.#newId(), first: 0, speed: DEFAULT_SPEED });
      return;
    }
    const mark = readMark(newest.headers);
    if (mark === undefined || !mark.replay.startsWith(OWN_PREFIX) || mark.index + 1 >= this.#parts.week.length) return;
    this.#begin({ replay: mark.replay, first: mark.index + 1, speed: mark.speed });
  }

  close(): void {
    this.#closed = true;
    this.#running.abort();
  }

  #newId(): string {
    return OWN_PREFIX + this.#parts.runtime.randomId(ID_LENGTH);
  }

  /** Ends the replay that runs, if any, and starts another. */
  #begin({ replay, first, speed }: { replay: string; first: number; speed: number }): void {
    this.#running.abort();
    if (this.#closed) return;
    const { hub, log, runtime, week } = this.#parts;
    const running = new AbortController();
    this.#running = running;
    this.#state = { running: true, speed, done: first, total: week.length };
    log.info({ replay, speed, from: first, quakes: week.length }, "the replay of the quakes starts");
    const publish = (message: ReplayMessage) => hub.publish(QUAKES_TOPIC, message);
    const progress = (done: number) => {
      if (this.#running === running) this.#state = { ...this.#state, done };
    };
    replayWeek({ week, replay, speed, first, clock: runtime, signal: running.signal, publish, progress })
      .catch((error: unknown) => {
        if (!(error instanceof RingcastError && error.code === "shutting_down")) {
          log.error({ replay, err: error }, "the replay of the quakes stopped");
        }
      })
      .finally(() => {
        if (this.#running === running) this.#state = { ...this.#state, running: false };
      });
  }
}

function readSpeed(body: unknown): number {
  if (body === undefined) return DEFAULT_SPEED;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return parseSpeed((body as { speed?: unknown }).speed);
  }
  throw new RingcastError("bad_request", `The body must be an object like {"speed": 2}, not ${shown(body)}.`, {
    field: "body",
  });
}
