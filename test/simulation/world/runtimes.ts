/** The runtimes of hub and SDK over the scheduler: virtual clocks, seeded randomness, and turns that end when the scheduler says so. */
import type { Runtime as SdkRuntime } from "@ringcast/client";
import type { Runtime as HubRuntime } from "../../../server/src/runtime/index.js";
import type { Random } from "../../support/random.js";
import type { Host, Scheduler } from "./scheduler.js";

/** Milliseconds since 1970 at the beginning of each run. */
export const BEGIN_MS = 1_763_600_000_000;
const ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
/** Node waits a millisecond at least. */
const SHORTEST_TIMER_MS = 1;
/** A timer of more than 31 bits is as good as none. */
const LONGEST_TIMER_MS = 0x7fff_ffff;
/** One turn in so many lasts longer, so that more frames come in it. */
const LONG_TURN_ONE_IN = 8;
const LONG_TURN_MS = 4;

/** The wall clock of a machine, which may jump. */
export class WallClock {
  /** How far it is ahead. */
  aheadMs = 0;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  nowMs(): number {
    return BEGIN_MS + Math.floor(this.#scheduler.nowMs) + this.aheadMs;
  }
}

export interface HubRuntimeOptions {
  readonly scheduler: Scheduler;
  readonly host: Host;
  readonly wall: WallClock;
  readonly random: Random;
  /** Microseconds that pass at most between two looks at the clock: work takes its time. */
  readonly workUs: number;
}

export function hubRuntime({ scheduler, host, wall, random, workUs }: HubRuntimeOptions): HubRuntime {
  let endings: (() => void)[] = [];
  const endTurn = (): void => {
    const ended = endings;
    endings = [];
    scheduler.goOn(host, ended);
  };
  return {
    nowMs: () => wall.nowMs(),
    monotonicMs: () => {
      if (workUs > 0 && !host.isDead) scheduler.spend(random.below(workUs) / 1_000);
      return scheduler.nowMs;
    },
    random: () => fractionOf(random),
    randomId: (length) => idOf(random, length),
    setTimer: (delayMs, callback) => scheduler.schedule(timerMs(delayMs), host, callback),
    endOfTurn: (callback) => {
      if (endings.push(callback) > 1) return;
      const turnMs = random.oneIn(LONG_TURN_ONE_IN) ? random.below(LONG_TURN_MS) : 0;
      scheduler.schedule(turnMs, host, endTurn);
    },
  };
}

export function sdkRuntime(scheduler: Scheduler, host: Host, random: Random): SdkRuntime {
  return {
    monotonicMs: () => scheduler.nowMs,
    random: () => fractionOf(random),
    randomId: () => idOf(random, 20),
    setTimer: (delayMs, callback) => scheduler.schedule(timerMs(delayMs), host, () => void callback()),
    // A page that is never hidden, on a machine that doesn't know when its network is back.
    onWake: () => () => undefined,
  };
}

function timerMs(delayMs: number): number {
  return Math.min(LONGEST_TIMER_MS, Math.max(SHORTEST_TIMER_MS, delayMs));
}

function fractionOf(random: Random): number {
  return random.below(2 ** 32) / 2 ** 32;
}

function idOf(random: Random, length: number): string {
  let id = "";
  while (id.length < length) id += ID_LETTERS.charAt(random.below(ID_LETTERS.length));
  return id;
}
