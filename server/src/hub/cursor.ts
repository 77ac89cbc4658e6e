/**
 * A reader's place in one partition, and what it has acknowledged there.
 */
import type { Position } from "@ringcast/protocol";
import type { LogCursor } from "../log/index.js";
import type { Reading } from "./subscription.js";
import type { Feed } from "./topic.js";

/**
 * `idle`: at the head, or nobody has looked yet whether it is. `due`: the flush will look. `waiting`: the subscription's window is full.
 * (A reader whose socket is full keeps its cursors due and is not visited.)
 */
export type CursorState = "idle" | "due" | "waiting";

/** A gap that is to be told before the next record: the reader stood at a position of another history. */
export interface PendingGap {
  readonly stoodAt: Position;
  readonly reason: "epoch" | "deleted";
  /** Records of the other history that were not acknowledged: the window opens by them when the gap is told. */
  readonly unacknowledged: number;
}

/** Offsets `from` to `to - 1` were announced as a gap: nobody will acknowledge them. */
interface Skip {
  readonly from: number;
  readonly to: number;
}

export class Cursor implements LogCursor {
  offset: number;
  address = -1;
  readonly feed: Feed;
  readonly reading: Reading;
  /** The log's newest epoch when this cursor was placed: another one means that its history may be cut back below the cursor. */
  epoch: string;
  state: CursorState = "idle";
  /** The next in the list of its state: due cursors of a reader, waiting ones of a subscription. */
  next: Cursor | undefined = undefined;
  pendingGap: PendingGap | undefined;
  /** How far another history was delivered before: acknowledgements of it may still be under way. */
  formerOffset = 0;
  /** Everything below is acknowledged. */
  #acknowledged: number;
  /** Gaps between `#acknowledged` and `offset`, ascending; only where a window counts. */
  #skips: Skip[] | undefined = undefined;
  #slot: number;

  constructor(feed: Feed, reading: Reading, offset: number, pendingGap: PendingGap | undefined) {
    this.feed = feed;
    this.reading = reading;
    this.epoch = feed.log?.epoch ?? feed.nextEpoch;
    this.offset = offset;
    this.#acknowledged = offset;
    this.pendingGap = pendingGap;
    this.#slot = feed.cursors.push(this) - 1;
  }

  /** Leaves its feed. */
  detach(): void {
    const { cursors } = this.feed;
    const last = cursors.pop() as Cursor;
    if (last === this) return;
    cursors[this.#slot] = last;
    last.#slot = this.#slot;
  }

  /** Goes on behind a gap of this history. */
  skipTo(offset: number): void {
    if (this.reading.subscription.window > 0) {
      this.#skips ??= [];
      const last = this.#skips.at(-1);
      // Gaps that touch are one, so that there are never more than records in the window.
      if (last?.to === this.offset) this.#skips[this.#skips.length - 1] = { from: last.from, to: offset };
      else this.#skips.push({ from: this.offset, to: offset });
    }
    this.offset = offset;
    this.address = -1;
  }

  /** Goes on in another history, where nothing is known of what was acknowledged before. */
  restart(offset: number, stoodAt: Position, reason: PendingGap["reason"]): void {
    const earlier = this.pendingGap;
    const unacknowledged = (earlier?.unacknowledged ?? 0) + this.#unacknowledged(this.offset);
    // A gap that was not told yet is part of this one.
    this.pendingGap = { stoodAt: earlier?.stoodAt ?? stoodAt, reason, unacknowledged };
    this.formerOffset = Math.max(this.formerOffset, this.offset);
    this.offset = this.#acknowledged = offset;
    this.address = -1;
    this.#skips = undefined;
  }

  /**
   * Takes everything below `offset` as processed. What is lower than before is ignored.
   * @returns records that were unacknowledged until now
   */
  acknowledge(offset: number): number {
    if (offset <= this.#acknowledged) return 0;
    const released = this.#unacknowledged(offset);
    this.#acknowledged = offset;
    if (this.#skips !== undefined) {
      this.#skips = this.#skips.filter((skip) => skip.to > offset);
      if (this.#skips.length === 0) this.#skips = undefined;
    }
    return released;
  }

  /** Records delivered and not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged(this.offset);
  }

  /** Records delivered between what is acknowledged and `offset`. */
  #unacknowledged(offset: number): number {
    let count = offset - this.#acknowledged;
    for (const { from, to } of this.#skips ?? []) {
      count -= Math.max(0, Math.min(to, offset) - Math.max(from, this.#acknowledged));
    }
    return count;
  }
}
