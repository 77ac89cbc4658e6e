/**
 * Plays the week of quakes as if it happened now, only faster: each quake is published when it is due. Where the messages go
 * is handed in, so that the hub replays into itself and `ringcast demo` through the SDK.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { Runtime } from "../runtime/index.js";
import type { Quake } from "./quake.js";
import type { ReportedQuake } from "./week.js";

/** Hours of the week that pass in a second: the whole week takes 84 s. */
export const DEFAULT_SPEED = 2;
/** The whole week in five and a half hours. */
export const LEAST_SPEED = 0.01;
/** The whole week at once, as fast as the hub takes it. */
export const MOST_SPEED = 1000;

/** One message of a replay. */
export interface ReplayMessage {
  readonly data: Quake;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Which replay a message belongs to; written into its headers, so that a page can tell runs apart and a hub can go on. */
export interface ReplayMark {
  /** Unique for each run. */
  readonly replay: string;
  /** Place of the quake in the week, from 0. */
  readonly index: number;
  /** Hours a second. */
  readonly speed: number;
}

export interface ReplayOptions {
  readonly week: readonly ReportedQuake[];
  readonly replay: string;
  /** Hours of the week a second, see {@link parseSpeed}. */
  readonly speed: number;
  /** Index of the first quake to publish; 0 unless an interrupted replay goes on. */
  readonly first: number;
  readonly clock: Pick<Runtime, "monotonicMs" | "setTimer">;
  readonly signal: AbortSignal;
  /** Settles when the message is stored. */
  publish(message: ReplayMessage): Promise<unknown>;
  /** Called after each publish with the number of quakes that are done. */
  progress?(done: number): void;
}

/** Wait before a publish that was refused for the moment is tried again. */
const RETRY_DELAY_MS = 500;
const MS_PER_HOUR = 3_600_000;

/**
 * Publishes the week from `first` on, one after the other, each when it is due. What is late is published at once.
 *
 * @returns true when the week is over, false when `signal` ended it before
 * @throws what `publish` throws, unless it is worth another try
 */
export async function replayWeek(options: ReplayOptions): Promise<boolean> {
  const { week, first, speed, clock } = options;
  const begin = week[first]?.quake.time ?? 0;
  const startedMs = clock.monotonicMs();
  for (let index = first; index < week.length; index++) {
    const { network, quake } = week[index] as ReportedQuake;
    const dueMs = ((quake.time - begin) / MS_PER_HOUR / speed) * 1000;
    if (!(await sleep(dueMs - (clock.monotonicMs() - startedMs), options))) return false;
    const headers = toHeaders({ replay: options.replay, index, speed });
    if (!(await publishOrRetry({ data: quake, key: network, headers }, options))) return false;
    options.progress?.(index + 1);
  }
  return true;
}

/**
 * Reads the mark of a replay from a message's headers.
 * @returns undefined when the message is not from a replay
 */
export function readMark(headers: Readonly<Record<string, string>> | undefined): ReplayMark | undefined {
  const replay = headers?.["replay"];
  const index = Number(headers?.["replay-index"]);
  const speed = Number(headers?.["replay-speed"]);
  if (replay === undefined || !Number.isSafeInteger(index) || index < 0 || !isSpeed(speed)) return undefined;
  return { replay, index, speed };
}

/**
 * Checks a speed that came from outside; absent is the default.
 * @throws RingcastError `bad_request`
 */
export function parseSpeed(value: unknown): number {
  if (value === undefined) return DEFAULT_SPEED;
  if (isSpeed(value)) return value;
  throw new RingcastError(
    "bad_request",
    `The speed must be a number of hours a second from ${LEAST_SPEED} to ${MOST_SPEED}, not ${shown(value)}.`,
    { field: "speed" },
  );
}

/** Whether a value is a speed: a number of hours a second from {@link LEAST_SPEED} to {@link MOST_SPEED}. */
export function isSpeed(value: unknown): value is number {
  return typeof value === "number" && value >= LEAST_SPEED && value <= MOST_SPEED;
}

function toHeaders({ replay, index, speed }: ReplayMark): Record<string, string> {
  return { replay, "replay-index": `${index}`, "replay-speed": `${speed}` };
}

async function publishOrRetry(message: ReplayMessage, options: ReplayOptions): Promise<boolean> {
  for (;;) {
    try {
      await options.publish(message);
      return true;
    } catch (error) {
      if (!(error instanceof RingcastError) || !error.retryable || error.code === "shutting_down") throw error;
      if (!(await sleep(RETRY_DELAY_MS, options))) return false;
    }
  }
}

/**
 * Waits, at most until `signal` ends the replay; not at all when `delayMs` is not above 0.
 * @returns whether the replay goes on
 */
async function sleep(delayMs: number, { clock, signal }: ReplayOptions): Promise<boolean> {
  if (delayMs <= 0 || signal.aborted) return !signal.aborted;
  await new Promise<void>((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimer(Math.ceil(delayMs), end);
    signal.addEventListener("abort", end);
  });
  return !signal.aborted;
}
