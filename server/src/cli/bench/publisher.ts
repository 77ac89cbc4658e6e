/**
 * The writers of a thread: at a fixed rate on a schedule that waits for nobody, or as much as the gates let through.
 */
import { nowUs, writeTime } from "./clock.js";
import type { Gate } from "./gate.js";
import { recordLatency } from "./latency.js";
import type { Link } from "./link.js";
import { COUNTER, type Tally } from "./tally.js";

/** Publishes of one link in a row, before others have their turn. */
const BURST = 64;
/** A timer can be late by a little more than a millisecond: from here on the thread waits without sleeping. */
const SLEEPLESS_US = 2_000;
/** How often a thread looks whether readers of other threads have caught up. */
const LOOK_MS = 1;
const FILLER = "abcdefghijklmnopqrstuvwxyz0123456789";

export interface PublisherPlan {
  readonly topics: readonly string[];
  readonly bytes: number;
  readonly batch: number;
  /** Records a second of this thread; undefined: as many as the gates let through. */
  readonly rate: number | undefined;
  /** Publishes of a link that may be unacknowledged. */
  readonly inflight: number;
}

export class Publisher {
  readonly #plan: PublisherPlan;
  readonly #links: readonly Link[];
  readonly #tally: Tally;
  readonly #gate: Gate;
  readonly #flush: () => void;
  readonly #payload: Uint8Array;
  readonly #nextTopic: number[];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isEnded = false;
  /** Of the schedule: when it began, and how many publishes of it were sent. */
  #startedUs = 0;
  #sent = 0;
  #turnedUs = 0;
  #hasProgressed = false;

  constructor(
    plan: PublisherPlan,
    links: readonly Link[],
    { tally, gate, flush }: { readonly tally: Tally; readonly gate: Gate; readonly flush: () => void },
  ) {
    this.#plan = plan;
    this.#links = links;
    this.#tally = tally;
    this.#gate = gate;
    this.#flush = flush;
    this.#payload = new Uint8Array(plan.bytes);
    for (let at = 0; at < plan.bytes; at++) this.#payload[at] = FILLER.charCodeAt((at * 7) % FILLER.length);
    this.#nextTopic = links.map((link) => link.role.number % plan.topics.length);
  }

  /** Begins; does nothing where it has begun. */
  start(): void {
    if (this.#startedUs !== 0) return;
    this.#startedUs = nowUs();
    this.#turn();
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /** Something came that may open a gate. */
  wake(): void {
    this.#hasProgressed = true;
    if (this.#plan.rate === undefined) this.#turnSoon();
  }

  readonly #turn = (): void => {
    this.#immediate = undefined;
    if (this.#isEnded) return;
    if (this.#plan.rate === undefined) this.#saturate();
    else this.#keepSchedule(this.#plan.rate);
  };

  #turnSoon(): void {
    if (this.#isEnded) return;
    this.#immediate ??= setImmediate(this.#turn);
  }

  #turnIn(ms: number): void {
    // Time slept is no waiting.
    this.#turnedUs = 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#turn, ms);
  }

  #saturate(): void {
    let isHeldByOthers = false;
    let hasSent = false;
    for (let index = 0; index < this.#links.length; index++) {
      const link = this.#links[index] as Link;
      const us = nowUs();
      writeTime(this.#payload, us);
      for (let burst = 0; burst < BURST && !link.isFull && link.waiting < this.#plan.inflight; burst++) {
        if (!this.#gate.isOpen()) {
          isHeldByOthers = true;
          break;
        }
        this.#publish(index, us);
        hasSent = true;
      }
    }
    this.#flush();
    if (hasSent) this.#turnSoon();
    else if (isHeldByOthers) this.#turnIn(LOOK_MS);
  }

  #keepSchedule(rate: number): void {
    const everyUs = (this.#plan.batch * 1_000_000) / rate;
    const us = nowUs();
    let dueUs = this.#startedUs + this.#sent * everyUs;
    let isHeld = false;
    while (dueUs <= us) {
      const index = this.#sent % this.#links.length;
      const link = this.#links[index] as Link;
      isHeld = link.isFull || link.waiting >= this.#plan.inflight || !this.#gate.isOpen();
      if (isHeld) break;
      writeTime(this.#payload, dueUs);
      recordLatency(this.#tally.lateness, us - dueUs);
      this.#publish(index, dueUs);
      this.#sent += 1;
      this.#hasProgressed = true;
      dueUs = this.#startedUs + this.#sent * everyUs;
    }
    this.#flush();
    this.#noteWaiting(us);
    if (dueUs - us > SLEEPLESS_US) this.#turnIn(Math.floor((dueUs - us - SLEEPLESS_US) / 1000) + 1);
    else this.#turnSoon();
  }

  /** A turn in which nothing happened was spent waiting: it is no work of the generator's. */
  #noteWaiting(us: number): void {
    const { counters } = this.#tally;
    if (!this.#hasProgressed && this.#turnedUs !== 0) {
      counters[COUNTER.waitedUs] = (counters[COUNTER.waitedUs] as number) + (us - this.#turnedUs);
    }
    this.#hasProgressed = false;
    this.#turnedUs = us;
  }

  #publish(index: number, intendedUs: number): void {
    const { topics, batch } = this.#plan;
    const next = this.#nextTopic[index] as number;
    this.#nextTopic[index] = next + 1 === topics.length ? 0 : next + 1;
    (this.#links[index] as Link).publish(topics[next] as string, this.#payload, batch, intendedUs);
  }
}
