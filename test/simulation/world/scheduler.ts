/**
 * Time, and whose turn it is: everything that happens in a simulation is an event in one line, ordered by virtual time; among those due at the same
 * millisecond the seed chooses. Between two events all promises settle, as between two callbacks of Node's event loop.
 */
import type { Random } from "../../support/random.js";
import { forbidPlatform } from "./platform.js";

/** What stalls or dies as a whole: a process, a browser's page. */
export class Host {
  /** Its events wait until then. */
  stalledUntilMs = 0;
  /** Its events don't happen any more. */
  isDead = false;
}

export interface Timer {
  /** Harmless when it has fired already. */
  cancel(): void;
}

class Event implements Timer {
  readonly #callback: () => void;
  readonly host: Host | undefined;
  atMs: number;
  /** Decides among those due at the same time. */
  rank: number;
  isCancelled = false;

  constructor(atMs: number, rank: number, host: Host | undefined, callback: () => void) {
    this.atMs = atMs;
    this.rank = rank;
    this.host = host;
    this.#callback = callback;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  run(): void {
    this.#callback();
  }
}

/** Events that may happen before a run is said to go on for ever. */
const MOST_EVENTS = 5_000_000;
const RANKS = 2 ** 32;
const UNHANDLED = "unhandledRejection";

export class Scheduler {
  /** Events that have happened. */
  events = 0;
  readonly #random: Random;
  readonly #line: Event[] = [];
  /** Goes on before anything else, each with its promises settled. */
  readonly #rest: Event[] = [];
  #nowMs = 0;
  #stalled = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds since the beginning; whole ones but for the time that work takes ({@link spend}). */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls back in the first whole millisecond after the delay. Nothing of a host that is dead then, and of one that stalls when it goes on. */
  schedule(delayMs: number, host: Host | undefined, callback: () => void): Timer {
    const event = new Event(Math.ceil(this.#nowMs + Math.max(0, delayMs)), this.#random.below(RANKS), host, callback);
    push(this.#line, event);
    return event;
  }

  /** Has callbacks run before the next event, promises settling behind each. */
  goOn(host: Host, callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) this.#rest.push(new Event(this.#nowMs, 0, host, callback));
  }

  /** Work takes its time: everything behind this happens later. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  pause(ms: number, host?: Host): Promise<void> {
    return new Promise((resolve) => void this.schedule(ms, host, resolve));
  }

  /**
   * Lets things happen until `main` has settled.
   * @throws what a handler throws or a promise rejects with that nobody listens to: a process would have died of it
   */
  async drive<Result>(main: () => Promise<Result>): Promise<Result> {
    let hasEnded = false;
    const rejections = new Rejections();
    const allowPlatform = forbidPlatform();
    const result = main().finally(() => (hasEnded = true));
    // Told below; until then nobody listens.
    result.catch(() => undefined);
    try {
      await new Promise<void>((resolve, reject) => {
        // Node runs the line of `nextTick` when no promise has anything left to do.
        const settle = (): void => process.nextTick(step);
        const step = (): void => {
          if (hasEnded) resolve();
          else if (this.#step(reject)) queueMicrotask(settle);
        };
        queueMicrotask(settle);
      });
    } finally {
      allowPlatform();
      await rejections.end();
    }
    const [unheard] = rejections.reasons.filter((reason) => !this.isNobodys(reason));
    if (unheard !== undefined) throw new Error("A promise was rejected, and nobody listened", { cause: unheard });
    return await result;
  }

  /** Whether nobody has to listen to an error: set by those who know what dead processes throw. */
  isNobodys: (error: unknown) => boolean = () => false;

  #step(fail: (error: unknown) => void): boolean {
    let event: Event | undefined;
    try {
      event = this.#rest.shift() ?? this.#next();
      if (event.host?.isDead !== true) event.run();
    } catch (error) {
      // What a process throws that has just died is nobody's.
      if (event?.host?.isDead === true) return true;
      fail(error);
      return false;
    }
    return true;
  }

  #next(): Event {
    for (;;) {
      const event = pop(this.#line);
      if (event === undefined) throw new Error("Nothing happens any more, and the run has not ended");
      const { host } = event;
      if (event.isCancelled || host?.isDead === true) continue;
      if (host !== undefined && host.stalledUntilMs > event.atMs) {
        this.#postpone(event, host.stalledUntilMs);
        continue;
      }
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      if (++this.events > MOST_EVENTS) throw new Error(`The run goes on for ever: ${MOST_EVENTS} events`);
      return event;
    }
  }

  /** Events that waited come in the order in which they were due. */
  #postpone(event: Event, untilMs: number): void {
    event.atMs = Math.ceil(untilMs);
    event.rank = this.#stalled++ - RANKS;
    push(this.#line, event);
  }
}

/** Collects what promises are rejected with that nobody listens to, in place of whoever else collects it. */
class Rejections {
  readonly reasons: unknown[] = [];
  readonly #others = process.listeners(UNHANDLED);
  readonly #collect = (reason: unknown): void => void this.reasons.push(reason);

  constructor() {
    process.removeAllListeners(UNHANDLED).on(UNHANDLED, this.#collect);
  }

  async end(): Promise<void> {
    // Node tells of them when the line of `nextTick` is empty.
    await new Promise((resolve) => setImmediate(resolve));
    process.removeListener(UNHANDLED, this.#collect);
    // As many as there were: none of them is a leak that Node has to warn of.
    const limit = process.getMaxListeners();
    process.setMaxListeners(0);
    for (const other of this.#others) process.on(UNHANDLED, other);
    process.setMaxListeners(limit);
  }
}

// ---- a binary heap, the first event at its top -------------------------------------------------------------------------

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.rank < other.rank);
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  for (let parent = (at - 1) >> 1; at > 0; parent = (at - 1) >> 1) {
    const above = heap[parent] as Event;
    if (!isBefore(event, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
    if (!isBefore(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
  return first;
}
