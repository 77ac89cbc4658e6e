/**
 * A reader's place in one partition, and what it has acknowledged there.
 */
import type { Position } from "@ringcast/protocol";
import type { LogCursor } from "../log/index.js";
import { OffsetRanges } from "./offset-ranges.js";
import type { HubReader } from "./reader.js";
import { NO_FORM, type Reading } from "./subscription.js";
import type { Feed } from "./topic.js";
import { NO_END } from "./until.js";

/**
 * `idle`: at the head, or nobody has looked yet whether it is. `due`: the flush will look. `waiting`: the subscription's window is full.
 * `reading`: the log is fetching what comes next. `ended`: it has reached its subscription's end.
 * (A reader whose socket is full keeps its cursors due and is not visited.)
 */
export type CursorState = "idle" | "due" | "waiting" | "reading" | "ended";

/** A gap that is to be told before the next record: the reader stood at a position of another history. */
export interface PendingGap {
  readonly stoodAt: Position;
  readonly reason: "epoch" | "deleted";
  /** Records of the other history that were not acknowledged: the window opens by them when the gap is told. */
  readonly unacknowledged: number;
}

/** Where a cursor begins and ends. */
export interface CursorPlace {
  readonly offset: number;
  /** {@link NO_END}: nowhere, or not known yet. */
  readonly end: number;
  readonly pendingGap: PendingGap | undefined;
}

export class Cursor implements LogCursor {
  // First what each delivery looks at, so that it lies together: in a hub with many cursors they have left the processor's cache since the last time.
  state: CursorState = "idle";
  /** The next in the list of its state: due cursors of a reader, waiting ones of a subscription. */
  next: Cursor | undefined = undefined;
  readonly reader: HubReader;
  readonly feed: Feed;
  /** That of its subscription once the client knows of the topic; until then {@link NO_FORM}. */
  form: number;
  /** Whether the subscription has a window. */
  readonly hasWindow: boolean;
  offset: number;
  address = -1;
  deliveredRecords = 0;
  /** The log's newest epoch when this cursor was placed: another one means that its history may be cut back below the cursor. */
  epoch: string;
  pendingGap: PendingGap | undefined;
  /** The reader is to be told where it stands, whatever comes. */
  isProgressDue = false;
  readonly reading: Reading;
  /** Reading ends before this offset. */
  end: number;
  /** How far another history was delivered before: acknowledgements of it may still be under way. */
  formerOffset = 0;
  /** Records that a filter has left out since the reader was last told where it stands. */
  leftOut = 0;
  /** When the first of them was left out, on the monotonic clock. */
  leftOutSinceMs = 0;
  /** It was let go: nothing is to be done for it any more. */
  isDetached = false;
  /** Everything below is acknowledged. */
  #acknowledged: number;
  /** Offsets between `#acknowledged` and `offset` that the reader never got; only where a window counts. */
  #skips: OffsetRanges | undefined = undefined;
  #slot: number;

  constructor(feed: Feed, reading: Reading, place: CursorPlace) {
    const { offset, end, pendingGap } = place;
    const { subscription } = reading;
    this.reader = subscription.reader;
    this.feed = feed;
    this.form = reading.announced ? subscription.form : NO_FORM;
    this.hasWindow = subscription.window > 0;
    this.reading = reading;
    this.end = end;
    this.epoch = feed.log?.epoch ?? feed.nextEpoch;
    this.offset = offset;
    this.#acknowledged = offset;
    this.pendingGap = pendingGap;
    this.#slot = feed.cursors.push(this) - 1;
  }

  /** Leaves its feed. */
  detach(): void {
    this.isDetached = true;
    const { cursors } = this.feed;
    const last = cursors.pop() as Cursor;
    if (last === this) return;
    cursors[this.#slot] = last;
    last.#slot = this.#slot;
  }

  /** Goes on behind a gap of this history. */
  skipTo(offset: number): void {
    this.leaveOut(this.offset, offset);
    this.offset = offset;
    this.address = -1;
  }

  /** The reader doesn't get these offsets: nobody will acknowledge them. */
  leaveOut(from: number, to: number): void {
    if (this.hasWindow) (this.#skips ??= new OffsetRanges()).add(from, to);
  }

  /** Goes on in another history, where nothing is known of what was acknowledged before. */
  restart(offset: number, stoodAt: Position, reason: PendingGap["reason"]): void {
    const earlier = this.pendingGap;
    const unacknowledged = (earlier?.unacknowledged ?? 0) + this.unacknowledged;
    // A gap that was not told yet is part of this one.
    this.pendingGap = { stoodAt: earlier?.stoodAt ?? stoodAt, reason, unacknowledged };
    this.formerOffset = Math.max(this.formerOffset, this.offset);
    this.offset = this.#acknowledged = offset;
    this.address = -1;
    this.#skips = undefined;
    this.leftOut = 0;
    this.isProgressDue = false;
    // What lay before the end is not in this history.
    if (this.end !== NO_END) this.end = offset;
    if (this.state !== "ended") return;
    // It had reached its end, and has this to tell now.
    this.state = "idle";
    this.reading.subscription.openCursors += 1;
  }

  /**
   * Takes everything below `offset` as processed. What is lower than before is ignored.
   * @returns records that were unacknowledged until now
   */
  acknowledge(offset: number): number {
    if (offset <= this.#acknowledged) return 0;
    const released = offset - this.#acknowledged - (this.#skips?.takeBelow(offset) ?? 0);
    this.#acknowledged = offset;
    return released;
  }

  /** Records delivered and not acknowledged. */
  get unacknowledged(): number {
    return this.offset - this.#acknowledged - (this.#skips?.count ?? 0);
  }
}
