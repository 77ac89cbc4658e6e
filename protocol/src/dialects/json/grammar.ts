/**
 * The grammar of JSON (RFC 8259) over bytes: where a value ends, without making it. UTF-8 is checked too. Work is linear in the bytes, memory one bit
 * a level of nesting. Every function takes the place where something begins and returns the place after it, or -1 where it isn't JSON.
 */
import { utf8Sequence } from "../../utf8.js";

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACE = 0x7d;
export const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

const IS_SPECIAL = /*#__PURE__*/ Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);

/** Levels that need no memory of their own. */
const SHALLOW_LEVELS = 256;
const shallow = /*#__PURE__*/ new Uint32Array(SHALLOW_LEVELS / 32);

let deepest = 0;

/** Nesting of the value that {@link skipValue} went over last: 0 for a scalar, 1 for `[]`. */
export function lastDepth(): number {
  return deepest;
}

/** Skips white space; never -1. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let place = at;
  while (place < end) {
    const byte = bytes[place] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    place++;
  }
  return place;
}

/** Skips a string that begins at its quote. */
export function skipString(bytes: Uint8Array, at: number, end: number): number {
  let place = at + 1;
  for (;;) {
    place = skipPlain(bytes, place, end);
    const byte = byteAt(bytes, place, end);
    if (byte === QUOTE) return place + 1;
    if (byte === BACKSLASH) {
      place = skipEscape(bytes, place, end);
      if (place < 0) return -1;
    } else {
      const length = byte < 0x80 ? -1 : utf8Sequence(bytes, place, end);
      if (length < 0) return -1;
      place += length;
    }
  }
}

/** Skips what stands for itself in a string: nearly every byte of nearly every frame. */
function skipPlain(bytes: Uint8Array, at: number, end: number): number {
  let place = at;
  while (
    place + 4 <= end &&
    (IS_SPECIAL[bytes[place] as number] as number) +
      (IS_SPECIAL[bytes[place + 1] as number] as number) +
      (IS_SPECIAL[bytes[place + 2] as number] as number) +
      (IS_SPECIAL[bytes[place + 3] as number] as number) ===
      0
  ) {
    place += 4;
  }
  while (place < end && IS_SPECIAL[bytes[place] as number] === 0) place++;
  return place;
}

/** Skips the colon after the name of a member, and the space around it. */
export function skipColon(bytes: Uint8Array, at: number, end: number): number {
  const place = skipSpace(bytes, at, end);
  return byteAt(bytes, place, end) === COLON ? skipSpace(bytes, place + 1, end) : -1;
}

/** Skips a value of any kind; its nesting is {@link lastDepth} afterwards. */
export function skipValue(bytes: Uint8Array, at: number, end: number): number {
  deepest = 0;
  const byte = byteAt(bytes, at, end);
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return skipContainer(bytes, at, end);
  return skipScalar(bytes, at, end, byte);
}

/** A loop with a stack of bits (object or list) instead of a recursion, which a million brackets would overflow. */
function skipContainer(bytes: Uint8Array, at: number, end: number): number {
  let stack = shallow;
  let depth = 0;
  let inObject = false;
  let place = at;
  for (;;) {
    // Here begins a value.
    const byte = byteAt(bytes, place, end);
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth >>> 5 === stack.length) stack = twice(stack);
      inObject = byte === OPEN_BRACE;
      if (inObject) stack[depth >>> 5] = (stack[depth >>> 5] as number) | (1 << (depth & 31));
      else stack[depth >>> 5] = (stack[depth >>> 5] as number) & ~(1 << (depth & 31));
      depth++;
      if (depth > deepest) deepest = depth;
      place = skipSpace(bytes, place + 1, end);
      if (byteAt(bytes, place, end) !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (inObject) place = skipName(bytes, place, end);
        if (place < 0) return -1;
        continue;
      }
    } else {
      place = skipScalar(bytes, place, end, byte);
      if (place < 0) return -1;
      place = skipSpace(bytes, place, end);
    }
    // Here ends a value; so may the lists and objects around it.
    for (;;) {
      const after = byteAt(bytes, place, end);
      if (after === COMMA) break;
      if (after !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) return -1;
      place++;
      depth--;
      if (depth === 0) return place;
      inObject = ((stack[(depth - 1) >>> 5] as number) & (1 << ((depth - 1) & 31))) !== 0;
      place = skipSpace(bytes, place, end);
    }
    place = skipSpace(bytes, place + 1, end);
    if (inObject) place = skipName(bytes, place, end);
    if (place < 0) return -1;
  }
}

/**
 * Commas and colons outside of the strings of a value that the grammar has found good: a measure of how many values it holds, before it is parsed.
 *
 * @returns as far as was counted: more than `most` once it is more
 */
export function countSeparators(bytes: Uint8Array, at: number, end: number, most: number): number {
  let count = 0;
  for (let place = at; place < end && count <= most;) {
    const byte = bytes[place] as number;
    if (byte === COMMA || byte === COLON) count++;
    place = byte === QUOTE ? skipString(bytes, place, end) : place + 1;
  }
  return count;
}

function skipName(bytes: Uint8Array, at: number, end: number): number {
  if (byteAt(bytes, at, end) !== QUOTE) return -1;
  const place = skipString(bytes, at, end);
  return place < 0 ? -1 : skipColon(bytes, place, end);
}

function skipScalar(bytes: Uint8Array, at: number, end: number, byte: number): number {
  if (byte === QUOTE) return skipString(bytes, at, end);
  if (byte === MINUS || isDigit(byte)) return skipNumber(bytes, at, end);
  if (byte === 0x74) return skipWord(bytes, at, end, "true");
  if (byte === 0x66) return skipWord(bytes, at, end, "false");
  return byte === 0x6e ? skipWord(bytes, at, end, "null") : -1;
}

function skipWord(bytes: Uint8Array, at: number, end: number, word: string): number {
  if (at + word.length > end) return -1;
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) return -1;
  }
  return at + word.length;
}

function skipNumber(bytes: Uint8Array, at: number, end: number): number {
  let place = bytes[at] === MINUS ? at + 1 : at;
  place = byteAt(bytes, place, end) === ZERO ? place + 1 : skipDigits(bytes, place, end);
  if (place < 0) return -1;
  if (byteAt(bytes, place, end) === 0x2e) {
    place = skipDigits(bytes, place + 1, end);
    if (place < 0) return -1;
  }
  if ((byteAt(bytes, place, end) | 0x20) !== 0x65) return place;
  const sign = byteAt(bytes, place + 1, end);
  return skipDigits(bytes, sign === 0x2b || sign === MINUS ? place + 2 : place + 1, end);
}

function skipDigits(bytes: Uint8Array, at: number, end: number): number {
  let place = at;
  while (isDigit(byteAt(bytes, place, end))) place++;
  return place === at ? -1 : place;
}

function skipEscape(bytes: Uint8Array, at: number, end: number): number {
  switch (byteAt(bytes, at + 1, end)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2;
    case 0x75:
      for (let i = 2; i < 6; i++) {
        const byte = byteAt(bytes, at + i, end);
        const letter = byte | 0x20;
        if (!isDigit(byte) && !(letter >= 0x61 && letter <= 0x66)) return -1;
      }
      return at + 6;
    default:
      return -1;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** The byte at `at`, -1 at the end. */
export function byteAt(bytes: Uint8Array, at: number, end: number): number {
  return at < end ? (bytes[at] as number) : -1;
}

function twice(stack: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(stack.length * 2);
  grown.set(stack);
  return grown;
}
