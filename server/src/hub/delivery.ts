/**
 * Moves cursors: what each gets next becomes a frame of the reader that is being visited. The flush decides who is visited, and for how long.
 */
import type { GapReason } from "@ringcast/protocol";
import type { RingLog } from "../log/index.js";
import type { Cursor } from "./cursor.js";
import { endedFrame, gapFrame, matchedFrame, progressFrame } from "./frames.js";
import type { Frame, HubEvent } from "./port.js";
import { BLOCK_BYTES, SegmentCache, nextSegment, type Segment } from "./segment.js";
import { epochAt, resume } from "./start.js";
import type { Reading, Subscription } from "./subscription.js";
import { NO_END } from "./until.js";

/** Bytes of the log in one write: the most that waits unsent at a socket, but for one larger record. */
const SLICE_BYTES = BLOCK_BYTES;
/** With what one block more may leave out, fewer than the 10,000 of the contract. */
const TELL_AFTER_LEFT_OUT = 8_000;

/** What a cursor's turn came to. `over`: the segment doesn't fit into this slice any more. */
export type Step = "done" | "more" | "over";

/** Counters since the start. */
export interface DeliveryCounters {
  deliveredRecords: number;
  readonly gaps: Record<GapReason, number>;
}

/** What a cursor may have to wait for. */
export interface Waiting {
  /** Cursors that wait for the subscription's window get another look. */
  lookAgain(subscription: Subscription): void;
  /** The log is fetching what the cursor wants. */
  read(cursor: Cursor, log: RingLog): void;
  /** The first record since its reader was last told has been left out. */
  leftOut(cursor: Cursor): void;
}

export class Delivery {
  readonly counters: DeliveryCounters = {
    deliveredRecords: 0,
    gaps: { retention: 0, epoch: 0, corrupt: 0, deleted: 0 },
  };
  /** Kept from turn to turn while readers still wait for what is in it. */
  readonly cache = new SegmentCache();
  /** Frames of the reader being visited; used again for each. */
  readonly frames: Frame[] = [];
  count = 0;
  readonly #waiting: Waiting;
  readonly #report: (event: HubEvent) => void;
  #sliceBytes = 0;

  constructor(waiting: Waiting, report: (event: HubEvent) => void) {
    this.#waiting = waiting;
    this.#report = report;
  }

  /** Begins a reader's slice. @param count frames that it gets beside deliveries */
  begin(count: number): void {
    this.count = count;
    this.#sliceBytes = 0;
  }

  get isSliceFull(): boolean {
    return this.#sliceBytes >= SLICE_BYTES;
  }

  /** Moves a cursor by one segment. */
  advance(cursor: Cursor): Step {
    const { feed } = cursor;
    const { segment: newest, log } = feed;
    if (newest !== undefined && newest.form === cursor.form && newest.offset === cursor.offset) {
      const step = this.#share(cursor, newest);
      if (step !== undefined) return step;
    }
    const { subscription } = cursor.reading;
    if (log !== undefined && cursor.epoch !== log.epoch) followLineage(cursor, log);
    if (cursor.pendingGap !== undefined) this.#tellPendingGap(cursor);
    if (subscription.endsAtMs !== undefined && log !== undefined) foresee(cursor, log, subscription.endsAtMs);
    if (cursor.offset >= cursor.end) return this.#end(cursor);
    if (cursor.isProgressDue) this.#tellProgress(cursor);
    if (log === undefined) return "done";
    const { credit } = subscription;
    if (credit <= 0) {
      subscription.park(cursor);
      return "done";
    }
    const segment = nextSegment(cursor, log, credit, this.cache);
    if (segment === "end") return "done";
    if (segment === "pending") {
      this.#waiting.read(cursor, log);
      return "done";
    }
    if (this.#sliceBytes > 0 && this.#sliceBytes + segment.logBytes > SLICE_BYTES) return "over";
    this.#deliver(cursor, segment);
    return cursor.offset < log.head || cursor.offset >= cursor.end ? "more" : "done";
  }

  /**
   * The short way, nearly every delivery's where there are many readers: what another one got is all that this one needs. It looks at the cursor and at
   * what they share, and at nothing else of its own.
   *
   * @returns undefined: there is more to be looked at
   */
  #share(cursor: Cursor, segment: Segment): Step | undefined {
    if (cursor.epoch !== segment.epoch || cursor.pendingGap !== undefined || cursor.isProgressDue) return undefined;
    const { records, logBytes } = segment;
    if (this.#sliceBytes > 0 && this.#sliceBytes + logBytes > SLICE_BYTES) return "over";
    if (cursor.hasWindow) {
      const { subscription } = cursor.reading;
      if (subscription.credit < records) return undefined;
      subscription.unacknowledged += records;
    }
    this.#sliceBytes += logBytes;
    this.frames[this.count++] = segment.frame as Frame;
    this.#moveBehind(cursor, segment);
    return segment.isLast ? "done" : "more";
  }

  /** Says that a subscription is over. */
  tellEnded(subscription: Subscription): void {
    this.frames[this.count++] = endedFrame(subscription);
  }

  #deliver(cursor: Cursor, segment: Segment): void {
    this.#sliceBytes += segment.logBytes;
    if (segment.frame !== undefined) this.#say(cursor.reading, segment.frame);
    if (segment.gap !== undefined) {
      this.#passGap(cursor, segment, segment.gap);
      return;
    }
    const { leftOut } = segment;
    if (leftOut !== undefined) this.#leaveOut(cursor, segment, leftOut);
    if (cursor.hasWindow) cursor.reading.subscription.unacknowledged += segment.records;
    this.#moveBehind(cursor, segment);
    if (cursor.leftOut >= TELL_AFTER_LEFT_OUT) this.#tellProgress(cursor);
  }

  #moveBehind(cursor: Cursor, { nextOffset, nextAddress, records }: Segment): void {
    cursor.offset = nextOffset;
    cursor.address = nextAddress;
    cursor.deliveredRecords += records;
    this.counters.deliveredRecords += records;
  }

  #leaveOut(cursor: Cursor, { frame, offset, nextOffset }: Segment, ranges: readonly number[]): void {
    if (cursor.hasWindow) {
      for (let i = 0; i < ranges.length; i += 2) cursor.leaveOut(ranges[i] as number, ranges[i + 1] as number);
    }
    // A frame tells where the reader stands.
    if (frame !== undefined) {
      cursor.leftOut = 0;
      return;
    }
    if (cursor.leftOut === 0) this.#waiting.leftOut(cursor);
    cursor.leftOut += nextOffset - offset;
  }

  #passGap(cursor: Cursor, segment: Segment, reason: GapReason): void {
    const { topic, partition } = cursor.feed;
    cursor.leftOut = 0;
    cursor.skipTo(segment.nextOffset);
    cursor.address = segment.nextAddress;
    this.counters.gaps[reason] += 1;
    if (reason !== "corrupt") return;
    this.#report({ type: "corrupt", topic: topic.name, partition, from: segment.offset, to: segment.nextOffset - 1 });
  }

  #tellProgress(cursor: Cursor): void {
    cursor.isProgressDue = false;
    if (cursor.leftOut === 0) return;
    cursor.leftOut = 0;
    this.#say(cursor.reading, progressFrame(cursor));
  }

  #tellPendingGap(cursor: Cursor): void {
    const { feed, reading, pendingGap } = cursor;
    if (pendingGap === undefined) return;
    if (!reading.announced) this.#announce(reading);
    cursor.pendingGap = undefined;
    const from = pendingGap.stoodAt.offset;
    const epoch = feed.log === undefined ? feed.nextEpoch : epochAt(feed.log.lineage, cursor.offset);
    const { reason } = pendingGap;
    const { topic, partition } = feed;
    const gap = { topic: topic.name, partition, from, to: from, reason, epoch, next: cursor.offset };
    this.#say(reading, gapFrame(cursor, gap));
    this.counters.gaps[reason] += 1;
    const { subscription } = reading;
    if (subscription.window === 0 || pendingGap.unacknowledged === 0) return;
    subscription.unacknowledged -= pendingGap.unacknowledged;
    this.#waiting.lookAgain(subscription);
  }

  #say(reading: Reading, frame: Frame): void {
    if (!reading.announced) this.#announce(reading);
    this.frames[this.count++] = frame;
  }

  /** The topic's first frame on this subscription, where the reply did not list it. */
  #announce(reading: Reading): void {
    reading.announced = true;
    for (const cursor of reading.cursors) cursor.form = reading.subscription.form;
    if (reading.subscription.reader.dialect !== "events") this.frames[this.count++] = matchedFrame(reading);
  }

  #end(cursor: Cursor): Step {
    const { subscription } = cursor.reading;
    cursor.state = "ended";
    subscription.openCursors -= 1;
    if (subscription.isOver) subscription.reader.pushOver(subscription);
    return "done";
  }
}

/** The log has begun a new epoch since the cursor was placed: it may have lost what the cursor has read. */
function followLineage(cursor: Cursor, log: RingLog): void {
  const { epoch, offset } = cursor;
  const { offset: next, stoodAt } = resume(log, { epoch, offset });
  cursor.epoch = log.epoch;
  if (stoodAt !== undefined) cursor.restart(next, stoodAt, "epoch");
}

/** Records may be as late as the subscription's end before the hub's clock is. */
function foresee(cursor: Cursor, log: RingLog, endsAtMs: number): void {
  if (cursor.end === NO_END && log.lastTimestamp >= endsAtMs) cursor.end = log.offsetAtTime(endsAtMs);
}
