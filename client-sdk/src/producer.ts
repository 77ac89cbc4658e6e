/**
 * Publishes: one line per topic, sent in order, each with a producer sequence, so that what was in flight when a
 * connection broke can be sent again without being stored twice.
 *
 * A sequence is given when a publish is sent. It stays as long as the publish may have been stored under it; it is
 * taken back only when the hub has said that it was not. A refused publish uses no sequence up, so those sent after it
 * are refused as `out_of_sequence`: the line then waits until nothing of it is in flight and goes on, in order, from
 * the sequence that the hub expects.
 */
import { RingcastError, type Durability, type PublishedFrame } from "@ringcast/protocol";
import { createDeferred, type Deferred } from "./deferred.js";
import { retryDelayMs, unavailable } from "./errors.js";
import type { Link, Part } from "./link.js";
import type { KeptPublish } from "./outbox.js";
import type { Timer } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

export interface PublishTarget {
  readonly topic: string;
  readonly partition?: number;
  readonly durability?: Durability;
}

export interface ProducerOptions {
  /** Milliseconds, from the publish to its outcome. */
  readonly timeoutMs: number;
  /** Publishes without an outcome, at most. */
  readonly maxBacklog: number;
}

/** What a producer needs of the connection. */
export type ProducerLink = Pick<Link, "runtime" | "limits" | "call">;

export interface Producer extends Part {
  /**
   * Takes a publish into its line.
   *
   * @param body what the codec made of the user's part
   * @returns the hub's reply
   * @throws RingcastError (as a rejection) `too_many` when the backlog is full, `too_large`, `unavailable` when time is
   * over, and what the hub refuses with
   */
  publish(target: PublishTarget, body: FrameData): Promise<PublishedFrame>;
  /** Resolves at once while less than half of the backlog is taken, otherwise when all of it has its outcome. */
  readonly drained: () => Promise<void>;
  /** Resolves when every publish so far has its outcome. */
  settled(): Promise<unknown>;
}

/** What may be put around it: a producer whose publishes outlive the page. */
export interface InnerProducer extends Producer {
  /**
   * Takes a publish into its line; `send` sends it.
   *
   * @param name of the line; the topic's own where it is left out
   * @param producer of a line that is new; a fresh one where it is left out
   * @throws RingcastError `too_many`
   */
  add(target: PublishTarget, body: FrameData, name?: string, producer?: string): Entry;
  /** Sends what waits, as far as the hub allows. */
  send(): void;
}

/** A publish without an outcome. */
export interface Entry extends Deferred<PublishedFrame>, KeptPublish {
  readonly bytes: number;
  /** Undefined: not stored, for certain. */
  sequence: number | undefined;
  /** When its time is over, on the runtime's clock. */
  readonly dueMs: number;
  /** Called when it leaves its line with an outcome. */
  onGone?: () => void;
  /** The promise has rejected because time was over. */
  isLate?: boolean;
}

interface Line {
  readonly producer: string;
  /** Publishes without an outcome, in order; those in flight come first. */
  readonly entries: Entry[];
  inflight: number;
  nextSequence: number;
  /** Set after a refusal: where to begin again, once nothing is in flight. */
  restart?: number | undefined;
  /** Runs while the line waits before trying again. */
  pause?: Timer | undefined;
}

export function createProducer(link: ProducerLink, { timeoutMs, maxBacklog }: ProducerOptions): InnerProducer {
  /** Bytes in flight at once, beyond the first frame. */
  const MAX_INFLIGHT_BYTES = 4_194_304;
  /** Room for what a request has beside the user's part. */
  const OPERATION_BYTES = 2_048;
  /** Idle lines are forgotten beyond so many topics; the next publish there begins with a new producer id. */
  const MAX_LINES = 1_000;
  /** `details.stored` where the hub may have stored it or not. */
  const UNKNOWN = "unknown";

  const lines = new Map<string, Line>();
  /** Publishes without an outcome, of all lines. They are due in order, so one timer does for them. */
  const held = new Map<Entry, Line>();
  let expiry: Timer | undefined;
  /** Lines that have something to send. */
  const waiting = new Set<Line>();
  let inflight = 0;
  let inflightBytes = 0;

  const remove = (line: Line, entry: Entry): Entry => {
    line.entries.splice(line.entries.indexOf(entry), 1);
    held.delete(entry);
    entry.onGone?.();
    return entry;
  };

  const send = (): void => {
    for (const line of waiting) {
      while (line.restart === undefined) {
        const entry = line.entries[line.inflight];
        if (!entry) {
          waiting.delete(line);
          break;
        }
        const limits = link.limits();
        if (!limits || inflight >= limits.maxInflight || inflightBytes >= MAX_INFLIGHT_BYTES) return;
        if (entry.bytes + OPERATION_BYTES <= limits.maxFrameBytes) sendOne(line, entry);
        // The hub would cut the connection, and again after each retry.
        else remove(line, entry).reject(new RingcastError("too_large", `Too many bytes for a frame: ${entry.bytes}.`));
      }
    }
  };

  const sendOne = (line: Line, entry: Entry): void => {
    const sequence = (entry.sequence ??= line.nextSequence);
    line.nextSequence = sequence + 1;
    line.inflight++;
    inflight++;
    inflightBytes += entry.bytes;
    link.call(
      { op: "publish", producer: { id: line.producer, sequence }, ...entry.target },
      (reply, error) => {
        line.inflight--;
        inflight--;
        inflightBytes -= entry.bytes;
        if (error) refuse(line, entry, sequence, error);
        else remove(line, entry).resolve(reply as PublishedFrame);
        beginAgain(line);
        send();
      },
      entry,
    );
  };

  const refuse = (line: Line, entry: Entry, sequence: number, error: RingcastError): void => {
    const { code, details } = error;
    const delayMs = retryDelayMs(error);
    let isOver = entry.isLate && details["stored"] !== UNKNOWN;
    let restart = sequence;
    if (code === "out_of_sequence" || code === "conflict") {
      // Behind a refused one, or the hub has lost the newest (a power cut): go on where it stands. Or, as a conflict,
      // the sequence belongs to a publish that was given up. This one is not stored.
      restart = (details["expected"] as number | undefined) ?? sequence + 1;
      entry.sequence = undefined;
    } else if (delayMs === undefined) isOver = true;
    else {
      line.pause ??= link.runtime.setTimer(delayMs, () => {
        line.pause = undefined;
        beginAgain(line);
        send();
      });
    }
    line.restart = Math.min(line.restart ?? restart, restart);
    if (isOver) remove(line, entry).reject(error);
  };

  /** Goes on after a refusal, when it is time to. */
  const beginAgain = (line: Line): void => {
    if (line.inflight > 0 || line.pause) return;
    line.nextSequence = line.restart ?? line.nextSequence;
    line.restart = undefined;
    waiting.add(line);
  };

  const expire = (): void => {
    expiry = undefined;
    for (const [entry, line] of held) {
      const leftMs = entry.dueMs - link.runtime.monotonicMs();
      if (leftMs > 0) {
        expiry = link.runtime.setTimer(leftMs, expire);
        return;
      }
      const stored = entry.sequence === undefined ? "no" : UNKNOWN;
      entry.isLate = true;
      entry.reject(unavailable(`Not answered in ${timeoutMs} ms.`, { stored }));
      // What may be stored stays in line: its sequence can't be given to another.
      if (stored !== UNKNOWN) remove(line, entry);
    }
  };

  const lineOf = (name: string, producer?: string): Line => {
    let line = lines.get(name);
    if (!line) {
      for (const [other, { entries }] of lines) if (lines.size >= MAX_LINES && !entries[0]) lines.delete(other);
      line = { producer: producer ?? link.runtime.randomId(), entries: [], inflight: 0, nextSequence: 0 };
      lines.set(name, line);
    }
    return line;
  };

  const settled = (): Promise<unknown> => Promise.allSettled([...held.keys()].map(({ promise }) => promise));

  const add: InnerProducer["add"] = (target, body, name = target.topic, producer) => {
    // What an earlier page has left finds room always.
    if (held.size >= maxBacklog && !producer) {
      throw new RingcastError("too_many", `${maxBacklog} publishes wait: await drained().`);
    }
    const line = lineOf(name, producer);
    const entry: Entry = {
      target,
      body,
      producer: line.producer,
      bytes: (typeof body === "string" ? new TextEncoder().encode(body) : body).length,
      dueMs: link.runtime.monotonicMs() + timeoutMs,
      sequence: undefined,
      ...createDeferred<PublishedFrame>(),
    };
    held.set(entry, line);
    expiry ??= link.runtime.setTimer(timeoutMs, expire);
    line.entries.push(entry);
    waiting.add(line);
    return entry;
  };

  return {
    add,
    send,
    publish: (target, body) => {
      const { promise } = add(target, body);
      send();
      return promise;
    },
    drained: async () => {
      if (held.size * 2 >= maxBacklog) await settled();
    },
    settled,
    resume: () => {
      inflight = inflightBytes = 0;
      for (const line of lines.values()) {
        line.pause?.cancel();
        line.pause = undefined;
        line.inflight = 0;
        beginAgain(line);
      }
      send();
    },
    end: (error) => {
      expiry?.cancel();
      for (const { pause } of lines.values()) pause?.cancel();
      for (const { reject } of held.keys()) reject(error);
    },
  };
}
