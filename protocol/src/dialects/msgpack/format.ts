/**
 * The first bytes of msgpack values. What comes behind them is big-endian, unlike everything of our own.
 *
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 */

/** Up to here the byte is the integer itself. */
export const LAST_POSITIVE_FIXINT = 0x7f;
export const FIXMAP = 0x80;
export const FIXARRAY = 0x90;
export const FIXSTR = 0xa0;
export const NIL = 0xc0;
/** The one byte that msgpack never uses; it begins our batch frames. */
export const NEVER_USED = 0xc1;
export const FALSE = 0xc2;
export const TRUE = 0xc3;
export const BIN_8 = 0xc4;
export const BIN_32 = 0xc6;
export const EXT_8 = 0xc7;
export const EXT_16 = 0xc8;
export const EXT_32 = 0xc9;
export const FLOAT_32 = 0xca;
export const FLOAT_64 = 0xcb;
export const UINT_8 = 0xcc;
export const UINT_16 = 0xcd;
export const UINT_32 = 0xce;
export const UINT_64 = 0xcf;
export const INT_8 = 0xd0;
export const INT_16 = 0xd1;
export const INT_32 = 0xd2;
export const INT_64 = 0xd3;
export const FIXEXT_1 = 0xd4;
export const FIXEXT_4 = 0xd6;
export const FIXEXT_8 = 0xd7;
export const FIXEXT_16 = 0xd8;
export const STR_8 = 0xd9;
export const STR_16 = 0xda;
export const STR_32 = 0xdb;
export const ARRAY_16 = 0xdc;
export const ARRAY_32 = 0xdd;
export const MAP_16 = 0xde;
export const MAP_32 = 0xdf;
export const NEGATIVE_FIXINT = 0xe0;

/** Type of the one extension that we know: a timestamp (-1). */
export const TIMESTAMP_TYPE = 0xff;
export const TIMESTAMP_32_BYTES = 4;
export const TIMESTAMP_64_BYTES = 8;
export const TIMESTAMP_96_BYTES = 12;
export const LAST_NANOSECOND = 999_999_999;

/** An unsigned big-endian integer of 1, 2 or 4 bytes. The caller has found them inside of the buffer. */
export function readUnsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = bytes[at] as number;
  for (let i = 1; i < width; i++) value = value * 256 + (bytes[at + i] as number);
  return value;
}

/** Place of the bytes of a `str` or `bin` that begins at `at` and was found whole. */
export function payloadAt(bytes: Uint8Array, at = 0): number {
  const first = bytes[at] as number;
  if (first < NIL) return at + 1;
  return at + 1 + (1 << (first < STR_8 ? first - BIN_8 : first - STR_8));
}

/** Members of a map or array that begins at `at` and was found whole. */
export function countOf(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < FIXARRAY) return first - FIXMAP;
  if (first < FIXSTR) return first - FIXARRAY;
  return readUnsigned(bytes, at + 1, 2 << ((first - ARRAY_16) & 1));
}

/** Place of the first member of a map or array that begins at `at`. */
export function membersAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  return first < FIXSTR ? at + 1 : at + 1 + (2 << ((first - ARRAY_16) & 1));
}
