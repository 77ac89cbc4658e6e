/**
 * From msgpack to values. Ours, because the shared libraries rename the key `__proto__`, take extensions for classes and need `eval` to be fast: none of it is bearable
 * where strangers publish and pages forbid it.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { RingcastError } from "../../errors.js";
import { MAX_DEPTH } from "../../limits.js";
import { decodeUtf8, isUtf8 } from "../../utf8.js";
import {
  ARRAY_16,
  BIN_8,
  EXT_8,
  FALSE,
  FIXARRAY,
  FIXEXT_1,
  FIXMAP,
  FIXSTR,
  FLOAT_32,
  LAST_POSITIVE_FIXINT,
  MAP_16,
  NEGATIVE_FIXINT,
  NEVER_USED,
  NIL,
  STR_8,
  TRUE,
  readUnsigned,
} from "./format.js";
import { numberAt, numberBytes } from "./number.js";
import { isTimestamp, millisecondsOf } from "./timestamp.js";

// Declared here because the package must compile without the types of Node or of the DOM; every platform we run on has it.
declare function btoa(text: string): string;

const NOTHING = /*#__PURE__*/ new Uint8Array(0);

// Decoding never waits for anything and calls nobody, so one place to read at is enough.
let bytes: Uint8Array = NOTHING;
let view: DataView = /*#__PURE__*/ new DataView(NOTHING.buffer);
let at = 0;
let end = 0;

/**
 * Decodes bytes `from` to `to - 1`, one whole value. Maps become plain objects, a key that isn't a string its JSON text; bytes a Uint8Array of its own;
 * timestamps a Date; an integer beyond 2^53 - 1 a bigint.
 *
 * @param sourceView over the same bytes: who decodes many values of one frame makes it once
 * @throws RingcastError `bad_frame` for what isn't msgpack, nests too deep, has extensions other than timestamps or bytes after the value
 */
export function decodeMsgpack(
  source: Uint8Array,
  from = 0,
  to: number = source.length,
  sourceView: DataView = new DataView(source.buffer, source.byteOffset, source.length),
): unknown {
  bytes = source;
  view = sourceView;
  at = from;
  end = to;
  try {
    const value = readValue(0);
    if (at !== to) throw notMsgpack();
    return value;
  } finally {
    bytes = NOTHING;
  }
}

/** @param depth levels around the value */
function readValue(depth: number): unknown {
  if (at >= end) throw notMsgpack();
  const first = bytes[at++] as number;
  if (first <= LAST_POSITIVE_FIXINT) return first;
  if (first >= NEGATIVE_FIXINT) return first - 256;
  // Before the rest, because lists of numbers are where decoding is felt.
  if (first >= FLOAT_32 && first < FIXEXT_1) return readNumber(first);
  if (first < FIXARRAY) return readMap(first - FIXMAP, depth);
  if (first < FIXSTR) return readArray(first - FIXARRAY, depth);
  if (first < NIL) return readString(first - FIXSTR);
  if (first <= TRUE) return readConstant(first);
  if (first < EXT_8) return readBytes(readLength(first - BIN_8));
  if (first < FLOAT_32) return readExtension(readLength(first - EXT_8));
  if (first < STR_8) return readExtension(1 << (first - FIXEXT_1));
  if (first < ARRAY_16) return readString(readLength(first - STR_8));
  const count = readLength(1 + ((first - ARRAY_16) & 1));
  return first < MAP_16 ? readArray(count, depth) : readMap(count, depth);
}

function readConstant(first: number): boolean | null {
  if (first === NEVER_USED) throw notMsgpack();
  return first === NIL ? null : first !== FALSE;
}

/** Goes over `length` bytes and returns the place of the first. */
function take(length: number): number {
  const from = at;
  if (length > end - from) throw notMsgpack();
  at = from + length;
  return from;
}

/** @param power the length has 1, 2 or 4 bytes: 0, 1, 2 */
function readLength(power: number): number {
  const width = 1 << power;
  return readUnsigned(bytes, take(width), width);
}

function readString(length: number): string {
  const from = take(length);
  const text = decodeUtf8(bytes, from, at);
  // The character that stands for what isn't UTF-8 may also have been sent.
  if (text.includes("\ufffd") && !isUtf8(bytes, from, at)) throw notMsgpack();
  return text;
}

function readBytes(length: number): Uint8Array {
  const from = take(length);
  return new Uint8Array(bytes.subarray(from, at));
}

function readExtension(length: number): Date {
  const from = take(1 + length);
  if (!isTimestamp(bytes, from, length)) throw notMsgpack();
  return new Date(millisecondsOf(bytes, from + 1, length));
}

function readNumber(first: number): number | bigint {
  return numberAt(view, take(numberBytes(first)), first);
}

function readArray(count: number, depth: number): unknown[] {
  checkContainer(count, depth);
  const array = new Array<unknown>(count);
  for (let i = 0; i < count; i++) array[i] = readValue(depth + 1);
  return array;
}

function readMap(count: number, depth: number): Record<string, unknown> {
  checkContainer(count * 2, depth);
  const map: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const key = readKey(depth);
    const value = readValue(depth + 1);
    // Assigned, it would change the prototype.
    if (key === "__proto__") defineMember(map, key, value);
    else map[key] = value;
  }
  return map;
}

/** Each value takes a byte at least: an announced number that can't be there is refused before anything is made. */
function checkContainer(values: number, depth: number): void {
  if (values > end - at || depth === MAX_DEPTH) throw notMsgpack();
}

function defineMember(map: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

// ---- keys of maps ----------------------------------------------------------------------------------------------------

/** Keys come again and again. One that was met before is taken from here: comparing is cheaper than making, and V8 knows it as a name already. */
const KNOWN_KEYS = 256;
const knownKeys: string[] = /*#__PURE__*/ new Array<string>(KNOWN_KEYS).fill("");
const LONGEST_KNOWN_KEY = 24;

function readKey(depth: number): string {
  const first = at < end ? (bytes[at] as number) : NIL;
  if (first < FIXSTR || first > FIXSTR + LONGEST_KNOWN_KEY) {
    const key = readValue(depth + 1);
    return typeof key === "string" ? key : textOf(key);
  }
  at++;
  const length = first - FIXSTR;
  const from = take(length);
  const slot = slotOf(from, length);
  const known = knownKeys[slot] as string;
  if (isSame(known, from, length)) return known;
  at = from;
  const key = readString(length);
  if (key.length === length) knownKeys[slot] = key;
  return key;
}

function slotOf(from: number, length: number): number {
  if (length === 0) return 0;
  const middle = bytes[from + (length >> 1)] as number;
  return (length + (bytes[from] as number) * 7 + middle * 31 + (bytes[at - 1] as number) * 17) & (KNOWN_KEYS - 1);
}

function isSame(known: string, from: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (known.charCodeAt(i) !== bytes[from + i]) return false;
  }
  return true;
}

/**
 * The text that JSON readers see in the place of a key that isn't a string. Made of the value, not by to-json.ts: browsers would load all of that for a
 * key that hardly anybody uses.
 */
function textOf(key: unknown): string {
  if (typeof key === "bigint") return String(key);
  if (Object.is(key, -0)) return "-0";
  if (key instanceof Uint8Array) {
    return `{"$bytes":"${btoa(Array.from(key, (byte) => String.fromCharCode(byte)).join(""))}"}`;
  }
  if (Array.isArray(key)) return `[${key.map(textOf).join()}]`;
  if (typeof key !== "object" || key === null || key instanceof Date) return JSON.stringify(key);
  const members = Object.entries(key).map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`);
  return `{${members.join()}}`;
}

function notMsgpack(): RingcastError {
  return new RingcastError("bad_frame", "This is not msgpack as docs/protocol.md describes it.");
}
