/**
 * Plays the topic `quakes`: from where the page was before a reload, from a moment chosen on the line, or live. It reads through
 * one subscription; holding its loop back (pause, playing an old stretch at its own pace) lets the cursor wait in the log.
 */
import type { Hub, Message } from "@ringcast/client";
import { RingcastError, type Gap, type Start } from "@ringcast/protocol";
import { QUAKES_TOPIC } from "../quake.js";
import { Integrity } from "./integrity.js";
import type { Kept, Positions } from "./kept.js";

/** Anybody may publish to the topic, so its data is checked before it is drawn. */
export interface DemoTopics {
  [QUAKES_TOPIC]: unknown;
}

/** What the player tells the page; all of it in the order of the log. */
export interface PlayerView {
  /** A message. `isFresh`: it is shown at its own moment, not as part of a picture that is being drawn again. */
  show(message: Message, options: { isFresh: boolean }): void;
  /** A gap announced by the hub. */
  tellGap(gap: Gap): void;
  /** The picture begins anew: a moment was chosen, or the log is another one. */
  clear(): void;
  /** Something about the player has changed. */
  changed(): void;
}

/** A first visit shows this many of the newest messages: more than one whole week. */
const FIRST_PICTURE = 2000;
/** A message younger than this arrives live. */
const FRESH_MS = 2500;
/** While an old stretch is played, no wait is longer. */
const LONGEST_WAIT_MS = 1500;
/** How much of a delay is made up for; a hidden tab's timers are late. */
const CATCH_UP_MS = 2000;
/** Messages that may wait in the page: small, so that a held loop soon holds the cursor. */
const WINDOW = 256;

export class Player {
  readonly integrity = new Integrity();
  readonly #hub: Hub<DemoTopics>;
  readonly #view: PlayerView;
  #begin: Positions = {};
  #next: Positions = {};
  #drawnBefore: Positions = {};
  #isBack = false;
  #isPaused = false;
  #playedMs: number | undefined;
  /** When the next message of an old stretch is due, on the wall clock. */
  #dueMs = 0;
  #wake: () => void = () => undefined;
  #ending = new AbortController();

  constructor(hub: Hub<DemoTopics>, view: PlayerView) {
    this.#hub = hub;
    this.#view = view;
  }

  /** Whether the reader went back in time and the page plays from there. */
  get isBack(): boolean {
    return this.#isBack;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** When the record shown last was stored, while the page is not live. */
  get playedMs(): number | undefined {
    return this.#isBack || this.#isPaused ? this.#playedMs : undefined;
  }

  /** Next offset of each partition. */
  get next(): Positions {
    return this.#next;
  }

  /** What a reload needs to go on here. */
  get kept(): Kept {
    return { begin: this.#begin, next: this.#next, isBack: this.#isBack, isPaused: this.#isPaused };
  }

  /** Starts: where the tab was before a reload, else with the newest messages. */
  start(kept: Kept | undefined): void {
    if (kept === undefined) {
      this.#play({ last: FIRST_PICTURE });
      return;
    }
    this.#begin = { ...kept.begin };
    this.#drawnBefore = kept.next;
    this.#isBack = kept.isBack;
    this.#isPaused = kept.isPaused;
    this.#play({ positions: kept.begin });
  }

  /** Plays from the first message stored at that moment or later, at the pace in which they were stored. */
  playFrom(timeMs: number): void {
    this.#restart();
    this.#isBack = true;
    this.#isPaused = false;
    this.#playedMs = timeMs;
    this.#play({ time: timeMs });
  }

  /** Shows everything up to now at once and goes on live. */
  goLive(): void {
    this.#isBack = false;
    this.#isPaused = false;
    this.#wake();
    this.#view.changed();
  }

  /** Holds the loop; the cursor waits in the log. */
  pause(): void {
    this.#isPaused = true;
    this.#view.changed();
  }

  /** Goes on after {@link pause}, at the log's own pace. */
  resume(): void {
    this.#isPaused = false;
    this.#isBack = true;
    this.#wake();
    this.#view.changed();
  }

  /** Forgets the picture; it begins with the message that is shown now. */
  beginAt(message: Message): void {
    this.#begin = { ...this.#next, [message.partition]: { epoch: message.epoch, offset: message.offset } };
  }

  #restart(): void {
    this.#begin = {};
    this.#next = {};
    this.#drawnBefore = {};
    this.integrity.restart();
    this.#view.clear();
  }

  #play(from: Start): void {
    this.#ending.abort();
    this.#wake();
    const ending = new AbortController();
    this.#ending = ending;
    this.#view.changed();
    void this.#read(from, ending.signal);
  }

  async #read(from: Start, signal: AbortSignal): Promise<void> {
    const onGap = (gap: Gap) => this.#passGap(gap);
    try {
      for await (const message of this.#hub.subscribe(QUAKES_TOPIC, { from, window: WINDOW, signal, onGap })) {
        await this.#waitFor(message, signal);
        if (signal.aborted) return;
        this.#take(message);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RingcastError) || error.code !== "invalid_offset") throw error;
      // What was kept is of a log that is no longer there and had more records.
      this.#restart();
      this.start(undefined);
    }
  }

  #passGap(gap: Gap): void {
    if (gap.reason === "epoch" || gap.reason === "deleted") {
      this.#restart();
      this.integrity.expect(gap.partition, gap.next);
    } else {
      this.integrity.announce(gap);
    }
    this.#view.tellGap(gap);
  }

  #take(message: Message): void {
    const { partition, offset, epoch, timestamp } = message;
    if (!this.integrity.take(partition, offset)) return;
    const isFresh = !this.#wasDrawn(message) && (this.#isBack || Date.now() - timestamp < FRESH_MS);
    // What was noted last wins: the first record stays the beginning.
    this.#begin = { [partition]: { epoch, offset }, ...this.#begin };
    this.#next = { ...this.#next, [partition]: { epoch, offset: offset + 1 } };
    this.#playedMs = timestamp;
    this.#view.show(message, { isFresh });
    this.#view.changed();
  }

  /** Whether a message belongs to the picture that a reload draws again. */
  #wasDrawn({ partition, offset, epoch }: Message): boolean {
    const before = this.#drawnBefore[partition];
    return before !== undefined && before.epoch === epoch && offset < before.offset;
  }

  /** Waits while the page is paused, and while it plays an old stretch and the message is not due yet. */
  async #waitFor(message: Message, signal: AbortSignal): Promise<void> {
    if (this.#wasDrawn(message)) return;
    const silence = Math.max(0, message.timestamp - (this.#playedMs ?? message.timestamp));
    this.#dueMs = Math.max(this.#dueMs, Date.now() - CATCH_UP_MS) + Math.min(LONGEST_WAIT_MS, silence);
    while (!signal.aborted) {
      const waitMs = this.#dueMs - Date.now();
      if (this.#isPaused) await this.#sleep(undefined);
      else if (!this.#isBack || waitMs <= 0) return;
      else await this.#sleep(waitMs);
    }
  }

  /** Waits until somebody wakes the player; `waitMs` is the longest time, without end where it is undefined. */
  #sleep(waitMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (waitMs !== undefined) setTimeout(resolve, waitMs);
    });
  }
}
