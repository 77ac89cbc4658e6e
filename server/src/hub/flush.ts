/**
 * The flush: once per turn, after the handlers, it sends to each reader everything new of all its subscriptions, by cursors over the logs.
 *
 * Readers at the head go first; those that are behind get a slice in turn. What doesn't fit into a turn's budget goes on in the next one. A reader
 * whose socket is full, or whose windows are, is not looked at until it says so.
 */
import type { RingLog } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Cursor } from "./cursor.js";
import { Delivery } from "./delivery.js";
import { FlushCounters } from "./flush-counters.js";
import { PendingReads } from "./pending-reads.js";
import type { Frame, HubEvent } from "./port.js";
import { ProgressLine } from "./progress-line.js";
import { ReaderLine } from "./reader-line.js";
import type { HubReader } from "./reader.js";
import type { Subscription } from "./subscription.js";
import type { Feed } from "./topic.js";

const TURN_MS = 2;
const TURN_BYTES = 1_048_576;
/** What readers that are behind get of a turn while others read live: a message that comes meanwhile waits for so long. */
const SHARED_TURN_MS = 0.5;
/** For so long after an append that somebody waited for, the next one is expected. */
const LIVE_FOR_MS = 100;
/** Live readers mostly share what is built, so that the clock is read once for so many. */
const READERS_PER_CLOCK_READING = 16;
/** Frames kept from turn to turn while readers still wait for them. */
const CACHE_BYTES = 8_388_608;

export class Flush {
  readonly counters = new FlushCounters();
  readonly delivery: Delivery;
  readonly #runtime: Runtime;
  readonly #report: (event: HubEvent) => void;
  readonly #pending: PendingReads;
  readonly #progress: ProgressLine;
  readonly #dirty: Feed[] = [];
  readonly #live = new ReaderLine();
  readonly #behind = new ReaderLine();
  #scheduled = false;
  #turnBytes = 0;
  /** When live readers were last sent something; on the monotonic clock. */
  #liveAtMs = -Infinity;
  /** When the oldest record was appended that readers at the head were not sent; on the monotonic clock, -1: there is none. */
  #appendedAtMs = -1;
  /** Made once: nothing is allocated to schedule a flush. */
  readonly #run = (): void => this.#flush();

  constructor(runtime: Runtime, report: (event: HubEvent) => void) {
    this.#runtime = runtime;
    this.#report = report;
    this.#pending = new PendingReads(runtime, (cursor) => this.enqueue(cursor));
    this.#progress = new ProgressLine(runtime, (cursor) => this.#remind(cursor));
    this.delivery = new Delivery(
      {
        lookAgain: (subscription) => this.lookAgain(subscription),
        read: (cursor, log) => this.#pending.add(cursor, log),
        leftOut: (cursor) => this.#progress.add(cursor),
      },
      report,
    );
  }

  /** Records were appended: this turn's flush looks at the feed's cursors. */
  markDirty(feed: Feed): void {
    // Where nobody reads there is nothing to look at, and a turn without a flush costs a twelfth less. Who subscribes later in this turn is looked at for that.
    if (feed.dirty || feed.cursors.length === 0) return;
    feed.dirty = true;
    this.#dirty.push(feed);
    if (this.#appendedAtMs < 0) this.#appendedAtMs = this.#runtime.monotonicMs();
    this.#schedule();
  }

  /** A cursor may have something to deliver. */
  enqueue(cursor: Cursor): void {
    if (cursor.state !== "idle") return;
    const { reader } = cursor;
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

  /** The reader's socket takes bytes again. What is due to it makes it one of those that are behind. */
  resume(reader: HubReader): void {
    reader.isBlocked = false;
    if (reader.isLinedUp) return;
    (reader.hasDue ? this.#behind : this.#live).push(reader);
    this.#schedule();
  }

  /** A log whose read was pending can be asked again. */
  readable(log: RingLog): void {
    this.#pending.wake(log);
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
    this.#visitLive(begin + TURN_MS);
    const isShared = begin - this.#liveAtMs < LIVE_FOR_MS;
    this.#visitBehind(begin + (isShared ? SHARED_TURN_MS : TURN_MS));
    const isDone = this.#live.isEmpty && this.#behind.isEmpty;
    const { cache, frames } = this.delivery;
    if (isDone || cache.bytes > CACHE_BYTES) cache.clear();
    if (isDone) frames.length = 0;
    else this.#schedule();
    this.counters.flushed(this.#runtime.monotonicMs() - begin);
  }

  #lookAtDirtyFeeds(): void {
    for (const feed of this.#dirty) {
      feed.dirty = false;
      // What was built before ends where the head was: it would give a reader less than there is.
      feed.segment = undefined;
      const { cursors } = feed;
      for (let i = 0; i < cursors.length; i++) this.enqueue(cursors[i] as Cursor);
    }
    this.#dirty.length = 0;
  }

  #visitLive(deadline: number): void {
    let visits = 0;
    for (let reader = this.#live.shift(); reader !== undefined; reader = this.#live.shift()) {
      this.#visit(reader);
      visits += 1;
      if (this.#turnBytes >= TURN_BYTES) break;
      if (visits % READERS_PER_CLOCK_READING === 0 && this.#runtime.monotonicMs() >= deadline) break;
    }
    if (this.#appendedAtMs < 0 || !this.#live.isEmpty) return;
    this.#liveAtMs = this.#runtime.monotonicMs();
    this.counters.sentAfter(this.#liveAtMs - this.#appendedAtMs);
    this.#appendedAtMs = -1;
  }

  /** One that is behind is always served, or a busy hub would starve them. Each gets what is its own, so that the clock is read for each. */
  #visitBehind(deadline: number): void {
    for (let reader = this.#behind.shift(); reader !== undefined; reader = this.#behind.shift()) {
      this.#visit(reader);
      if (this.#turnBytes >= TURN_BYTES || this.#runtime.monotonicMs() >= deadline) return;
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
    const { delivery } = this;
    const replies = reader.outlet.takeReplies(delivery.frames, 0);
    delivery.begin(replies);
    // The reply to a subscribe may be among those that did not fit: nothing of that subscription goes before it.
    if (!reader.isLinedUp) this.#advanceAll(reader);
    const ended = reader.isLinedUp ? undefined : reader.takeOver();
    for (const subscription of ended ?? []) delivery.tellEnded(subscription);
    if (delivery.count > 0) this.#send(reader, replies);
    for (const subscription of ended ?? []) reader.finish(subscription);
    if (!reader.isBlocked && !reader.isClosed && !reader.isLinedUp && reader.hasDue) this.#behind.push(reader);
  }

  #advanceAll(reader: HubReader): void {
    const { delivery } = this;
    for (let cursor = reader.shiftDue(); cursor !== undefined; cursor = reader.shiftDue()) {
      const step = delivery.advance(cursor);
      if (step === "more") reader.pushDue(cursor);
      if (step === "over") reader.unshiftDue(cursor);
      if (step === "over" || delivery.isSliceFull) return;
    }
  }

  #send(reader: HubReader, replies: number): void {
    const { frames, count } = this.delivery;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += (frames[i] as Frame).bytes.length;
    this.#turnBytes += bytes;
    this.counters.sent(count - replies, bytes);
    if (reader.outlet.send(frames, count) === "full") reader.isBlocked = true;
  }

  /** The reader has to be told where a cursor stands, also where the window is full. */
  #remind(cursor: Cursor): void {
    cursor.isProgressDue = true;
    if (cursor.state === "waiting") this.lookAgain(cursor.reading.subscription);
    else this.enqueue(cursor);
  }
}
