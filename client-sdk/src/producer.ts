/**
 * Publishes: one line per topic, sent in order, each with a producer sequence, so that what was in flight when a connection broke can be sent
 * again without being stored twice.
 *
 * A sequence is given when a publish is sent. It stays as long as the publish may have been stored under it; it is taken back only when the hub has said that it
 * was not. A refused publish uses no sequence up, so those sent after it are refused as `out_of_sequence`: the line then waits until
 * nothing of it is in flight and goes on, in order, from the sequence that the hub expects.
 */
import { RingcastError, type Durability, type HubFrame, type PublishedFrame } from "@ringcast/protocol";
import { createDeferred, type Deferred } from "./deferred.js";
import { errorOf, retryDelayMs, unavailable } from "./errors.js";
import type { Link } from "./link.js";
import type { Keeper, KeptPublish } from "./outbox.js";
import type { Timer } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

/** Bytes in flight at once, beyond the first frame. */
const MAX_INFLIGHT_BYTES = 4_194_304;
/** Room for what a request has beside the user's part. */
const OPERATION_BYTES = 2_048;
/** Idle lines are forgotten beyond so many topics; the next publish there begins with a new producer id. */
const MAX_LINES = 1_000;
const encoder = /*#__PURE__*/ new TextEncoder();

/** `details.stored` where the hub may have stored it or not. */
const UNKNOWN = "unknown";

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
  readonly keeper: Keeper | undefined;
}

export interface Producer {
  /**
   * Takes a publish into its line.
   *
   * @param body what the codec made of the user's part
   * @returns the hub's reply
   * @throws RingcastError (as a rejection) `too_many` when the backlog is full, `too_large`, `unavailable` when time is over, and what the hub refuses with
   */
  publish(target: PublishTarget, body: FrameData): Promise<PublishedFrame>;
  /** Takes a publish of an earlier page into the line of that name; `welcomed` sends it. */
  restore(name: string, kept: KeptPublish): KeptPublish;
  /** Resolves at once while less than half of the backlog is taken, otherwise when all of it has its outcome. */
  readonly drained: () => Promise<void>;
  /** Resolves when every publish so far has its outcome. */
  settled(): Promise<unknown>;
  /** Sends what waits, over a connection that was just made. */
  welcomed(): void;
  /** Takes back what was in flight, with its sequences: it may have been stored. */
  lost(): void;
  /** Rejects everything. */
  close(error: RingcastError): void;
}

interface Entry extends Deferred<PublishedFrame>, KeptPublish {
  readonly bytes: number;
  readonly timeout: Timer;
  /** Undefined: not stored, for certain. */
  sequence: number | undefined;
  /** The promise has rejected because time was over. */
  isLate: boolean;
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

export function createProducer(link: Link, { timeoutMs, maxBacklog, keeper }: ProducerOptions): Producer {
  const lines = new Map<string, Line>();
  /** Lines that have something to send. */
  const waiting = new Set<Line>();
  let held = 0;
  let inflight = 0;
  let inflightBytes = 0;
  /** Counts the connections. */
  let connection = 0;

  const remove = (line: Line, entry: Entry): Entry => {
    const at = line.entries.indexOf(entry);
    if (at >= 0) {
      line.entries.splice(at, 1);
      held--;
    }
    entry.timeout.cancel();
    keeper?.drop(entry);
    return entry;
  };

  const sendDue = (): void => {
    for (const line of waiting) {
      while (line.restart === undefined) {
        const entry = line.entries[line.inflight];
        if (entry === undefined) {
          waiting.delete(line);
          break;
        }
        const limits = link.limits();
        if (limits === undefined || inflight >= limits.maxInflight || inflightBytes >= MAX_INFLIGHT_BYTES) return;
        if (entry.bytes + OPERATION_BYTES <= limits.maxFrameBytes) send(line, entry);
        // The hub would cut the connection, and again after each retry.
        else remove(line, entry).reject(new RingcastError("too_large", `Too many bytes for a frame: ${entry.bytes}.`));
      }
    }
  };

  const send = (line: Line, entry: Entry): void => {
    const sequence = (entry.sequence ??= line.nextSequence);
    const mine = connection;
    const call = (): void => {
      if (mine !== connection) return;
      link.call(
        { op: "publish", ...entry.target, producer: { id: line.producer, sequence } },
        (reply) => settle(line, entry, sequence, reply),
        entry.body,
      );
    };
    line.nextSequence = sequence + 1;
    line.inflight++;
    inflight++;
    inflightBytes += entry.bytes;
    if (keeper === undefined) call();
    else keeper.keep(entry).then(call, call);
  };

  const settle = (line: Line, entry: Entry, sequence: number, reply: HubFrame): void => {
    line.inflight--;
    inflight--;
    inflightBytes -= entry.bytes;
    if (reply.op === "error") refuse(line, entry, sequence, errorOf(reply));
    else remove(line, entry).resolve(reply as PublishedFrame);
    if (line.inflight === 0 && line.pause === undefined) beginAgain(line);
    sendDue();
  };

  const refuse = (line: Line, entry: Entry, sequence: number, error: RingcastError): void => {
    const { code, details } = error;
    const delayMs = retryDelayMs(error);
    let restart = sequence;
    if (code === "out_of_sequence") {
      // Behind a refused one, or the hub has lost the newest (a power cut): go on where it stands.
      restart = (details["expected"] as number | undefined) ?? restart;
      entry.sequence = undefined;
    } else if (code === "conflict") {
      // The sequence belongs to a publish that was given up; this one is not stored.
      restart++;
      entry.sequence = undefined;
    } else if (delayMs === undefined) remove(line, entry).reject(error);
    else {
      line.pause ??= link.runtime.setTimer(delayMs, () => {
        line.pause = undefined;
        if (line.inflight === 0) beginAgain(line);
        sendDue();
      });
    }
    line.restart = Math.min(line.restart ?? restart, restart);
    if (entry.isLate && details["stored"] !== UNKNOWN) remove(line, entry);
  };

  const beginAgain = (line: Line): void => {
    line.pause?.cancel();
    line.nextSequence = line.restart ?? line.nextSequence;
    line.pause = line.restart = undefined;
    waiting.add(line);
  };

  const expire = (line: Line, entry: Entry): void => {
    const stored = entry.sequence === undefined ? "no" : UNKNOWN;
    entry.isLate = true;
    entry.reject(unavailable(`Not acknowledged in ${timeoutMs} ms.`, { stored }));
    // What may be stored stays in line: its sequence can't be given to another.
    if (stored !== UNKNOWN) remove(line, entry);
  };

  const lineOf = (name: string, producer = link.runtime.randomId()): Line => {
    let line = lines.get(name);
    if (line === undefined) {
      for (const [other, { entries }] of lines) if (lines.size >= MAX_LINES && !entries[0]) lines.delete(other);
      line = { producer, entries: [], inflight: 0, nextSequence: 0, restart: undefined, pause: undefined };
      lines.set(name, line);
    }
    return line;
  };

  const settled = (): Promise<unknown> =>
    Promise.allSettled([...lines.values()].flatMap(({ entries }) => entries.map(({ promise }) => promise)));

  const add = (line: Line, target: PublishTarget, body: FrameData): Entry => {
    const entry: Entry = {
      ...createDeferred<PublishedFrame>(),
      target,
      body,
      producer: line.producer,
      bytes: (typeof body === "string" ? encoder.encode(body) : body).length,
      timeout: link.runtime.setTimer(timeoutMs, () => expire(line, entry)),
      sequence: undefined,
      isLate: false,
    };
    held++;
    line.entries.push(entry);
    waiting.add(line);
    return entry;
  };

  return {
    publish: (target, body) => {
      const line = lineOf(target.topic);
      const entry = add(line, target, body);
      if (held > maxBacklog) {
        remove(line, entry).reject(new RingcastError("too_many", `${maxBacklog} publishes wait: await drained().`));
      } else keeper?.number(entry);
      sendDue();
      return entry.promise;
    },
    restore: (name, { target, body, producer, sequence }) =>
      Object.assign(add(lineOf(name, producer), target, body), { sequence }),
    drained: async () => {
      if (held * 2 >= maxBacklog) await settled();
    },
    settled,
    welcomed: sendDue,
    lost: () => {
      inflight = inflightBytes = 0;
      connection++;
      for (const line of lines.values()) {
        line.inflight = 0;
        beginAgain(line);
      }
    },
    close: (error) => {
      for (const line of lines.values()) {
        line.pause?.cancel();
        for (const { timeout, reject } of line.entries.splice(0)) {
          timeout.cancel();
          reject(error);
        }
      }
    },
  };
}
