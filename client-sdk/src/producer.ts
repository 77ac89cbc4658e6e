/**
 * Publishes: one line per topic, sent in order, each with a producer sequence, so that what was in flight when a connection broke can be sent
 * again without being stored twice.
 *
 * A sequence is given when a publish is sent. It stays as long as the publish may have been stored under it; it is taken back only when the hub has said that it
 * was not. A refused publish uses no sequence up, so those sent after it are refused as `out_of_sequence`: the line then waits until
 * nothing of it is in flight and goes on, in order, from the sequence that the hub expects.
 */
import {
  RingcastError,
  shown,
  utf8Length,
  type Durability,
  type HubFrame,
  type Limits,
  type PublishedFrame,
} from "@ringcast/protocol";
import { createDeferred, type Deferred } from "./deferred.js";
import { errorOf } from "./errors.js";
import type { Link } from "./link.js";
import type { Timer } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

/** Bytes in flight at once, beyond the first frame. */
const MAX_INFLIGHT_BYTES = 4_194_304;
/** Room for what a request has beside the user's part. */
const OPERATION_BYTES = 2_048;
/** Idle lines are forgotten beyond so many topics; the next publish there begins with a new producer id. */
const MAX_LINES = 1_000;
/** Wait before a refused publish is tried again, where the hub doesn't say. */
const RETRY_MS = 1_000;
/** Codes that a later attempt may not meet. */
const RETRIED = ["rate_limited", "unavailable", "shutting_down"];

export interface PublishTarget {
  readonly topic: string;
  readonly partition?: number;
  readonly durability?: Durability;
}

interface Entry extends Deferred<PublishedFrame> {
  readonly target: PublishTarget;
  readonly body: FrameData;
  timeout: Timer | undefined;
  /** Undefined: not stored, for certain. */
  sequence: number | undefined;
  /** The promise has rejected because time was over. */
  isLate: boolean;
  /** Bytes in flight; 0: not in flight. */
  flying: number;
}

interface Line {
  readonly producer: string;
  /** Publishes without an outcome, in order; those in flight come first. */
  readonly entries: Entry[];
  inflight: number;
  nextSequence: number;
  /** Set after a refusal: where to begin again, once nothing is in flight. */
  restart: number | undefined;
  /** Runs while the line waits before trying again. */
  pause: Timer | undefined;
}

export interface ProducerOptions {
  /** Milliseconds, from the publish to its outcome. */
  readonly timeoutMs: number;
  /** Publishes without an outcome, at most. */
  readonly maxBacklog: number;
}

export class Producer {
  readonly #link: Link;
  readonly #options: ProducerOptions;
  readonly #lines = new Map<string, Line>();
  /** Lines that have something to send. */
  readonly #waiting = new Set<Line>();
  #limits: Limits | undefined;
  #held = 0;
  #inflight = 0;
  #inflightBytes = 0;
  #drained: Deferred<undefined> | undefined;

  constructor(link: Link, options: ProducerOptions) {
    this.#link = link;
    this.#options = options;
  }

  /**
   * Takes a publish into its line.
   *
   * @param body what the codec made of the user's part
   * @returns the hub's reply
   * @throws RingcastError (as a rejection) `too_many` when the backlog is full, `unavailable` when time is over, and what the hub refuses with
   */
  publish(target: PublishTarget, body: FrameData): Promise<PublishedFrame> {
    const { maxBacklog, timeoutMs } = this.#options;
    if (this.#held >= maxBacklog) {
      const message = `${maxBacklog} publishes wait for their acknowledgement: await their promises, or drained(), before the next.`;
      return Promise.reject(new RingcastError("too_many", message));
    }
    const line = this.#lineOf(target.topic);
    const entry: Entry = {
      ...createDeferred<PublishedFrame>(),
      target,
      body,
      timeout: undefined,
      sequence: undefined,
      isLate: false,
      flying: 0,
    };
    if (timeoutMs < Infinity) entry.timeout = this.#link.runtime.setTimer(timeoutMs, () => this.#expire(line, entry));
    this.#held++;
    line.entries.push(entry);
    this.#waiting.add(line);
    this.#sendDue();
    return entry.promise;
  }

  /** Resolves when less than half of the backlog is taken. */
  drained(): Promise<void> {
    if (this.#hasRoom()) return Promise.resolve();
    return (this.#drained ??= createDeferred<undefined>()).promise;
  }

  /** Resolves when every publish so far has its outcome. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#lines.values()].flatMap(({ entries }) => entries.map(({ promise }) => promise)));
  }

  /** Sends what waits, over a connection that was just made. */
  welcomed(limits: Limits): void {
    this.#limits = limits;
    this.#sendDue();
  }

  /** Takes back what was in flight, with its sequences: it may have been stored. */
  lost(): void {
    this.#inflight = this.#inflightBytes = 0;
    for (const line of this.#lines.values()) {
      for (const entry of line.entries) entry.flying = 0;
      line.inflight = 0;
      this.#beginAgain(line);
    }
  }

  /** Rejects everything. */
  close(error: RingcastError): void {
    for (const line of this.#lines.values()) {
      line.pause?.cancel();
      while (line.entries[0] !== undefined) this.#remove(line, line.entries[0]).reject(error);
    }
    this.#lines.clear();
    this.#waiting.clear();
  }

  #sendDue(): void {
    for (const line of this.#waiting) {
      while (line.restart === undefined && line.inflight < line.entries.length) {
        if (!this.#canSend()) return;
        this.#send(line, line.entries[line.inflight] as Entry);
      }
      if (line.restart === undefined) this.#waiting.delete(line);
    }
  }

  #canSend(): boolean {
    return (
      this.#link.isReady() &&
      this.#inflight < (this.#limits?.maxInflight ?? 0) &&
      this.#inflightBytes < MAX_INFLIGHT_BYTES
    );
  }

  #send(line: Line, entry: Entry): void {
    const bytes = typeof entry.body === "string" ? utf8Length(entry.body) : entry.body.length;
    if (bytes + OPERATION_BYTES > (this.#limits as Limits).maxFrameBytes) {
      // The hub would cut the connection, and again after each retry.
      const message = `A publish of ${bytes} bytes does not fit into a frame of the hub: publish less at once.`;
      this.#remove(line, entry).reject(new RingcastError("too_large", message));
      return;
    }
    entry.sequence ??= line.nextSequence;
    line.nextSequence = entry.sequence + 1;
    entry.flying = bytes;
    line.inflight++;
    this.#inflight++;
    this.#inflightBytes += entry.flying;
    const producer = { id: line.producer, sequence: entry.sequence };
    this.#link.call(
      { op: "publish", ...entry.target, producer },
      (reply) => this.#settle(line, entry, reply),
      entry.body,
    );
  }

  #settle(line: Line, entry: Entry, reply: HubFrame): void {
    line.inflight--;
    this.#inflight--;
    this.#inflightBytes -= entry.flying;
    entry.flying = 0;
    if (reply.op === "error") this.#refuse(line, entry, errorOf(reply));
    else this.#remove(line, entry).resolve(reply as PublishedFrame);
    if (line.inflight === 0 && line.pause === undefined) this.#beginAgain(line);
    this.#sendDue();
  }

  #refuse(line: Line, entry: Entry, error: RingcastError): void {
    const { code, details } = error;
    let restart = entry.sequence as number;
    let isStored = false;
    if (code === "out_of_sequence") {
      // Behind a refused one, or the hub has lost the newest (a power cut): go on where it stands.
      if (typeof details["expected"] === "number") restart = details["expected"];
      entry.sequence = undefined;
    } else if (code === "conflict") {
      // The sequence belongs to a publish that was given up; this one is not stored.
      restart++;
      entry.sequence = undefined;
    } else if (RETRIED.includes(code)) {
      isStored = details["stored"] === "unknown";
      const { retryAfterMs } = details;
      this.#pause(line, typeof retryAfterMs === "number" ? retryAfterMs : RETRY_MS);
    } else {
      this.#remove(line, entry).reject(error);
    }
    line.restart = Math.min(line.restart ?? Infinity, restart);
    if (entry.isLate && !isStored) this.#remove(line, entry);
  }

  #pause(line: Line, delayMs: number): void {
    line.pause ??= this.#link.runtime.setTimer(delayMs, () => {
      line.pause = undefined;
      if (line.inflight === 0) this.#beginAgain(line);
      this.#sendDue();
    });
  }

  #beginAgain(line: Line): void {
    line.pause?.cancel();
    line.pause = undefined;
    line.nextSequence = line.restart ?? line.nextSequence;
    line.restart = undefined;
    if (line.entries.length > 0) this.#waiting.add(line);
  }

  #expire(line: Line, entry: Entry): void {
    const isUnknown = entry.sequence !== undefined;
    const outcome = isUnknown ? "it may have been stored" : "it was not stored";
    entry.isLate = true;
    entry.reject(
      new RingcastError(
        "unavailable",
        `The publish to ${shown(entry.target.topic)} was not acknowledged within ${this.#options.timeoutMs} ms, ${outcome}.`,
        { stored: isUnknown ? "unknown" : "no" },
      ),
    );
    // What may be stored stays in line: its sequence can't be given to another.
    if (!isUnknown) this.#remove(line, entry);
  }

  #remove(line: Line, entry: Entry): Entry {
    const at = line.entries.indexOf(entry);
    if (at === 0) line.entries.shift();
    else if (at > 0) line.entries.splice(at, 1);
    if (at >= 0) this.#held--;
    entry.timeout?.cancel();
    if (this.#drained !== undefined && this.#hasRoom()) {
      this.#drained.resolve(undefined);
      this.#drained = undefined;
    }
    return entry;
  }

  #hasRoom(): boolean {
    return this.#held * 2 < this.#options.maxBacklog;
  }

  #lineOf(topic: string): Line {
    const found = this.#lines.get(topic);
    if (found !== undefined) return found;
    if (this.#lines.size >= MAX_LINES) this.#forgetIdleLine();
    const line: Line = {
      producer: this.#link.runtime.randomId(),
      entries: [],
      inflight: 0,
      nextSequence: 0,
      restart: undefined,
      pause: undefined,
    };
    this.#lines.set(topic, line);
    return line;
  }

  #forgetIdleLine(): void {
    for (const [topic, { entries }] of this.#lines) {
      if (entries.length > 0) continue;
      this.#lines.delete(topic);
      return;
    }
  }
}
