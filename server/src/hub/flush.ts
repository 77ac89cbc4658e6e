/**
 * The flush: once per turn, after the handlers, it sends to each reader everything new of all its subscriptions, by cursors over the logs.
 *
 * Readers at the head go first; those that are behind get a slice in turn. What doesn't fit into a turn's budget goes on in the next one. A reader
 * whose socket is full, or whose windows are, is not looked at until it says so.
 */
import { encodeFrame, type GapReason } from "@ringcast/protocol";
import type { RingLog } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Cursor } from "./cursor.js";
import type { Frame, HubEvent } from "./port.js";
import type { HubReader } from "./reader.js";
import { BLOCK_BYTES, SegmentCache, gapFrame, nextSegment, textFrame, type Segment } from "./segment.js";
import { epochAt, resume } from "./start.js";
import { partitionStates, type Reading, type Subscription } from "./subscription.js";
import type { Feed } from "./topic.js";

const TURN_MS = 2;
const TURN_BYTES = 1_048_576;
/** The clock is read once for so many readers. */
const READERS_PER_CLOCK_READING = 16;
/** Bytes of the log in one write: the most that waits unsent at a socket, but for one larger record. */
const SLICE_BYTES = BLOCK_BYTES;
/** A log that can't be read at the moment is asked again after this. */
const PENDING_MS = 50;
/** Frames kept from turn to turn while readers still wait for them. */
const CACHE_BYTES = 8_388_608;

/** Counters since the start. */
export interface FlushCounters {
  flushes: number;
  flushMs: number;
  deliveredRecords: number;
  deliveredFrames: number;
  deliveredBytes: number;
  readonly gaps: Record<GapReason, number>;
}

/** What a cursor's turn came to. `over`: the segment doesn't fit into this slice any more. */
type Step = "done" | "more" | "over" | "later";

export class Flush {
  readonly counters: FlushCounters = {
    flushes: 0,
    flushMs: 0,
    deliveredRecords: 0,
    deliveredFrames: 0,
    deliveredBytes: 0,
    gaps: { retention: 0, epoch: 0, corrupt: 0, deleted: 0 },
  };
  readonly #runtime: Runtime;
  readonly #report: (event: HubEvent) => void;
  readonly #cache = new SegmentCache();
  readonly #dirty: Feed[] = [];
  readonly #live = new ReaderLine();
  readonly #behind = new ReaderLine();
  /** Readers that a log told to ask again later, while a timer runs. */
  readonly #pending: HubReader[] = [];
  #scheduled = false;
  /** Frames of the reader being visited; used again for each. */
  readonly #frames: Frame[] = [];
  #count = 0;
  #sliceBytes = 0;
  #turnBytes = 0;
  /** Made once: nothing is allocated to schedule a flush. */
  readonly #run = (): void => this.#flush();

  constructor(runtime: Runtime, report: (event: HubEvent) => void) {
    this.#runtime = runtime;
    this.#report = report;
  }

  get builtFrames(): number {
    return this.#cache.built;
  }

  /** Records were appended: this turn's flush looks at the feed's cursors. */
  markDirty(feed: Feed): void {
    if (feed.dirty) return;
    feed.dirty = true;
    this.#dirty.push(feed);
    this.#schedule();
  }

  /** A cursor may have something to deliver. */
  enqueue(cursor: Cursor): void {
    if (cursor.state !== "idle") return;
    const { reader } = cursor.reading.subscription;
    reader.pushDue(cursor);
    this.visitSoon(reader);
  }

  /** Cursors that wait for the subscription's window get another look. */
  lookAgain(subscription: Subscription): void {
    for (let cursor = subscription.unpark(); cursor !== undefined; cursor = subscription.unpark()) {
      this.enqueue(cursor);
    }
  }

  /** The reader has replies or due cursors. One whose socket is full is left alone. */
  visitSoon(reader: HubReader): void {
    if (reader.isLinedUp || reader.isBlocked) return;
    this.#live.push(reader);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#runtime.endOfTurn(this.#run);
  }

  #flush(): void {
    this.#scheduled = false;
    const begin = this.#runtime.monotonicMs();
    this.#turnBytes = 0;
    this.#lookAtDirtyFeeds();
    this.#visitReaders(begin + TURN_MS);
    const isDone = this.#live.isEmpty && this.#behind.isEmpty;
    if (isDone || this.#cache.bytes > CACHE_BYTES) this.#cache.clear();
    if (isDone) this.#frames.length = 0;
    else this.#schedule();
    this.counters.flushes += 1;
    this.counters.flushMs += this.#runtime.monotonicMs() - begin;
  }

  #lookAtDirtyFeeds(): void {
    for (const feed of this.#dirty) {
      feed.dirty = false;
      // What was built before ends where the head was: it would give a reader less than there is.
      feed.segments.length = 0;
      const { cursors } = feed;
      for (let i = 0; i < cursors.length; i++) this.enqueue(cursors[i] as Cursor);
    }
    this.#dirty.length = 0;
  }

  /** Live readers first; but one that is behind is always served, or a busy hub would starve them. */
  #visitReaders(deadline: number): void {
    let visits = 0;
    const isOver = (): boolean => {
      if (this.#turnBytes >= TURN_BYTES) return true;
      visits += 1;
      return visits % READERS_PER_CLOCK_READING === 0 && this.#runtime.monotonicMs() >= deadline;
    };
    for (let reader = this.#live.shift(); reader !== undefined; reader = this.#live.shift()) {
      this.#visit(reader);
      if (isOver()) break;
    }
    for (let reader = this.#behind.shift(); reader !== undefined; reader = this.#behind.shift()) {
      this.#visit(reader);
      if (isOver()) break;
    }
  }

  /** A fault of one connection must not take the others down. */
  #visit(reader: HubReader): void {
    if (reader.isClosed || reader.isBlocked) return;
    try {
      this.#serve(reader);
    } catch (error) {
      this.#report({ type: "delivery-failed", error });
      reader.close();
      reader.outlet.failed(error);
    }
  }

  /** Replies first, then a slice of what is due, in one write. */
  #serve(reader: HubReader): void {
    this.#count = reader.outlet.takeReplies(this.#frames, 0);
    this.#sliceBytes = 0;
    const replies = this.#count;
    let isPending = false;
    for (let cursor = reader.shiftDue(); cursor !== undefined; cursor = reader.shiftDue()) {
      const step = this.#advance(cursor);
      if (step === "more") reader.pushDue(cursor);
      if (step === "over") reader.unshiftDue(cursor);
      if (step === "later") {
        reader.pushDue(cursor);
        isPending = true;
      }
      if (step === "over" || step === "later" || this.#sliceBytes >= SLICE_BYTES) break;
    }
    if (this.#count > 0) this.#send(reader, replies);
    if (reader.isBlocked || reader.isClosed || reader.isLinedUp || !reader.hasDue) return;
    if (isPending) this.#askAgain(reader);
    else this.#behind.push(reader);
  }

  #askAgain(reader: HubReader): void {
    const isFirst = this.#pending.push(reader) === 1;
    if (!isFirst) return;
    this.#runtime.setTimer(PENDING_MS, () => {
      for (const waiting of this.#pending.splice(0)) this.visitSoon(waiting);
    });
  }

  #send(reader: HubReader, replies: number): void {
    let bytes = 0;
    for (let i = 0; i < this.#count; i++) bytes += (this.#frames[i] as Frame).bytes.length;
    this.#turnBytes += bytes;
    this.counters.deliveredFrames += this.#count - replies;
    this.counters.deliveredBytes += bytes;
    if (reader.outlet.send(this.#frames, this.#count) === "full") reader.isBlocked = true;
  }

  /** Moves a cursor by one segment. */
  #advance(cursor: Cursor): Step {
    const { reading } = cursor;
    const { subscription } = reading;
    const { log } = cursor.feed;
    if (log !== undefined && cursor.epoch !== log.epoch) followLineage(cursor, log);
    if (cursor.pendingGap !== undefined) this.#tellPendingGap(cursor);
    if (log === undefined) return "done";
    const { credit } = subscription;
    if (credit <= 0) {
      subscription.park(cursor);
      return "done";
    }
    const segment = nextSegment(cursor, log, credit, this.#cache);
    if (segment === "end") return "done";
    if (segment === "pending") return "later";
    if (this.#sliceBytes > 0 && this.#sliceBytes + segment.logBytes > SLICE_BYTES) return "over";
    if (!reading.announced) this.#announce(reading);
    this.#deliver(cursor, segment);
    return cursor.offset < log.head ? "more" : "done";
  }

  #deliver(cursor: Cursor, segment: Segment): void {
    this.#frames[this.#count++] = segment.frame;
    this.#sliceBytes += segment.logBytes;
    if (segment.gap === undefined) {
      cursor.offset = segment.nextOffset;
      cursor.address = segment.nextAddress;
      const { subscription } = cursor.reading;
      if (subscription.window > 0) subscription.unacknowledged += segment.records;
      this.counters.deliveredRecords += segment.records;
      return;
    }
    cursor.skipTo(segment.nextOffset);
    cursor.address = segment.nextAddress;
    this.counters.gaps[segment.gap] += 1;
    if (segment.gap === "corrupt") this.#reportCorrupt(cursor.feed, segment);
  }

  #reportCorrupt({ topic, partition }: Feed, segment: Segment): void {
    this.#report({ type: "corrupt", topic: topic.name, partition, from: segment.offset, to: segment.nextOffset - 1 });
  }

  /** The topic's first frame on this subscription, where the reply did not list it. */
  #announce(reading: Reading): void {
    reading.announced = true;
    const { number, reader } = reading.subscription;
    if (reader.dialect === "events") return;
    const partitions = partitionStates(reading);
    this.#frames[this.#count++] = textFrame(
      encodeFrame({ op: "matched", subscription: number, topic: reading.topic.name, partitions }),
    );
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
    this.#frames[this.#count++] = gapFrame(cursor, gap);
    this.counters.gaps[reason] += 1;
    const { subscription } = reading;
    if (subscription.window === 0 || pendingGap.unacknowledged === 0) return;
    subscription.unacknowledged -= pendingGap.unacknowledged;
    this.lookAgain(subscription);
  }
}

/** The log has begun a new epoch since the cursor was placed: it may have lost what the cursor has read. */
function followLineage(cursor: Cursor, log: RingLog): void {
  const { epoch, offset } = cursor;
  const { offset: next, stoodAt } = resume(log, { epoch, offset });
  cursor.epoch = log.epoch;
  if (stoodAt !== undefined) cursor.restart(next, stoodAt, "epoch");
}

/** Readers in the order they came, linked through themselves: standing in line allocates nothing. */
class ReaderLine {
  #first: HubReader | undefined;
  #last: HubReader | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  push(reader: HubReader): void {
    reader.isLinedUp = true;
    reader.nextInLine = undefined;
    if (this.#last === undefined) this.#first = reader;
    else this.#last.nextInLine = reader;
    this.#last = reader;
  }

  shift(): HubReader | undefined {
    const reader = this.#first;
    if (reader === undefined) return undefined;
    this.#first = reader.nextInLine;
    if (this.#first === undefined) this.#last = undefined;
    reader.nextInLine = undefined;
    reader.isLinedUp = false;
    return reader;
  }
}
