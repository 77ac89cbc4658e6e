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
 *   (see `hubCheckSeed`), so that a record of an older lap or of another file is not believed. Readers outside the hub can't and needn't check it.
 * - **payload check**: CRC-32 of bytes 36 to the end of the data: lengths, type, key, headers, data. Made by the publisher,
 *   it travels unchanged to the last reader.
 * - **length**: of the whole record, a multiple of 8. Its low three bits are the kind: 0 a record, 1 a filler, which closes a
 *   lap of the ring, may be as short as 8 bytes (hub check and length alone), and never leaves the log.
 *
 * Written in record-write.ts, judged in record-check.ts; the producer part is laid out in producer-part.ts.
 *
 * @see docs/protocol.md, "Record layout"
 */
import { readU53 } from "./u53.js";

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
export const KIND_FILLER = 1;

/** What the data of a record is. */
export const CONTENT_TYPE = { bytes: 0, json: 1, msgpack: 2, text: 3 } as const;

/** Flag: more of this batch follows in the next record; without it the record is the last (or only) one of its batch. */
export const FLAG_MORE = 1;

/** Attribute: the record has a key (an empty one too). */
export const HAS_KEY = 1;

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

/** The payload check as it stands there: 32 bits, signed. */
export function payloadCheckOf(view: DataView, at: number): number {
  return view.getInt32(at + PAYLOAD_CHECK_AT, true);
}

/** Length of the producer part; 0: the record has none. */
export function producerLengthOf(view: DataView, at: number): number {
  return view.getUint16(at + PRODUCER_LENGTH_AT, true);
}
