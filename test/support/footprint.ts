/** What a hub takes of its machine, and what it holds for its clients. */
import { readdirSync, readFileSync } from "node:fs";
import { readExposition } from "./exposition.js";
import type { TestHub } from "./hub.js";
import { until } from "./until.js";

/** uWebSockets.js keeps the handle of a peer that doesn't answer the close frame for some 15 s more. */
const BACK_WITHIN_MS = 30_000;

export interface Footprint {
  /** Private memory that no file backs. */
  readonly rssAnonBytes: number;
  /** Open file descriptors. */
  readonly handles: number;
  readonly connections: number;
  readonly streams: number;
  readonly subscriptions: number;
  readonly cursors: number;
}

export async function footprintOf(hub: TestHub): Promise<Footprint> {
  const families = readExposition(await (await fetch(`${hub.url}/metrics`)).text());
  const gauge = (name: string): number => families.get(name)?.samples.get(name) ?? Number.NaN;
  return {
    rssAnonBytes: rssAnonBytes(hub.pid),
    handles: readdirSync(`/proc/${hub.pid}/fd`).length,
    connections: gauge("ringcast_connections"),
    streams: gauge("ringcast_event_streams"),
    subscriptions: gauge("ringcast_subscriptions"),
    cursors: gauge("ringcast_cursors"),
  };
}

/** @returns 0 while there is no such process */
export function rssAnonBytes(pid: number): number {
  try {
    return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Waits until the hub holds nothing for anybody beyond what it held before: connections, streams, subscriptions, cursors and handles. Memory is returned to be
 * judged by the caller, since nobody outside can ask for a collection.
 *
 * @param moreHandles files of logs, say, that may have been opened meanwhile
 */
export async function backToBase(hub: TestHub, base: Footprint, moreHandles = 0): Promise<Footprint> {
  let now = await footprintOf(hub);
  const isBack = async (): Promise<boolean> => {
    now = await footprintOf(hub);
    return (
      now.connections <= base.connections &&
      now.streams <= base.streams &&
      now.subscriptions <= base.subscriptions &&
      now.cursors <= base.cursors &&
      now.handles <= base.handles + moreHandles
    );
  };
  await until("the hub holds what it held before", isBack, BACK_WITHIN_MS).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}: ${JSON.stringify({ base, now })}`);
  });
  return now;
}

/** Looks at the hub's memory again and again, through its restarts. */
export class MemoryWatch implements Disposable {
  peakBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(hub: TestHub, everyMs = 50) {
    this.#timer = setInterval(() => {
      this.peakBytes = Math.max(this.peakBytes, rssAnonBytes(hub.pid));
    }, everyMs);
  }

  get peakMiB(): number {
    return Math.round(this.peakBytes / 1024 ** 2);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
