/**
 * Putting exported records back: at the very offsets, with the epoch and the times that they had. Producers' sequences are not restored: they are
 * promises about publishes to this hub.
 *
 * @see docs/protocol.md, "HTTP"
 */
import {
  BATCH_KIND,
  RingcastError,
  checkWritableTopic,
  countRecords,
  isEpoch,
  isOffset,
  lengthOf,
  offsetOf,
  readBatchHead,
  readPayload,
  shown,
  timestampOf,
  type BatchHead,
  type NewMessage,
} from "@ringcast/protocol";
import type { RingLog } from "../log/index.js";
import type { Flush } from "./flush.js";
import type { RestoreOutcome } from "./port.js";
import type { Feed } from "./topic.js";
import type { Topics } from "./topics.js";

/** One append takes at most this part of the ring; a quarter is the most that a log takes at once. */
const LARGEST_SHARE = 8;

/** Records of one time, which go into the log together. */
interface Run {
  readonly firstOffset: number;
  readonly timestamp: number;
  readonly messages: NewMessage[];
}

export class Restoring {
  readonly #topics: Topics;
  readonly #flush: Flush;

  constructor(topics: Topics, flush: Flush) {
    this.#topics = topics;
    this.#flush = flush;
  }

  /** As {@link Hub.restore} says. */
  restore(name: string, partition: number, frame: Uint8Array): RestoreOutcome {
    const head = readHead(frame);
    const runs = readRuns(frame, head);
    const checkPartition = (partitions: number): void => {
      if (partition < partitions) return;
      const message = `Topic ${shown(name)} has no partition ${shown(partition)}: use 0 to ${partitions - 1}.`;
      throw new RingcastError("bad_request", message, { field: "partition" });
    };
    const topic = this.#topics.obtain(checkWritableTopic(name), (config) => checkPartition(config.partitions));
    checkPartition(topic.feeds.length);
    const feed = topic.feeds[partition] as Feed;
    const log = feed.log as RingLog;
    const [first] = runs;
    if (first !== undefined) {
      begin(log, head.name, first);
      this.#append(feed, log, runs);
    }
    return { epoch: log.epoch, head: log.head };
  }

  #append(feed: Feed, log: RingLog, runs: readonly Run[]): void {
    const shareBytes = log.capacityBytes / LARGEST_SHARE;
    for (const { firstOffset, timestamp, messages } of runs) {
      let from = 0;
      while (from < messages.length) {
        const to = endOfShare(messages, from, shareBytes);
        log.append(messages.slice(from, to), { epoch: log.epoch, firstOffset: firstOffset + from, timestamp });
        this.#flush.markDirty(feed);
        from = to;
      }
    }
  }
}

/** @throws RingcastError `bad_request` for what is no delivery frame of whole records */
function readHead(frame: Uint8Array): BatchHead {
  const head = readBatchHead(frame);
  if (head?.kind !== BATCH_KIND.delivery) throw refused("frame", "Send one batch frame of kind 1 (a delivery).");
  if (!isEpoch(head.name)) throw refused("epoch", `Give an epoch, not ${shown(head.name)}.`);
  if (countRecords(viewOf(frame), head.recordsAt, frame.length) !== head.count) {
    throw refused("frame", `Send exactly the ${head.count} whole records that the frame's header names.`);
  }
  return head;
}

/** Judges all records before the first is stored. */
function readRuns(frame: Uint8Array, head: BatchHead): readonly Run[] {
  const view = viewOf(frame);
  const runs: Run[] = [];
  let expected = -1;
  let index = 0;
  for (let at = head.recordsAt; at < frame.length; at += lengthOf(view, at)) {
    const offset = offsetOf(view, at);
    const timestamp = timestampOf(view, at);
    const last = runs.at(-1);
    if (!isOffset(offset) || (expected >= 0 && offset !== expected)) {
      throw refused("frame", `Send records of dense offsets: ${offset} is not ${expected}.`, index);
    }
    if (last !== undefined && timestamp < last.timestamp) {
      throw refused(
        "frame",
        `Send records whose times never run back: ${timestamp} is before ${last.timestamp}.`,
        index,
      );
    }
    const message = readAt(frame, view, at, index);
    if (last?.timestamp === timestamp) last.messages.push(message);
    else runs.push({ firstOffset: offset, timestamp, messages: [message] });
    expected = offset + 1;
    index += 1;
  }
  return runs;
}

function readAt(frame: Uint8Array, view: DataView, at: number, index: number): NewMessage {
  try {
    return readPayload(frame, view, at);
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    throw new RingcastError(error.code, error.message, { ...error.details, index }, { cause: error });
  }
}

/**
 * Makes the log stand where the records go: a log to which nothing was ever appended begins there.
 * @throws RingcastError `conflict`, with `details.head`
 */
function begin(log: RingLog, epoch: string, { firstOffset, timestamp }: Run): void {
  if (log.head === 0) {
    log.beginAt(firstOffset, [{ epoch, first: firstOffset }]);
    return;
  }
  const { head, lineage } = log;
  const isKnown = lineage.some((entry) => entry.epoch === epoch);
  if (firstOffset !== head || (isKnown && epoch !== log.epoch) || timestamp < log.lastTimestamp) {
    const stand = `${log.epoch}/${head} (${log.lastTimestamp})`;
    const message = `The log stands at ${stand} and can't take records from ${epoch}/${firstOffset} (${timestamp}) on: begin at its head.`;
    throw new RingcastError("conflict", message, { head, epoch: log.epoch });
  }
  if (epoch !== log.epoch) log.beginAt(firstOffset, [...lineage, { epoch, first: firstOffset }]);
}

/** At least one message, and no more than take so many bytes. */
function endOfShare(messages: readonly NewMessage[], from: number, shareBytes: number): number {
  let bytes = 0;
  let to = from;
  while (to < messages.length) {
    const { data, headers, key } = messages[to] as NewMessage;
    bytes += 64 + data.length + headers.length + (key?.length ?? 0);
    if (bytes > shareBytes && to > from) break;
    to += 1;
  }
  return to;
}

function viewOf(frame: Uint8Array): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.length);
}

function refused(field: string, message: string, index?: number): RingcastError {
  return new RingcastError("bad_request", message, { field, ...(index === undefined ? {} : { index }) });
}
