/**
 * Layout of a record: the same bytes in the log's memory, on disk, in a binary frame and in the browser.
 * All numbers are little-endian; a record begins at a multiple of 8 and its length is a multiple of 8.
 *
 * ```
 *    0        4        8                16               24   26   28       32
 *   +--------+--------+----------------+----------------+----+----+--------+
 *   | hub    | length |     offset     |   timestamp    |flag|prod|reserved|   the hub's part
 *   | check  |        |  (low, high)   |  (low, high)   |    |len | (zero) |
 *   +--------+--------+------+--+--+---+----------------+----+----+--------+
 *   |payload | data   | key  |headers|type|attr|reserved|
 *   |check   | length | len  |len    |    |    | (zero) |                        the publisher's part
 *   +--------+--------+------+-------+----+----+--------+
 *   32       36       40     42      44   45   46       48
 *   | key … | headers … | data … |
 *   +---------------------------------+
 *   | producer part (idempotent publishes; first record of the publish in this partition) |
 *   | zeros up to a multiple of 8 |
 * ```
 *
 * - **hub check**: CRC-32 of bytes 4 to 35 and of the producer part, begun with a seed made of epoch, partition and address
 *   (see {@link hubCheckSeed}), so that a record of an older lap or of another file is not believed. Readers outside the hub can't and needn't check it.
 * - **payload check**: CRC-32 of bytes 36 to the end of the data: lengths, type, key, headers, data. Made by the publisher,
 *   it travels unchanged to the last reader.
 * - **length**: of the whole record, a multiple of 8. Its low three bits are the kind: 0 a record, 1 a filler, which closes a
 *   lap of the ring, may be as short as 8 bytes (hub check and length alone), and never leaves the log.
 *
 * Producer part: id length u16, sequence u64 (low, high), count u32 of the whole publish's records in this partition, digest u32 of the publish request, id.
 *
 * @see docs/protocol.md, "Record layout"
 */
import { crc32, crc32Word } from "./crc32.js";
import type { NewMessage, ProducerSequence } from "./operations.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

export const HUB_CHECK_AT = 0;
export const LENGTH_AT = 4;
export const OFFSET_AT = 8;
export const TIMESTAMP_AT = 16;
export const FLAGS_AT = 24;
export const PRODUCER_LENGTH_AT = 26;
export const HUB_RESERVED_AT = 28;
export const PAYLOAD_CHECK_AT = 32;
export const DATA_LENGTH_AT = 36;
export const KEY_LENGTH_AT = 40;
export const HEADERS_LENGTH_AT = 42;
export const TYPE_AT = 44;
export const ATTRIBUTES_AT = 45;
/** Key, headers and data follow one another from here. */
export const KEY_AT = 48;

export const RECORD_ALIGNMENT = 8;
/** Bytes of a record without key, headers and data. */
export const MIN_RECORD_BYTES = 48;
/** The shortest filler: hub check and length alone. */
export const MIN_FILLER_BYTES = 8;

export const KIND_MASK = 7;
const KIND_FILLER = 1;
const TWO_32 = 0x1_0000_0000;
/** The high word of a number up to 2^53 - 1 is less than this. */
export const MAX_HIGH = 0x20_0000;

/** What the data of a record is. */
export const CONTENT_TYPE = { bytes: 0, json: 1, msgpack: 2, text: 3 } as const;

/** Flag: more of this batch follows in the next record; without it the record is the last (or only) one of its batch. */
export const FLAG_MORE = 1;

/** Attribute: the record has a key (an empty one too). */
export const HAS_KEY = 1;

const PRODUCER_SEQUENCE_AT = 2;
const PRODUCER_COUNT_AT = 10;
const PRODUCER_DIGEST_AT = 14;
export const PRODUCER_ID_AT = 18;

/** Marks the first record of an idempotent publish in each partition. */
export interface ProducerMark extends ProducerSequence {
  /** Digest of the whole request, to tell a repeat from other bytes under the same sequence. */
  readonly digest: number;
}

/** The producer part of a record. */
export interface ProducerPart extends ProducerMark {
  /** Records of the publish in this partition. */
  readonly count: number;
}

/**
 * What the hub adds to a message. One object is made by the caller and used again for each record, so that writing allocates nothing.
 */
export interface RecordStamp {
  offset: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  /** {@link FLAG_MORE} or 0. */
  flags: number;
  /** Result of {@link hubCheckSeed}. */
  seed: number;
  /** Where the record will stand: a byte count over the whole life of the log. */
  address: number;
  /** Result of {@link encodeProducerPart}, or {@link NO_PRODUCER}. */
  producer: Uint8Array;
}

/** A record without producer part. */
export const NO_PRODUCER: Uint8Array = /*#__PURE__*/ new Uint8Array(0);

// ---- writing ---------------------------------------------------------------------------------------------------------

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
 * @param producer what follows the data: {@link NO_PRODUCER} for a publisher
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
 * Writes a filler of `length` bytes (a multiple of 8, at least {@link MIN_FILLER_BYTES}); only its first 8 are touched.
 *
 * @param address where the filler stands in the log
 */
export function writeFiller(view: DataView, at: number, length: number, seed: number, address: number): void {
  view.setInt32(at + LENGTH_AT, length | KIND_FILLER, true);
  view.setInt32(at + HUB_CHECK_AT, hubCheck(view, at, seed, address), true);
}

/**
 * Lays out the producer part.
 *
 * @param count records of the publish in this partition
 */
export function encodeProducerPart({ id, sequence, digest }: ProducerMark, count: number): Uint8Array {
  const part = asciiPart(id) ?? partOf(encodeUtf8(id));
  const idLength = part.length - PRODUCER_ID_AT;
  part[0] = idLength;
  part[1] = idLength >>> 8;
  setWord(part, PRODUCER_SEQUENCE_AT, sequence);
  setWord(part, PRODUCER_SEQUENCE_AT + 4, sequence / TWO_32);
  setWord(part, PRODUCER_COUNT_AT, count);
  setWord(part, PRODUCER_DIGEST_AT, digest);
  return part;
}

/** A part with nothing but its id, which nearly always is ASCII: the platform's encoder was a tenth of a publish. */
function asciiPart(id: string): Uint8Array | undefined {
  const part = new Uint8Array(PRODUCER_ID_AT + id.length);
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code >= 0x80) return undefined;
    part[PRODUCER_ID_AT + i] = code;
  }
  return part;
}

function partOf(id: Uint8Array): Uint8Array {
  const part = new Uint8Array(PRODUCER_ID_AT + id.length);
  part.set(id, PRODUCER_ID_AT);
  return part;
}

function setWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

// ---- reading: `at` is the first byte of a record whose bounds `checkRecord` has found good --------------------------

/** Length of the record or filler, a multiple of 8; 0 where nothing was ever written. */
export function lengthOf(view: DataView, at: number): number {
  return view.getUint32(at + LENGTH_AT, true) & ~KIND_MASK;
}

/** Whether a filler stands here instead of a record. */
export function isFiller(view: DataView, at: number): boolean {
  return (view.getUint8(at + LENGTH_AT) & KIND_MASK) === KIND_FILLER;
}

export function offsetOf(view: DataView, at: number): number {
  return readU53(view, at + OFFSET_AT);
}

/** Milliseconds since 1970. */
export function timestampOf(view: DataView, at: number): number {
  return readU53(view, at + TIMESTAMP_AT);
}

/** Whether the next record belongs to the same batch. */
export function hasMore(view: DataView, at: number): boolean {
  return (view.getUint16(at + FLAGS_AT, true) & FLAG_MORE) !== 0;
}

/** One of {@link CONTENT_TYPE}, or a number that only a newer version knows. */
export function contentTypeOf(view: DataView, at: number): number {
  return view.getUint8(at + TYPE_AT);
}

/** Whether the record has a key; an empty one is a key too. */
export function hasKey(view: DataView, at: number): boolean {
  return (view.getUint8(at + ATTRIBUTES_AT) & HAS_KEY) !== 0;
}

/** Place of the header block, and end of the key, which begins at `at + KEY_AT`. */
export function headersAtOf(view: DataView, at: number): number {
  return at + KEY_AT + view.getUint16(at + KEY_LENGTH_AT, true);
}

/** Place of the data, and end of the header block. */
export function dataAtOf(view: DataView, at: number): number {
  return headersAtOf(view, at) + view.getUint16(at + HEADERS_LENGTH_AT, true);
}

/** End of the data, and place of the producer part where there is one. */
export function dataEndOf(view: DataView, at: number): number {
  return dataAtOf(view, at) + view.getUint32(at + DATA_LENGTH_AT, true);
}

/** Length of the producer part; 0: the record has none. */
export function producerLengthOf(view: DataView, at: number): number {
  return view.getUint16(at + PRODUCER_LENGTH_AT, true);
}

/** The producer part; undefined where there is none or its lengths disagree. */
export function readProducerPart(bytes: Uint8Array, view: DataView, at: number): ProducerPart | undefined {
  const length = producerLengthOf(view, at);
  if (length < PRODUCER_ID_AT) return undefined;
  const part = dataEndOf(view, at);
  if (view.getUint16(part, true) !== length - PRODUCER_ID_AT) return undefined;
  return {
    id: decodeUtf8(bytes, part + PRODUCER_ID_AT, part + length),
    sequence: readU53(view, part + PRODUCER_SEQUENCE_AT),
    count: view.getUint32(part + PRODUCER_COUNT_AT, true),
    digest: view.getUint32(part + PRODUCER_DIGEST_AT, true),
  };
}

// ---- checking --------------------------------------------------------------------------------------------------------

/**
 * Judges bytes from anywhere, before any other reading function is used on them: whether a whole record or filler, whose lengths agree
 * with one another, stands at `at` and ends at or before `end`. Looks at no check.
 *
 * @returns its length; 0 where there is none
 */
export function checkRecord(view: DataView, at: number, end: number): number {
  if (at + MIN_FILLER_BYTES > end) return 0;
  const word = view.getUint32(at + LENGTH_AT, true);
  const kind = word & KIND_MASK;
  const length = word - kind;
  if (length < MIN_FILLER_BYTES || length > end - at) return 0;
  if (kind === KIND_FILLER) return length;
  if (kind !== 0 || length < MIN_RECORD_BYTES) return 0;
  if (view.getUint32(at + OFFSET_AT + 4, true) >= MAX_HIGH || view.getUint32(at + TIMESTAMP_AT + 4, true) >= MAX_HIGH) {
    return 0;
  }
  const producerLength = producerLengthOf(view, at);
  if (producerLength !== 0 && producerLength < PRODUCER_ID_AT) return 0;
  if (!hasKey(view, at) && view.getUint16(at + KEY_LENGTH_AT, true) !== 0) return 0;
  const rest = at + length - (dataEndOf(view, at) + producerLength);
  return rest >= 0 && rest < RECORD_ALIGNMENT ? length : 0;
}

/** Whether lengths, type, key, headers and data are what the publisher gave. */
export function isPayloadIntact(view: DataView, at: number): boolean {
  return crc32Word(view, at + DATA_LENGTH_AT, dataEndOf(view, at), 0) === view.getInt32(at + PAYLOAD_CHECK_AT, true);
}

/** The payload check as it stands there: 32 bits, signed. */
export function payloadCheckOf(view: DataView, at: number): number {
  return view.getInt32(at + PAYLOAD_CHECK_AT, true);
}

/** Whether what the hub added, or a filler's length, is as it was written at this address. */
export function isHubPartIntact(view: DataView, at: number, seed: number, address: number): boolean {
  return hubCheck(view, at, seed, address) === view.getInt32(at + HUB_CHECK_AT, true);
}

/** Ties the hub check to one epoch of one partition. Constant as long as both are: compute it once. */
export function hubCheckSeed(epoch: string, partition: number): number {
  const text = encodeUtf8(`${partition}.${epoch}`);
  return crc32(new DataView(text.buffer), 0, text.length);
}

/** What the hub check begins with. Different values over the same bytes always give different results, so an older lap's record never passes. */
export function hubCheckStart(seed: number, address: number): number {
  const units = address / RECORD_ALIGNMENT;
  return seed ^ (units | 0) ^ Math.imul(Math.floor(units / TWO_32), 0x9e3779b1);
}

function hubCheck(view: DataView, at: number, seed: number, address: number): number {
  const start = hubCheckStart(seed, address);
  if (isFiller(view, at)) return crc32Word(view, at + LENGTH_AT, at + MIN_FILLER_BYTES, start);
  const crc = crc32Word(view, at + LENGTH_AT, at + DATA_LENGTH_AT, start);
  const producerLength = producerLengthOf(view, at);
  if (producerLength === 0) return crc;
  const part = dataEndOf(view, at);
  return crc32Word(view, part, part + producerLength, crc);
}

// ---- numbers and bytes -----------------------------------------------------------------------------------------------

function writeU53(view: DataView, at: number, value: number): void {
  view.setInt32(at, value, true);
  view.setInt32(at + 4, value / TWO_32, true);
}

function readU53(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
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
