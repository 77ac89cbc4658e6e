/**
 * Deliveries as Server-Sent Events: `id:` is the position after the event in every partition of the topic, so that a reader that comes
 * back with it misses nothing and gets nothing twice.
 *
 * @see docs/protocol.md, "HTTP"
 */
import { formatEventId, writeMessage, type ByteWriter, type Gap, type PartitionPosition } from "@ringcast/protocol";
import type { Cursor } from "./cursor.js";
import { epochAt } from "./start.js";

/** Text of an event id before and after the position of the partition that moves. */
export interface PositionsBeside {
  readonly before: string;
  readonly after: string;
  readonly partition: number;
  readonly hasOthers: boolean;
}

/** Where a record's event stands. */
export interface EventPlace {
  readonly beside: PositionsBeside;
  readonly epoch: string;
  /** The offset after the record. */
  readonly next: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** The reader's positions in the other partitions of the cursor's topic. */
export function positionsBeside(cursor: Cursor): PositionsBeside {
  const { partition } = cursor.feed;
  const { cursors } = cursor.reading;
  const before = formatEventId(cursors.slice(0, partition).map(positionOf));
  const after = formatEventId(cursors.slice(partition + 1).map(positionOf));
  return {
    before: before === "" ? "" : `${before},`,
    after: after === "" ? "" : `,${after}`,
    partition,
    hasOthers: cursors.length > 1,
  };
}

/** Writes a record as an event. */
export function writeEvent(writer: ByteWriter, bytes: Uint8Array, view: DataView, at: number, place: EventPlace): void {
  const { beside } = place;
  writeId(writer, beside, place.epoch, place.next);
  writer.text("data: ");
  const from = writer.length;
  writeMessage(writer, bytes, view, at, beside.hasOthers ? beside.partition : -1);
  splitLines(writer, from);
  writer.text("\n\n");
}

/** Writes a gap as an event. */
export function writeGapEvent(writer: ByteWriter, beside: PositionsBeside, gap: Gap): void {
  writer.text("event: gap\n");
  writeId(writer, beside, gap.epoch, gap.next);
  writer.text("data: ");
  writer.json(gap);
  writer.text("\n\n");
}

/** Moves the reader's id without an event: browsers take the id of a block that has no data, and tell nobody. */
export function writeProgressEvent(writer: ByteWriter, beside: PositionsBeside, epoch: string, next: number): void {
  writeId(writer, beside, epoch, next);
  writer.text("\n");
}

/** Writes that everything before the end has come. @param cursor any of the reader's, for the id; undefined where it has none */
export function writeEndedEvent(writer: ByteWriter, cursor: Cursor | undefined): void {
  writer.text("event: ended\n");
  if (cursor !== undefined) {
    const { epoch, offset } = positionOf(cursor);
    writeId(writer, positionsBeside(cursor), epoch, offset);
  }
  writer.text("data: {}\n\n");
}

function writeId(writer: ByteWriter, beside: PositionsBeside, epoch: string, next: number): void {
  writer.text("id: ");
  writer.text(beside.before);
  writer.integer(beside.partition);
  writer.text(".");
  writer.text(epoch);
  writer.text(".");
  writer.integer(next);
  writer.text(beside.after);
  writer.text("\n");
}

/** A gap that was not told yet must be told after a resume too: such a reader is still where it stood. */
function positionOf(cursor: Cursor): PartitionPosition {
  const { partition, log, nextEpoch } = cursor.feed;
  if (cursor.pendingGap !== undefined) return { partition, ...cursor.pendingGap.stoodAt };
  return {
    partition,
    epoch: log === undefined ? nextEpoch : epochAt(log.lineage, cursor.offset),
    offset: cursor.offset,
  };
}

/** JSON as it was sent may hold line ends between its tokens; each line becomes a `data:` field of its own, or it would end the event. */
function splitLines(writer: ByteWriter, from: number): void {
  if (!hasLineEnd(writer.bytes, from, writer.length)) return;
  const message = writer.bytes.slice(from, writer.length);
  writer.length = from;
  for (let i = 0; i < message.length; i++) {
    const byte = message[i] as number;
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
      writer.byte(byte);
      continue;
    }
    if (byte === CARRIAGE_RETURN && message[i + 1] === LINE_FEED) i += 1;
    writer.text("\ndata: ");
  }
}

function hasLineEnd(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return true;
  }
  return false;
}
