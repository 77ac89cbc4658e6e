/** Single values of a request that the grammar has found good: bytes in, values out. */
import { RingcastError } from "../../errors.js";
import { decodeBase64, readBase64 } from "../../base64.js";
import { decodeUtf8 } from "../../utf8.js";
import { BACKSLASH, CLOSE_BRACE, QUOTE, byteAt, skipColon, skipSpace, skipString, skipValue } from "./grammar.js";

const BYTES_NAME = "$bytes";
/** An integer of so many digits is exact. */
const SAFE_DIGITS = 15;

/** The value of bytes `at` to `end - 1`. Only for control fields: data is never parsed. */
export function parseValue(bytes: Uint8Array, at: number, end: number): unknown {
  if (bytes[at] === QUOTE) return parseString(bytes, at, end);
  const integer = parseDigits(bytes, at, end);
  return integer >= 0 ? integer : JSON.parse(decodeUtf8(bytes, at, end));
}

/** The text of a string, which lies with its quotes at `at` to `end - 1`. */
export function parseString(bytes: Uint8Array, at: number, end: number): string {
  if (hasEscape(bytes, at, end)) return JSON.parse(decodeUtf8(bytes, at, end)) as string;
  return decodeUtf8(bytes, at + 1, end - 1);
}

/** Whether a string holds an escape, so that its bytes aren't its text. */
export function hasEscape(bytes: Uint8Array, at: number, end: number): boolean {
  for (let place = at; place < end; place++) {
    if (bytes[place] === BACKSLASH) return true;
  }
  return false;
}

/**
 * The bytes that data stands for where it is an object with `$bytes` as its only name.
 *
 * @param at first byte of an object
 * @returns undefined where it is any other object
 * @throws RingcastError `bad_request` where the value isn't Base64
 */
export function parseOctets(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  let place = skipSpace(bytes, at + 1, end);
  if (byteAt(bytes, place, end) === CLOSE_BRACE) return undefined;
  for (;;) {
    const nameEnd = skipString(bytes, place, end);
    if (!isOctetsName(bytes, place, nameEnd)) return undefined;
    const valueAt = skipColon(bytes, nameEnd, end);
    const valueEnd = skipValue(bytes, valueAt, end);
    place = skipSpace(bytes, valueEnd, end);
    // The name may come twice; then the last one counts.
    if (bytes[place] === CLOSE_BRACE) return decodeOctets(bytes, valueAt, valueEnd);
    place = skipSpace(bytes, place + 1, end);
  }
}

function isOctetsName(bytes: Uint8Array, at: number, end: number): boolean {
  const first = bytes[at + 1];
  if (first !== 0x24 && first !== BACKSLASH) return false;
  return parseString(bytes, at, end) === BYTES_NAME;
}

function decodeOctets(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const isString = bytes[at] === QUOTE;
  const octets = !isString
    ? undefined
    : hasEscape(bytes, at, end)
      ? decodeBase64(parseString(bytes, at, end))
      : readBase64(bytes, at + 1, end - 1);
  if (octets !== undefined) return octets;
  throw new RingcastError("bad_request", `Give "$bytes" as Base64 with the standard alphabet and padding.`, {
    field: "data",
  });
}

/** An integer of digits alone; -1 for anything else. */
function parseDigits(bytes: Uint8Array, at: number, end: number): number {
  if (end - at > SAFE_DIGITS) return -1;
  let value = 0;
  for (let place = at; place < end; place++) {
    const digit = (bytes[place] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
