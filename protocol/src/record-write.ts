/**
 * Writing a record: what its publisher gives of it, and what the hub adds.
 */
import { crc32Word } from "./crc32.js";
import type { NewMessage } from "./operations.js";
import { hubCheck } from "./record-check.js";
import {
  DATA_LENGTH_AT,
  FLAGS_AT,
  HAS_KEY,
  HUB_CHECK_AT,
  HUB_RESERVED_AT,
  KEY_AT,
  KEY_LENGTH_AT,
  KIND_FILLER,
  LENGTH_AT,
  OFFSET_AT,
  PAYLOAD_CHECK_AT,
  TIMESTAMP_AT,
  TYPE_AT,
  dataEndOf,
  lengthOf,
} from "./record.js";
import { writeU53 } from "./u53.js";

/**
 * What the hub adds to a message. One object is made by the caller and used again for each record, so that writing allocates nothing.
 */
export interface RecordStamp {
  offset: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  /** `FLAG_MORE` or 0. */
  flags: number;
  /** Result of `hubCheckSeed`. */
  seed: number;
  /** Where the record will stand: a byte count over the whole life of the log. */
  address: number;
  /** Result of `encodeProducerPart`, or `NO_PRODUCER`. */
  producer: Uint8Array;
}

/** Bytes that a message takes as a record: a multiple of 8. */
export function recordSize(message: NewMessage, producerLength = 0): number {
  const keyLength = message.key === undefined ? 0 : message.key.length;
  return (KEY_AT + keyLength + message.headers.length + message.data.length + producerLength + 7) & ~7;
}

/**
 * Writes a message as a record, with both checks. The hub check is the last thing that is stored: before it, nothing is believed.
 *
 * @param bytes memory of the log, with room for {@link recordSize} bytes from `at` on
 * @param view  DataView over the same memory, at the same origin
 * @param at    multiple of 8
 * @returns length of the record
 */
export function writeRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  message: NewMessage,
  stamp: RecordStamp,
): number {
  const { producer } = stamp;
  const length = writePayload(bytes, view, at, message, producer);
  writeU53(view, at + OFFSET_AT, stamp.offset);
  writeU53(view, at + TIMESTAMP_AT, stamp.timestamp);
  view.setInt32(at + FLAGS_AT, stamp.flags | (producer.length << 16), true);
  view.setInt32(at + HUB_RESERVED_AT, 0, true);
  view.setInt32(at + HUB_CHECK_AT, hubCheck(view, at, stamp.seed, stamp.address), true);
  return length;
}

/**
 * Writes what the hub adds to a record that stands there as its publisher laid it out: the hub's part zero but for the length.
 *
 * @param stamp whose producer part stands there already, where it has one
 * @returns length of the record
 */
export function stampRecord(view: DataView, at: number, stamp: RecordStamp): number {
  writeU53(view, at + OFFSET_AT, stamp.offset);
  writeU53(view, at + TIMESTAMP_AT, stamp.timestamp);
  view.setInt32(at + FLAGS_AT, stamp.flags | (stamp.producer.length << 16), true);
  view.setInt32(at + HUB_CHECK_AT, hubCheck(view, at, stamp.seed, stamp.address), true);
  return lengthOf(view, at);
}

/**
 * Puts a producer part behind the data of a record that stands there as its publisher laid it out, and makes the record that much longer.
 *
 * @returns length of the record
 */
export function addProducerPart(bytes: Uint8Array, view: DataView, at: number, part: Uint8Array): number {
  const partAt = dataEndOf(view, at);
  const end = partAt + part.length;
  const length = (end - at + 7) & ~7;
  view.setInt32(at + LENGTH_AT, length, true);
  copy(part, bytes, partAt);
  for (let place = end; place < at + length; place++) bytes[place] = 0;
  return length;
}

/**
 * Writes what a publisher gives of a record, and its length: all that a record in a publish frame has, where the hub's part is zero. A check that the
 * message brings along is written as it came.
 *
 * @param producer what follows the data: `NO_PRODUCER` for a publisher
 * @returns length of the record
 */
export function writePayload(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  message: NewMessage,
  producer: Uint8Array,
): number {
  const { key, headers, data, check } = message;
  const keyLength = key === undefined ? 0 : key.length;
  const keyAt = at + KEY_AT;
  const headersAt = keyAt + keyLength;
  const dataAt = headersAt + headers.length;
  const payloadEnd = dataAt + data.length;
  const end = payloadEnd + producer.length;
  const length = (end - at + 7) & ~7;

  view.setInt32(at + LENGTH_AT, length, true);
  view.setInt32(at + DATA_LENGTH_AT, data.length, true);
  view.setInt32(at + KEY_LENGTH_AT, keyLength | (headers.length << 16), true);
  view.setInt32(at + TYPE_AT, message.contentType | (key === undefined ? 0 : HAS_KEY << 8), true);

  if (keyLength > 0) copy(key as Uint8Array, bytes, keyAt);
  if (headers.length > 0) copy(headers, bytes, headersAt);
  if (data.length > 0) copy(data, bytes, dataAt);
  if (producer.length > 0) copy(producer, bytes, payloadEnd);
  for (let place = end; place < at + length; place++) bytes[place] = 0;

  view.setInt32(at + PAYLOAD_CHECK_AT, check ?? crc32Word(view, at + DATA_LENGTH_AT, payloadEnd, 0), true);
  return length;
}

/**
 * Writes a filler of `length` bytes (a multiple of 8, at least 8); only its first 8 are touched.
 *
 * @param address where the filler stands in the log
 */
export function writeFiller(view: DataView, at: number, length: number, seed: number, address: number): void {
  view.setInt32(at + LENGTH_AT, length | KIND_FILLER, true);
  view.setInt32(at + HUB_CHECK_AT, hubCheck(view, at, seed, address), true);
}

/** Up to here a loop is faster than the call of `set`. */
const SHORT_COPY_BYTES = 12;

function copy(source: Uint8Array, target: Uint8Array, at: number): void {
  if (source.length > SHORT_COPY_BYTES) {
    target.set(source, at);
    return;
  }
  for (let i = 0; i < source.length; i++) target[at + i] = source[i] as number;
}
