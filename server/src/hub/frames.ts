/**
 * What the hub sends by itself, in the dialect of its reader: records, gaps, and where a reader stands.
 */
import {
  ByteWriter,
  encodeFrame,
  encodeMsgpackFrame,
  lengthOf,
  writeDeliveryHead,
  writeMessage,
  writeMessageSeparator,
  writeMessagesEnd,
  writeMessagesHead,
  type Gap,
  type EndedFrame,
  type GapFrame,
  type MatchedFrame,
  type MessagesHead,
} from "@ringcast/protocol";
import type { ReadResult } from "../log/index.js";
import type { Cursor } from "./cursor.js";
import { positionsBeside, writeEndedEvent, writeEvent, writeGapEvent, writeProgressEvent } from "./event-stream.js";
import { FrameArena } from "./frame-arena.js";
import type { Frame } from "./port.js";
import { epochAt } from "./start.js";
import { partitionStates, type Reading, type Subscription } from "./subscription.js";

/** Records that were chosen from what was read. One object is used again and again. */
export interface Picked {
  /** Places of the first byte and behind the last of each run of wanted records. */
  readonly runs: number[];
  /** Wanted records. */
  count: number;
  /** Place behind the last record that was looked at, and the offset of the next. */
  end: number;
  nextOffset: number;
}

/** Memory that translating needs, used again and again. */
const writer = new ByteWriter(65_536);
/** Holds the binary frames of a flush. */
export const arena = new FrameArena();

/** The frame with the wanted records. */
export function recordsFrame(cursor: Cursor, result: ReadResult, picked: Picked): Frame {
  switch (cursor.reading.subscription.reader.dialect) {
    case "json":
      return messagesFrame(cursor, result, picked);
    case "msgpack":
      return batchFrame(cursor, result, picked);
    case "events":
      return eventsFrame(cursor, result, picked);
  }
}

/** The frame that announces a gap. */
export function gapFrame(cursor: Cursor, gap: Gap): Frame {
  const { subscription } = cursor.reading;
  if (subscription.reader.dialect !== "events") {
    return controlFrame(subscription, { op: "gap", subscription: subscription.number, ...gap });
  }
  writer.clear();
  writeGapEvent(writer, positionsBeside(cursor), gap);
  return textFrame(writer.take());
}

/** A frame without records, which tells where the reader stands. */
export function progressFrame(cursor: Cursor): Frame {
  const { feed, reading, offset } = cursor;
  const { dialect } = reading.subscription.reader;
  const epoch = feed.log === undefined ? feed.nextEpoch : epochAt(feed.log.lineage, offset);
  writer.clear();
  if (dialect === "events") {
    writeProgressEvent(writer, positionsBeside(cursor), epoch, offset);
    return textFrame(writer.take());
  }
  const head = headOf(cursor, epoch, offset);
  if (dialect === "msgpack") {
    writeDeliveryHead(writer, { ...head, count: 0 });
    return binaryFrame(writer.take());
  }
  writeMessagesHead(writer, head);
  writeMessagesEnd(writer);
  return textFrame(writer.take());
}

/** Tells of a topic that the reply did not list; event streams have no such thing. */
export function matchedFrame(reading: Reading): Frame {
  const { subscription, topic } = reading;
  const partitions = partitionStates(reading);
  return controlFrame(subscription, {
    op: "matched",
    subscription: subscription.number,
    topic: topic.name,
    partitions,
  });
}

/** Everything before the end has been sent. */
export function endedFrame(subscription: Subscription): Frame {
  if (subscription.reader.dialect !== "events") {
    return controlFrame(subscription, { op: "ended", subscription: subscription.number });
  }
  const [reading] = subscription.readings.values();
  writer.clear();
  writeEndedEvent(writer, reading?.cursors[0]);
  return textFrame(writer.take());
}

function controlFrame({ reader }: Subscription, frame: EndedFrame | GapFrame | MatchedFrame): Frame {
  return reader.dialect === "msgpack" ? binaryFrame(encodeMsgpackFrame(frame)) : textFrame(encodeFrame(frame));
}

function messagesFrame(cursor: Cursor, { bytes, view, epoch }: ReadResult, { runs, nextOffset }: Picked): Frame {
  writer.clear();
  writeMessagesHead(writer, headOf(cursor, epoch, nextOffset));
  let isFirst = true;
  for (let i = 0; i < runs.length; i += 2) {
    const end = runs[i + 1] as number;
    for (let place = runs[i] as number; place < end; place += lengthOf(view, place)) {
      if (!isFirst) writeMessageSeparator(writer);
      isFirst = false;
      writeMessage(writer, bytes, view, place);
    }
  }
  writeMessagesEnd(writer);
  return arena.text(writer);
}

/** The log's own bytes behind a head: one copy for all who read here. */
function batchFrame(cursor: Cursor, { bytes, epoch }: ReadResult, { runs, nextOffset, count }: Picked): Frame {
  const { feed, reading } = cursor;
  const { topic, partition } = feed;
  const subscription = reading.subscription.number;
  // Member by member: a spread with a member behind it takes a microsecond, and many more in a hub that was idle.
  return arena.batch({ subscription, topic: topic.name, partition, epoch, next: nextOffset, count }, bytes, runs);
}

function eventsFrame(cursor: Cursor, { bytes, view, epoch, start }: ReadResult, { runs }: Picked): Frame {
  writer.clear();
  const beside = positionsBeside(cursor);
  let place = start;
  let next = cursor.offset;
  for (let i = 0; i < runs.length; i += 2) {
    const from = runs[i] as number;
    const end = runs[i + 1] as number;
    for (; place < end; place += lengthOf(view, place)) {
      next += 1;
      if (place >= from) writeEvent(writer, bytes, view, place, { beside, epoch, next });
    }
  }
  return textFrame(writer.take());
}

function headOf({ feed, reading }: Cursor, epoch: string, next: number): MessagesHead {
  const { topic, partition } = feed;
  return { subscription: reading.subscription.number, topic: topic.name, partition, epoch, next };
}

function textFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: false, volatile: false };
}

function binaryFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: true, volatile: false };
}
