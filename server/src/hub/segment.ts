/**
 * What readers at one place get next: one frame with the records from there to the block's edge, or one that announces a gap.
 * Readers at the same place with the same subscription number share it.
 */
import {
  ByteWriter,
  encodeFrame,
  lengthOf,
  writeMessage,
  writeMessageSeparator,
  writeMessagesEnd,
  writeMessagesHead,
  type Gap,
  type GapReason,
} from "@ringcast/protocol";
import { emptyResult, type RingLog } from "../log/index.js";
import type { Cursor } from "./cursor.js";
import { positionsBeside, writeEvent, writeGapEvent } from "./event-stream.js";
import type { DeliveryDialect, Frame } from "./port.js";
import { epochAt } from "./start.js";
import type { Feed } from "./topic.js";

/** Frames end at multiples of this in log addresses, so that readers at different places come to share them. */
export const BLOCK_BYTES = 65_536;

export interface Segment {
  readonly dialect: DeliveryDialect;
  readonly subscription: number;
  readonly offset: number;
  readonly nextOffset: number;
  /** -1: to be looked up. */
  readonly nextAddress: number;
  /** 0 for a gap. */
  readonly records: number;
  readonly logBytes: number;
  /** Undefined: records. */
  readonly gap: GapReason | undefined;
  readonly frame: Frame;
}

/** `end`: nothing new. `pending`: ask again in a later turn. */
export type Lookup = Segment | "end" | "pending";

/** The segments that were built in this flush; they hang on their feeds. */
export class SegmentCache {
  readonly #feeds: Feed[] = [];
  /** Bytes of all frames. */
  bytes = 0;
  /** Frames built since the start. */
  built = 0;

  add(feed: Feed, segment: Segment): void {
    if (feed.segments.length === 0) this.#feeds.push(feed);
    feed.segments.push(segment);
    this.bytes += segment.frame.bytes.length;
  }

  clear(): void {
    for (const feed of this.#feeds) feed.segments.length = 0;
    this.#feeds.length = 0;
    this.bytes = 0;
  }
}

/** Memory that translating needs, used again and again. */
const writer = new ByteWriter(BLOCK_BYTES);
const result = emptyResult();

/**
 * Finds what a cursor gets next, among what was built in this flush or by reading the log.
 *
 * @param credit at most so many records, 1 or more
 */
export function nextSegment(cursor: Cursor, log: RingLog, credit: number, cache: SegmentCache): Lookup {
  const { segments } = cursor.feed;
  const limit = cursor.offset + credit;
  const { number, reader } = cursor.reading.subscription;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as Segment;
    const fits = segment.offset === cursor.offset && segment.nextOffset <= limit;
    if (fits && segment.subscription === number && segment.dialect === reader.dialect) return segment;
  }
  const segment = buildSegment(cursor, log, limit);
  if (typeof segment === "string") return segment;
  cache.built += 1;
  if (isShareable(cursor)) cache.add(cursor.feed, segment);
  return segment;
}

/** Events of a topic with several partitions name the reader's place in all of them: nobody else can use them. */
function isShareable(cursor: Cursor): boolean {
  return cursor.reading.subscription.reader.dialect === "json" || cursor.feed.topic.feeds.length === 1;
}

function buildSegment(cursor: Cursor, log: RingLog, limit: number): Lookup {
  switch (log.read(cursor, BLOCK_BYTES, limit, result)) {
    case "records":
      return translate(cursor, log);
    case "below-tail":
      return gapSegment(cursor, log, "retention", result.nextOffset, -1);
    case "corrupt":
      return gapSegment(cursor, log, "corrupt", result.nextOffset, result.nextAddress);
    case "pending":
      return "pending";
    case "end":
      return "end";
  }
}

/** Records up to the first damaged one; a gap where that is the very first. */
function translate(cursor: Cursor, log: RingLog): Segment {
  const { view, start, end } = result;
  let place = start;
  let offset = cursor.offset;
  while (place < end && log.isIntact(result, place, offset)) {
    place += lengthOf(view, place);
    offset += 1;
  }
  if (offset > cursor.offset) return recordsSegment(cursor, place, offset);
  // What `read` gave has headers that hold, so that lengths can be believed.
  do {
    place += lengthOf(view, place);
    offset += 1;
  } while (place < end && !log.isIntact(result, place, offset));
  return gapSegment(cursor, log, "corrupt", offset, addressAt(place));
}

/** Behind the last record of a read the log knows better: a filler may follow. */
function addressAt(place: number): number {
  return place === result.end ? result.nextAddress : result.address + place - result.start;
}

function recordsSegment(cursor: Cursor, end: number, nextOffset: number): Segment {
  const { subscription } = cursor.reading;
  const { dialect } = subscription.reader;
  writer.clear();
  if (dialect === "json") writeMessages(cursor, end, nextOffset);
  else writeEvents(cursor, end);
  return {
    dialect,
    subscription: subscription.number,
    offset: cursor.offset,
    nextOffset,
    nextAddress: addressAt(end),
    records: nextOffset - cursor.offset,
    logBytes: end - result.start,
    gap: undefined,
    frame: { bytes: writer.take(), binary: false, volatile: false },
  };
}

function writeMessages(cursor: Cursor, end: number, nextOffset: number): void {
  const { bytes, view, start, epoch } = result;
  const { topic, partition } = cursor.feed;
  const subscription = cursor.reading.subscription.number;
  writeMessagesHead(writer, { subscription, topic: topic.name, partition, epoch, next: nextOffset });
  for (let place = start; place < end; place += lengthOf(view, place)) {
    if (place > start) writeMessageSeparator(writer);
    writeMessage(writer, bytes, view, place);
  }
  writeMessagesEnd(writer);
}

function writeEvents(cursor: Cursor, end: number): void {
  const { bytes, view, start, epoch } = result;
  const beside = positionsBeside(cursor);
  let offset = cursor.offset;
  for (let place = start; place < end; place += lengthOf(view, place)) {
    offset += 1;
    writeEvent(writer, bytes, view, place, { beside, epoch, next: offset });
  }
}

function gapSegment(cursor: Cursor, log: RingLog, reason: GapReason, next: number, nextAddress: number): Segment {
  const { subscription } = cursor.reading;
  const gap: Gap = {
    topic: cursor.feed.topic.name,
    partition: cursor.feed.partition,
    from: cursor.offset,
    to: next - 1,
    reason,
    epoch: epochAt(log.lineage, next),
    next,
  };
  return {
    dialect: subscription.reader.dialect,
    subscription: subscription.number,
    offset: cursor.offset,
    nextOffset: next,
    nextAddress,
    records: 0,
    logBytes: 0,
    gap: reason,
    frame: gapFrame(cursor, gap),
  };
}

/** The frame that announces a gap to a cursor's reader. */
export function gapFrame(cursor: Cursor, gap: Gap): Frame {
  const { number, reader } = cursor.reading.subscription;
  if (reader.dialect === "json") return textFrame(encodeFrame({ op: "gap", subscription: number, ...gap }));
  writer.clear();
  writeGapEvent(writer, positionsBeside(cursor), gap);
  return textFrame(writer.take());
}

/** Bytes of the heap as a text frame. */
export function textFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: false, volatile: false };
}
