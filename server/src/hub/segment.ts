/**
 * What readers at one place get next: one frame with the records from there to the block's edge, or one that announces a gap.
 * Readers at the same place with the same subscription number and filter share it.
 */
import { lengthOf, type Gap, type GapReason } from "@ringcast/protocol";
import { emptyResult, type RingLog } from "../log/index.js";
import type { Cursor } from "./cursor.js";
import { arena, gapFrame, recordsFrame, type Picked } from "./frames.js";
import type { DeliveryDialect, Frame } from "./port.js";
import { epochAt } from "./start.js";
import { NO_FORM } from "./subscription.js";
import type { Feed } from "./topic.js";

/** Frames end at multiples of this in log addresses, so that readers at different places come to share them. */
export const BLOCK_BYTES = 65_536;
/** What no cursor has. */
const NOBODYS_FORM = NO_FORM - 1;

export interface Segment {
  /** The {@link Cursor.form} of those who need no look at anything else; one that no cursor has where there are none. */
  readonly form: number;
  /** The log's newest when this was built. */
  readonly epoch: string;
  /** Whether it ends at the head. */
  readonly isLast: boolean;
  /** Built for the same feed before it. */
  next: Segment | undefined;
  readonly dialect: DeliveryDialect;
  readonly subscription: number;
  /** See {@link Subscription.selection}. */
  readonly selection: string;
  readonly offset: number;
  readonly nextOffset: number;
  /** -1: to be looked up. */
  readonly nextAddress: number;
  /** Records in the frame; 0 for a gap. */
  readonly records: number;
  /** Bytes of the log that were looked at. */
  readonly logBytes: number;
  /** Undefined: records. */
  readonly gap: GapReason | undefined;
  /** First offset, and the one behind the last, of each stretch that a filter left out; undefined where it left nothing out. */
  readonly leftOut: readonly number[] | undefined;
  /** Undefined: a filter left out everything. */
  readonly frame: Frame | undefined;
}

/** `end`: nothing new. `pending`: the log says when to ask again. */
export type Lookup = Segment | "end" | "pending";

/** The segments that were built in this flush; they hang on their feeds. */
export class SegmentCache {
  readonly #feeds: Feed[] = [];
  /** Bytes of all frames. */
  bytes = 0;
  /** Frames built since the start. */
  built = 0;

  add(feed: Feed, segment: Segment): void {
    if (feed.segment === undefined) this.#feeds.push(feed);
    segment.next = feed.segment;
    feed.segment = segment;
    this.bytes += segment.frame?.bytes.length ?? 0;
  }

  /** Nobody sends any of these frames any more. */
  clear(): void {
    for (const feed of this.#feeds) feed.segment = undefined;
    this.#feeds.length = 0;
    this.bytes = 0;
    arena.clear();
  }
}

const result = emptyResult();
const picked: Picked = { runs: [], count: 0, end: 0, nextOffset: 0 };

/**
 * Finds what a cursor gets next, among what was built in this flush or by reading the log.
 *
 * @param credit at most so many records, 1 or more
 */
export function nextSegment(cursor: Cursor, log: RingLog, credit: number, cache: SegmentCache): Lookup {
  for (let known = cursor.feed.segment; known !== undefined; known = known.next) {
    if (known.offset === cursor.offset && isFor(cursor, known, credit)) return known;
  }
  const segment = buildSegment(cursor, log, credit);
  if (typeof segment === "string") return segment;
  if (segment.frame !== undefined) cache.built += 1;
  if (isShareable(cursor)) cache.add(cursor.feed, segment);
  return segment;
}

function isFor(cursor: Cursor, segment: Segment, credit: number): boolean {
  const { number, selection, reader } = cursor.reading.subscription;
  return (
    segment.subscription === number &&
    segment.records <= credit &&
    (segment.nextOffset <= cursor.end || segment.gap !== undefined) &&
    segment.dialect === reader.dialect &&
    segment.selection === selection
  );
}

/** Events of a topic with several partitions name the reader's place in all of them: nobody else can use them. */
function isShareable(cursor: Cursor): boolean {
  return cursor.reading.subscription.reader.dialect !== "events" || cursor.feed.topic.feeds.length === 1;
}

function buildSegment(cursor: Cursor, log: RingLog, credit: number): Lookup {
  const { filter } = cursor.reading.subscription;
  // With a filter nobody knows yet how many of the records take room in the window.
  const limit = filter === undefined ? Math.min(cursor.offset + credit, cursor.end) : cursor.end;
  switch (log.read(cursor, BLOCK_BYTES, limit, result)) {
    case "records":
      return pickSegment(cursor, log, credit);
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

/** The wanted records up to the first damaged one; a gap where that is the very first. */
function pickSegment(cursor: Cursor, log: RingLog, credit: number): Segment {
  const { filter, verify, reader } = cursor.reading.subscription;
  const isChecked = reader.dialect !== "msgpack" || verify;
  if (filter === undefined && !isChecked) pickAll();
  else pickRecords(cursor, log, { credit, isChecked });
  if (picked.end > result.start) return recordsSegment(cursor, log);
  // What `read` gave has headers that hold, so that lengths can be believed.
  const { view } = result;
  let { end } = picked;
  let offset = cursor.offset;
  do {
    end += lengthOf(view, end);
    offset += 1;
  } while (end < result.end && !log.isIntact(result, end));
  return gapSegment(cursor, log, "corrupt", offset, addressAt(end));
}

/** The log's bytes as they stand: who gets them checks them. */
function pickAll(): void {
  picked.runs.length = 2;
  picked.runs[0] = result.start;
  picked.runs[1] = result.end;
  picked.count = result.nextOffset - result.firstOffset;
  picked.end = result.end;
  picked.nextOffset = result.nextOffset;
}

/** The hot loop of translated and filtered reading. A damaged record's key can't be believed, so checks come before the filter. */
function pickRecords(
  cursor: Cursor,
  log: RingLog,
  { credit, isChecked }: { readonly credit: number; readonly isChecked: boolean },
): void {
  const { bytes, view, start, end } = result;
  const { filter } = cursor.reading.subscription;
  const { runs } = picked;
  runs.length = 0;
  let place = start;
  let offset = cursor.offset;
  let count = 0;
  while (place < end) {
    if (isChecked && !log.isIntact(result, place)) break;
    const next = place + lengthOf(view, place);
    if (filter === undefined || filter.matches(bytes, view, place)) {
      if (count === credit) break;
      count += 1;
      if (runs.length > 0 && runs[runs.length - 1] === place) runs[runs.length - 1] = next;
      else runs.push(place, next);
    }
    place = next;
    offset += 1;
  }
  picked.count = count;
  picked.end = place;
  picked.nextOffset = offset;
}

/** Behind the last record of a read the log knows better: a filler may follow. */
function addressAt(place: number): number {
  return place === result.end ? result.nextAddress : result.address + place - result.start;
}

function recordsSegment(cursor: Cursor, log: RingLog): Segment {
  const { number, selection, reader } = cursor.reading.subscription;
  const { nextOffset, count, end } = picked;
  return {
    // Without a filter nothing is left out: where a form fits there is a frame.
    form: cursor.form === NO_FORM ? NOBODYS_FORM : cursor.form,
    epoch: log.epoch,
    isLast: nextOffset >= log.head,
    next: undefined,
    dialect: reader.dialect,
    subscription: number,
    selection,
    offset: cursor.offset,
    nextOffset,
    nextAddress: addressAt(end),
    records: count,
    logBytes: end - result.start,
    gap: undefined,
    leftOut: count === nextOffset - cursor.offset ? undefined : leftOutOffsets(cursor.offset),
    frame: count === 0 ? undefined : recordsFrame(cursor, result, picked),
  };
}

/** The offsets between the runs. */
function leftOutOffsets(first: number): readonly number[] {
  const { view, start } = result;
  const { runs, end, nextOffset } = picked;
  const ranges: number[] = [];
  let place = start;
  let offset = first;
  for (let i = 0; i <= runs.length && place < end; i += 2) {
    const from = offset;
    const run = i < runs.length ? (runs[i] as number) : end;
    for (; place < run; place += lengthOf(view, place)) offset += 1;
    if (offset > from) ranges.push(from, offset);
    const runEnd = i < runs.length ? (runs[i + 1] as number) : end;
    for (; place < runEnd; place += lengthOf(view, place)) offset += 1;
  }
  if (offset !== nextOffset) throw new Error(`Counted to ${offset} instead of ${nextOffset}`);
  return ranges;
}

function gapSegment(cursor: Cursor, log: RingLog, reason: GapReason, next: number, nextAddress: number): Segment {
  const { number, selection, reader } = cursor.reading.subscription;
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
    form: NOBODYS_FORM,
    epoch: log.epoch,
    isLast: next >= log.head,
    next: undefined,
    dialect: reader.dialect,
    subscription: number,
    selection,
    offset: cursor.offset,
    nextOffset: next,
    nextAddress,
    records: 0,
    logBytes: 0,
    gap: reason,
    leftOut: undefined,
    frame: gapFrame(cursor, gap),
  };
}
