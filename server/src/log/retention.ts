/**
 * Retention of one log by age and by count; by bytes is the ring's own affair. What was appended beyond the count goes at once, what grows too old goes
 * when the wheel comes by, whether anybody publishes or not.
 */
import { isFiller, RingcastError, timestampOf, type TopicConfig } from "@ringcast/protocol";
import { type AgeClock, type Timed, type TimerWheel } from "../runtime/index.js";
import { behindDamage, lengthAt } from "./locate.js";
import { placeOf } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";
import { expireTo } from "./tail.js";

/** How long a log without records keeps its file: making and removing one for each of a few records would cost more than it saves. */
const EMPTY_KEPT_MS = 1_000;
/** When to try again what the storage refused. */
const RETRY_MS = 1_000;

/** What one store has for all retained logs. */
export interface RetentionContext {
  /** What the age of records is measured by. */
  readonly ages: AgeClock;
  readonly wheel: TimerWheel;
  /** Told how many records a log let go. */
  readonly expired: (records: number) => void;
}

/** What retention does to a log beyond its tail. */
export interface Emptier {
  /** Lets the storage of a log without records go. */
  empty(log: PartitionLog): Promise<boolean>;
}

/** Limits of one log, zero: none. */
export type RetentionLimits = Pick<TopicConfig, "retentionMs" | "retentionRecords">;

export class LogRetention implements Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  wheelSlot = -1;
  /** When something is to be done, by the clock of ages, or earlier; Infinity: nothing will be. */
  dueMs = Infinity;
  /** The time at the last look. */
  #lookedMs = 0;
  readonly #log: PartitionLog;
  readonly #emptier: Emptier;
  readonly #context: RetentionContext;
  #limits: RetentionLimits;
  #isClosed = false;

  constructor(log: PartitionLog, limits: RetentionLimits, emptier: Emptier, context: RetentionContext) {
    this.#log = log;
    this.#limits = limits;
    this.#emptier = emptier;
    this.#context = context;
  }

  /** Begins with a log that may hold records. `dueMs`: nothing is due before; 0 where that isn't known. */
  begin(dueMs: number): void {
    const { retentionRecords } = this.#limits;
    const log = this.#log;
    const isOver = retentionRecords > 0 && log.head - log.tail > retentionRecords;
    this.#wait(isOver || dueMs <= this.#context.ages.nowMs() ? this.#attempt() : dueMs);
  }

  /** Takes other limits, which hold at once. */
  configure(limits: RetentionLimits): void {
    this.#limits = limits;
    this.#wait(this.#attempt());
  }

  appended(): void {
    const { retentionRecords, retentionMs } = this.#limits;
    const log = this.#log;
    if (retentionRecords > 0 && log.head - log.tail > retentionRecords) this.#shed();
    if (retentionMs > 0 && this.wheelSlot < 0) this.#wait(this.#attempt());
  }

  /** Lets go of what is too much; nothing is scheduled but what was refused. */
  #shed(): void {
    const dueMs = this.#attempt();
    if (dueMs < this.dueMs) this.#wait(dueMs);
  }

  look(): number | undefined {
    const nowMs = this.#context.ages.nowMs();
    // A clock that ran back would have what is to be tried again in a second wait for as long as it ran back.
    if (this.dueMs <= nowMs || nowMs < this.#lookedMs) this.dueMs = this.#attempt();
    this.#lookedMs = nowMs;
    return this.#isClosed || this.dueMs === Infinity ? undefined : Math.max(0, this.dueMs - nowMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#context.wheel.remove(this);
  }

  #wait(dueMs: number): void {
    const { wheel, ages } = this.#context;
    this.dueMs = dueMs;
    if (this.#isClosed) return;
    wheel.remove(this);
    this.#lookedMs = ages.nowMs();
    if (dueMs !== Infinity) wheel.add(this, Math.max(0, dueMs - this.#lookedMs));
  }

  /** Brings the tail to where it should be. @returns when to do so again; Infinity: when something was appended */
  #attempt(): number {
    try {
      return this.#enforce();
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      // The keeper has said so by an event.
      return this.#context.ages.nowMs() + RETRY_MS;
    }
  }

  #enforce(): number {
    const { retentionMs, retentionRecords } = this.#limits;
    const nowMs = this.#context.ages.nowMs();
    const log = this.#log;
    const wasEmpty = log.head === log.tail;
    if (wasEmpty && log.storedBytes > 0 && this.dueMs <= nowMs) {
      void this.#empty();
      return Infinity;
    }
    if (wasEmpty) return log.storedBytes > 0 ? this.#emptyAt(nowMs) : Infinity;
    let tail = log.tail;
    if (retentionRecords > 0) tail = Math.max(tail, log.head - retentionRecords);
    if (retentionMs > 0) tail = Math.max(tail, log.offsetAtTime(nowMs - retentionMs + 1));
    const records = Math.min(tail, log.head) - log.tail;
    expireTo(log, tail);
    if (records > 0) this.#context.expired(records);
    if (log.head === log.tail) return this.#emptyAt(nowMs);
    return retentionMs > 0 ? oldestTime(log) + retentionMs : Infinity;
  }

  #emptyAt(nowMs: number): number {
    return nowMs + EMPTY_KEPT_MS;
  }

  async #empty(): Promise<void> {
    try {
      const isGone = await this.#emptier.empty(this.#log);
      if (!isGone && this.wheelSlot < 0 && this.#log.head === this.#log.tail)
        this.#wait(this.#emptyAt(this.#context.ages.nowMs()));
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      this.#wait(this.#context.ages.nowMs() + RETRY_MS);
    }
  }
}

/** Time of the oldest record that can be believed; that of the newest where none can. */
function oldestTime(log: PartitionLog): number {
  let at = { address: log.addressOf(log.tail), offset: log.tail };
  const { region } = log;
  while (region !== undefined && at.offset < log.head) {
    const length = lengthAt(log, region, at);
    const place = placeOf(region, at.address);
    if (length === 0) at = behindDamage(log, region, at);
    else if (isFiller(region.view, place)) at = { address: at.address + length, offset: at.offset };
    else return timestampOf(region.view, place);
  }
  return log.lastTimestamp;
}
