/**
 * The batch frame of the binary dialect: records as they stand in the log behind a small header, the same shape both ways. All numbers are little-endian.
 *
 * ```
 *    0    1    2     3     4         6       8               16              24      28
 *   +----+----+-----+-----+---------+-------+---------------+---------------+-------+------+
 *   |0xC1|kind|topic|name |partition| flags | subscription  | next offset   | count | zero |
 *   |    |    | len | len |         |       | or request id | or sequence   |       |      |
 *   +----+----+-----+-----+---------+-------+---------------+---------------+-------+------+
 *   32
 *   | topic … | epoch or producer id … | zeros up to a multiple of 8 |
 *   | records, each a multiple of 8 (record.ts) … |
 * ```
 *
 * - **delivery** (kind 1, from the hub): subscription, epoch, and the offset after the last record that was looked at.
 * - **publish** (kind 2, from a client): request id, producer id and sequence (none: length and sequence 0). The hub's part of each record is zero but for its length.
 *
 * @see docs/protocol.md, "Batch frames"
 */
import type { ByteWriter } from "./byte-writer.js";
import { RingcastError, shown } from "./errors.js";
import { decodeName } from "./known-names.js";
import type { NewMessage, PublishRequest } from "./operations.js";
import { NO_PRODUCER } from "./producer-part.js";
import { isFiller } from "./record.js";
import { checkRecord } from "./record-check.js";
import { recordSize, writePayload } from "./record-write.js";
import { encodeUtf8 } from "./utf8.js";

/** First byte of a batch frame: the one that msgpack never uses. */
export const BATCH_MARK = 0xc1;

export const BATCH_KIND = { delivery: 1, publish: 2 } as const;

/** Flags of a publish. A delivery has none. */
export const PUBLISH_FLAG = {
  /** Asked as a batch, so the reply has `offsets`. */
  batch: 1,
  producer: 2,
  partition: 4,
  stored: 8,
  synced: 16,
} as const;

export const BATCH_KIND_AT = 1;
export const BATCH_TOPIC_LENGTH_AT = 2;
export const BATCH_NAME_LENGTH_AT = 3;
export const BATCH_PARTITION_AT = 4;
export const BATCH_FLAGS_AT = 6;
export const BATCH_NUMBER_AT = 8;
export const BATCH_POSITION_AT = 16;
export const BATCH_COUNT_AT = 24;
export const BATCH_RESERVED_AT = 28;
/** Topic and second name follow one another from here. */
export const BATCH_TOPIC_AT = 32;

/** Longest of each of the two names, in bytes. */
const MAX_NAME_BYTES = 255;
const TWO_32 = 0x1_0000_0000;

/** What stands in front of the records of a delivery. */
export interface DeliveryHead {
  readonly subscription: number;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  /** The offset after the last record that was looked at, also where a filter left it out. */
  readonly next: number;
  /** Records that follow; may be 0. */
  readonly count: number;
}

/** What stands in front of the records of a publish. */
export interface PublishHead extends Pick<PublishRequest, "topic" | "batch" | "partition" | "producer" | "durability"> {
  /** Integer: a batch frame has no room for text. */
  readonly id: number;
  readonly count: number;
}

/** The header of a batch frame as it was read. Numbers of 64 bits may be beyond 2^53 - 1: who uses them judges them. */
export interface BatchHead {
  /** One of {@link BATCH_KIND}, or what only a newer version knows. */
  readonly kind: number;
  readonly flags: number;
  readonly partition: number;
  readonly topic: string;
  /** Epoch of a delivery, producer id of a publish. */
  readonly name: string;
  /** Subscription of a delivery, request id of a publish. */
  readonly number: number;
  /** Next offset of a delivery, producer sequence of a publish. */
  readonly position: number;
  readonly count: number;
  /** What has no meaning yet; not 0 in a frame of a newer version. */
  readonly reserved: number;
  /** Place of the first record. */
  readonly recordsAt: number;
}

// ---- writing ---------------------------------------------------------------------------------------------------------

/** Begins a delivery where the writer stands, at a multiple of 8; exactly `head.count` records are to follow. */
export function writeDeliveryHead(writer: ByteWriter, head: DeliveryHead): void {
  const at = writer.length;
  writer.reserve(BATCH_TOPIC_AT + 7);
  const { bytes } = writer;
  bytes[at] = BATCH_MARK;
  bytes[at + BATCH_KIND_AT] = BATCH_KIND.delivery;
  writeU16(bytes, at + BATCH_PARTITION_AT, head.partition);
  writeU16(bytes, at + BATCH_FLAGS_AT, 0);
  writeU53(bytes, at + BATCH_NUMBER_AT, head.subscription);
  writeU53(bytes, at + BATCH_POSITION_AT, head.next);
  writeU32(bytes, at + BATCH_COUNT_AT, head.count);
  writeU32(bytes, at + BATCH_RESERVED_AT, 0);
  writeNames(writer, at, head.topic, head.epoch);
}

/**
 * Corrects a delivery whose records have been written meanwhile: for who learns only then what a filter leaves.
 *
 * @param at where the frame begins
 */
export function amendDeliveryHead(writer: ByteWriter, at: number, next: number, count: number): void {
  writeU53(writer.bytes, at + BATCH_POSITION_AT, next);
  writeU32(writer.bytes, at + BATCH_COUNT_AT, count);
}

/**
 * Lays out messages as the records of a publish: their checks are made here, once, and travel to the last reader.
 *
 * @param room bytes left zero in front of the first record, a multiple of 8
 * @returns the records one behind the other, in memory of their own
 */
export function encodeRecords(messages: readonly NewMessage[], room = 0): Uint8Array<ArrayBuffer> {
  let length = room;
  for (const message of messages) length += recordSize(message);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = room;
  for (const message of messages) at += writePayload(bytes, view, at, message, NO_PRODUCER);
  return bytes;
}

/**
 * A publish as one binary message.
 *
 * @param records what {@link encodeRecords} laid out
 * @throws RingcastError `invalid_topic`, `bad_request` where a name doesn't fit
 */
export function encodePublishFrame(head: PublishHead, records: Uint8Array): Uint8Array<ArrayBuffer> {
  const { producer, partition, durability } = head;
  const topic = nameBytes(head.topic);
  const name = nameBytes(producer?.id ?? "");
  if (topic.length > MAX_NAME_BYTES) {
    throw new RingcastError(
      "invalid_topic",
      `Give a topic of at most ${MAX_NAME_BYTES} bytes, not ${shown(head.topic)}.`,
    );
  }
  if (name.length > MAX_NAME_BYTES) {
    const field = "producer.id";
    throw new RingcastError("bad_request", `Give a shorter producer id than ${shown(producer?.id)}.`, { field });
  }
  const recordsAt = (BATCH_TOPIC_AT + topic.length + name.length + 7) & ~7;
  const bytes = new Uint8Array(recordsAt + records.length);
  bytes[0] = BATCH_MARK;
  bytes[BATCH_KIND_AT] = BATCH_KIND.publish;
  bytes[BATCH_TOPIC_LENGTH_AT] = topic.length;
  bytes[BATCH_NAME_LENGTH_AT] = name.length;
  writeU16(bytes, BATCH_PARTITION_AT, partition ?? 0);
  bytes[BATCH_FLAGS_AT] =
    (head.batch ? PUBLISH_FLAG.batch : 0) |
    (producer === undefined ? 0 : PUBLISH_FLAG.producer) |
    (partition === undefined ? 0 : PUBLISH_FLAG.partition) |
    (durability === "stored" ? PUBLISH_FLAG.stored : durability === "synced" ? PUBLISH_FLAG.synced : 0);
  writeU53(bytes, BATCH_NUMBER_AT, head.id);
  writeU53(bytes, BATCH_POSITION_AT, producer?.sequence ?? 0);
  writeU32(bytes, BATCH_COUNT_AT, head.count);
  setName(bytes, BATCH_TOPIC_AT, topic);
  setName(bytes, BATCH_TOPIC_AT + topic.length, name);
  bytes.set(records, recordsAt);
  return bytes;
}

// ---- reading ---------------------------------------------------------------------------------------------------------

/**
 * Reads the header of a frame from anywhere.
 *
 * @param view over `bytes`
 * @returns undefined where the bytes hold no whole header of legal UTF-8
 */
export function readBatchHead(bytes: Uint8Array, view = viewOf(bytes)): BatchHead | undefined {
  if (bytes.length < BATCH_TOPIC_AT || bytes[0] !== BATCH_MARK) return undefined;
  const nameAt = BATCH_TOPIC_AT + (bytes[BATCH_TOPIC_LENGTH_AT] as number);
  const namesEnd = nameAt + (bytes[BATCH_NAME_LENGTH_AT] as number);
  const recordsAt = (namesEnd + 7) & ~7;
  if (recordsAt > bytes.length) return undefined;
  const topic = decodeName(bytes, BATCH_TOPIC_AT, nameAt);
  const name = decodeName(bytes, nameAt, namesEnd);
  if (topic === undefined || name === undefined) return undefined;
  return {
    kind: view.getUint8(BATCH_KIND_AT),
    flags: view.getUint16(BATCH_FLAGS_AT, true),
    partition: view.getUint16(BATCH_PARTITION_AT, true),
    topic,
    name,
    number: readU64(view, BATCH_NUMBER_AT),
    position: readU64(view, BATCH_POSITION_AT),
    count: view.getUint32(BATCH_COUNT_AT, true),
    reserved: view.getUint32(BATCH_RESERVED_AT, true),
    recordsAt,
  };
}

/**
 * Counts the records that fill bytes `at` to `end - 1` exactly. Looks at their bounds and lengths, at no check.
 *
 * @param at multiple of 8
 * @returns -1 where something else stands there, or the last one isn't whole
 */
export function countRecords(view: DataView, at: number, end: number): number {
  let count = 0;
  for (let place = at; place < end; count++) {
    const length = checkRecord(view, place, end);
    if (length === 0 || isFiller(view, place)) return -1;
    place += length;
  }
  return count;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

// ---- numbers and names -----------------------------------------------------------------------------------------------

function writeNames(writer: ByteWriter, at: number, topic: string, name: string): void {
  writer.length = at + BATCH_TOPIC_AT;
  writer.text(topic);
  const nameAt = writer.length;
  writer.text(name);
  writer.bytes[at + BATCH_TOPIC_LENGTH_AT] = nameAt - at - BATCH_TOPIC_AT;
  writer.bytes[at + BATCH_NAME_LENGTH_AT] = writer.length - nameAt;
  while (((writer.length - at) & 7) !== 0) writer.byte(0);
}

/** A name as its bytes; one of ASCII as it is, which has a character for each: the platform's encoder was a third of a small frame. */
function nameBytes(name: string): string | Uint8Array {
  return /^[\0-\x7f]*$/.test(name) ? name : encodeUtf8(name);
}

function setName(bytes: Uint8Array, at: number, name: string | Uint8Array): void {
  if (typeof name !== "string") bytes.set(name, at);
  else for (let i = 0; i < name.length; i++) bytes[at + i] = name.charCodeAt(i);
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function writeU53(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value);
  writeU32(bytes, at + 4, value / TWO_32);
}

function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
