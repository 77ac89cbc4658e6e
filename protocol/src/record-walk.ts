/**
 * Walking from record to record: what reading does for each of them, so it is one pass over the head that loads each word once.
 */
import { crc32Tables, crc32Word } from "./crc32.js";
import {
  DATA_LENGTH_AT,
  FLAGS_AT,
  HUB_CHECK_AT,
  HUB_RESERVED_AT,
  KEY_AT,
  KEY_LENGTH_AT,
  KIND_MASK,
  LENGTH_AT,
  MAX_HIGH,
  MIN_RECORD_BYTES,
  OFFSET_AT,
  PAYLOAD_CHECK_AT,
  PRODUCER_ID_AT,
  RECORD_ALIGNMENT,
  TIMESTAMP_AT,
  hasKey,
  hubCheckStart,
} from "./record.js";

const TWO_32 = 0x1_0000_0000;

/** @see intactLength */
type IntactLength = (view: DataView, at: number, end: number, offset: number, seed: number, address: number) => number;

/**
 * Judges a record that has to have this offset: its lengths as `checkRecord` does, and the hub's part as `isHubPartIntact` does. A walk over records of
 * 128 bytes takes 38 ns each instead of 53.
 *
 * @returns its length; 0 where no such record stands, and for a filler
 */
export const intactLength: IntactLength = /*#__PURE__*/ makeIntactLength(crc32Tables);

// A closure for the reason that crc32.ts gives. The check is written out, because V8 inlines nothing as long as this.
function makeIntactLength(table: Int32Array): IntactLength {
  return (view, at, end, offset, seed, address) => {
    if (at + MIN_RECORD_BYTES > end) return 0;
    const length = view.getInt32(at + LENGTH_AT, true);
    if ((length & KIND_MASK) !== 0 || length < MIN_RECORD_BYTES || length > end - at) return 0;
    const offsetLow = view.getInt32(at + OFFSET_AT, true);
    const offsetHigh = view.getInt32(at + OFFSET_AT + 4, true);
    if (offsetHigh * TWO_32 + (offsetLow >>> 0) !== offset) return 0;
    const timeLow = view.getInt32(at + TIMESTAMP_AT, true);
    const timeHigh = view.getInt32(at + TIMESTAMP_AT + 4, true);
    if (timeHigh >>> 0 >= MAX_HIGH) return 0;
    const flags = view.getInt32(at + FLAGS_AT, true);
    const reserved = view.getInt32(at + HUB_RESERVED_AT, true);
    const check = view.getInt32(at + PAYLOAD_CHECK_AT, true);
    const keyAndHeaders = view.getInt32(at + KEY_LENGTH_AT, true);
    const keyLength = keyAndHeaders & 0xffff;
    if (keyLength !== 0 && !hasKey(view, at)) return 0;
    const producerLength = flags >>> 16;
    if (producerLength !== 0 && producerLength < PRODUCER_ID_AT) return 0;
    const part = at + KEY_AT + keyLength + (keyAndHeaders >>> 16) + view.getUint32(at + DATA_LENGTH_AT, true);
    const rest = at + length - (part + producerLength);
    if (rest < 0 || rest >= RECORD_ALIGNMENT) return 0;
    const first = length ^ ~hubCheckStart(seed, address);
    const fifth =
      timeHigh ^
      (table[3840 + (first & 255)] as number) ^
      (table[3584 + ((first >>> 8) & 255)] as number) ^
      (table[3328 + ((first >>> 16) & 255)] as number) ^
      (table[3072 + (first >>> 24)] as number) ^
      (table[2816 + (offsetLow & 255)] as number) ^
      (table[2560 + ((offsetLow >>> 8) & 255)] as number) ^
      (table[2304 + ((offsetLow >>> 16) & 255)] as number) ^
      (table[2048 + (offsetLow >>> 24)] as number) ^
      (table[1792 + (offsetHigh & 255)] as number) ^
      (table[1536 + ((offsetHigh >>> 8) & 255)] as number) ^
      (table[1280 + ((offsetHigh >>> 16) & 255)] as number) ^
      (table[1024 + (offsetHigh >>> 24)] as number) ^
      (table[768 + (timeLow & 255)] as number) ^
      (table[512 + ((timeLow >>> 8) & 255)] as number) ^
      (table[256 + ((timeLow >>> 16) & 255)] as number) ^
      (table[timeLow >>> 24] as number);
    let crc = ~(
      (table[3840 + (fifth & 255)] as number) ^
      (table[3584 + ((fifth >>> 8) & 255)] as number) ^
      (table[3328 + ((fifth >>> 16) & 255)] as number) ^
      (table[3072 + (fifth >>> 24)] as number) ^
      (table[2816 + (flags & 255)] as number) ^
      (table[2560 + ((flags >>> 8) & 255)] as number) ^
      (table[2304 + ((flags >>> 16) & 255)] as number) ^
      (table[2048 + (flags >>> 24)] as number) ^
      (table[1792 + (reserved & 255)] as number) ^
      (table[1536 + ((reserved >>> 8) & 255)] as number) ^
      (table[1280 + ((reserved >>> 16) & 255)] as number) ^
      (table[1024 + (reserved >>> 24)] as number) ^
      (table[768 + (check & 255)] as number) ^
      (table[512 + ((check >>> 8) & 255)] as number) ^
      (table[256 + ((check >>> 16) & 255)] as number) ^
      (table[check >>> 24] as number)
    );
    if (producerLength > 0) crc = crc32Word(view, part, part + producerLength, crc);
    return crc === view.getInt32(at + HUB_CHECK_AT, true) ? length : 0;
  };
}
