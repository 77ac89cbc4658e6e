/**
 * Base64 with the standard alphabet (RFC 4648, section 4). Strict: padding is needed, nothing else is skipped, and unused bits are zero,
 * so that every value has exactly one writing.
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 61;
const INVALID = 64;

const DIGITS = /*#__PURE__*/ Uint8Array.from(ALPHABET, (c) => c.charCodeAt(0));
const VALUES = /*#__PURE__*/ makeValues();

/** Characters that `length` bytes take. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/**
 * Writes bytes `from` to `to - 1` of `source` as Base64 characters.
 *
 * @param target must have room for {@link base64Length} bytes from `at` on
 * @returns the place after the last character
 */
export function writeBase64(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  let place = at;
  let next = from;
  for (; next + 2 < to; next += 3) {
    const bits = ((source[next] as number) << 16) | ((source[next + 1] as number) << 8) | (source[next + 2] as number);
    target[place++] = DIGITS[bits >> 18] as number;
    target[place++] = DIGITS[(bits >> 12) & 63] as number;
    target[place++] = DIGITS[(bits >> 6) & 63] as number;
    target[place++] = DIGITS[bits & 63] as number;
  }
  const rest = to - next;
  if (rest === 0) return place;
  const bits = ((source[next] as number) << 16) | (rest === 2 ? (source[next + 1] as number) << 8 : 0);
  target[place++] = DIGITS[bits >> 18] as number;
  target[place++] = DIGITS[(bits >> 12) & 63] as number;
  target[place++] = rest === 2 ? (DIGITS[(bits >> 6) & 63] as number) : PAD;
  target[place++] = PAD;
  return place;
}

/** Bytes of a Base64 text; undefined where it isn't strictly Base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const characters = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    characters[i] = code < 128 ? code : 0;
  }
  return readBase64(characters, 0, characters.length);
}

/** Bytes of the Base64 characters `from` to `to - 1`, in memory of their own; undefined where they aren't strictly Base64. */
export function readBase64(characters: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> | undefined {
  const length = to - from;
  if (length % 4 !== 0) return undefined;
  if (length === 0) return new Uint8Array(0);
  const padding = characters[to - 1] !== PAD ? 0 : characters[to - 2] !== PAD ? 1 : 2;
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  const end = padding === 0 ? to : to - 4;
  let place = 0;
  for (let at = from; at < end; at += 4) {
    const a = VALUES[characters[at] as number] as number;
    const b = VALUES[characters[at + 1] as number] as number;
    const c = VALUES[characters[at + 2] as number] as number;
    const d = VALUES[characters[at + 3] as number] as number;
    if ((a | b | c | d) >= INVALID) return undefined;
    bytes[place++] = (a << 2) | (b >> 4);
    bytes[place++] = (b << 4) | (c >> 2);
    bytes[place++] = (c << 6) | d;
  }
  if (padding === 0) return bytes;
  const a = VALUES[characters[end] as number] as number;
  const b = VALUES[characters[end + 1] as number] as number;
  const c = padding === 1 ? (VALUES[characters[end + 2] as number] as number) : 0;
  const unused = padding === 1 ? c & 3 : b & 15;
  if ((a | b | c) >= INVALID || unused !== 0) return undefined;
  bytes[place++] = (a << 2) | (b >> 4);
  if (padding === 1) bytes[place] = (b << 4) | (c >> 2);
  return bytes;
}

function makeValues(): Uint8Array {
  const values = new Uint8Array(256).fill(INVALID);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  return values;
}
