/**
 * Judging a record: whether its lengths agree with one another, and whether its two checks hold.
 *
 * @see record.ts for what each check covers
 */
import { crc32, crc32Word } from "./crc32.js";
import { PRODUCER_ID_AT } from "./producer-part.js";
import {
  DATA_LENGTH_AT,
  HUB_CHECK_AT,
  KEY_LENGTH_AT,
  KIND_FILLER,
  KIND_MASK,
  LENGTH_AT,
  MIN_FILLER_BYTES,
  MIN_RECORD_BYTES,
  OFFSET_AT,
  PAYLOAD_CHECK_AT,
  RECORD_ALIGNMENT,
  TIMESTAMP_AT,
  dataEndOf,
  hasKey,
  isFiller,
  producerLengthOf,
} from "./record.js";
import { MAX_HIGH } from "./u53.js";
import { encodeUtf8 } from "./utf8.js";

const TWO_32 = 0x1_0000_0000;

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

/** What the hub check of a record or filler has to be: 32 bits, signed. */
export function hubCheck(view: DataView, at: number, seed: number, address: number): number {
  const start = hubCheckStart(seed, address);
  if (isFiller(view, at)) return crc32Word(view, at + LENGTH_AT, at + MIN_FILLER_BYTES, start);
  const crc = crc32Word(view, at + LENGTH_AT, at + DATA_LENGTH_AT, start);
  const producerLength = producerLengthOf(view, at);
  if (producerLength === 0) return crc;
  const part = dataEndOf(view, at);
  return crc32Word(view, part, part + producerLength, crc);
}
