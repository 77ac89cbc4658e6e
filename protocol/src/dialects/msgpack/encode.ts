/**
 * From values to msgpack, with JSON.stringify's idea of what a value is, so that the same data means the same in both dialects: members that are undefined are
 * left out, `toJSON` is asked, symbols and functions count as undefined. Beyond JSON: Uint8Array becomes bin, Date a timestamp, bigint a 64-bit integer.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { RingcastError, shown } from "../../errors.js";
import { MAX_DEPTH } from "../../limits.js";
import { encodeUtf8Into, isWellFormed } from "../../utf8.js";
import {
  ARRAY_16,
  BIN_8,
  EXT_8,
  FALSE,
  FIXARRAY,
  FIXEXT_4,
  FIXEXT_8,
  FIXMAP,
  FIXSTR,
  FLOAT_64,
  INT_8,
  INT_64,
  MAP_16,
  NIL,
  STR_8,
  TIMESTAMP_96_BYTES,
  TIMESTAMP_TYPE,
  TRUE,
  UINT_8,
  UINT_64,
} from "./format.js";

const TWO_32 = 0x1_0000_0000;
const MAX_FIXSTR = 31;
const MAX_FIX_MEMBERS = 15;
/** Up to here a loop is faster than the call of the platform's encoder. */
const SHORT_TEXT = 32;
const FIRST_BYTES = 1_024;
/** Memory grown beyond this is given back. */
const KEPT_BYTES = 1_048_576;

/** Where values are written, behind what a call that this one is nested in (in a toJSON) has written. */
let bytes: Uint8Array<ArrayBuffer> = /*#__PURE__*/ new Uint8Array(FIRST_BYTES);
let view = /*#__PURE__*/ new DataView(bytes.buffer);
let at = 0;

/**
 * Encodes a value, in memory of its own; undefined becomes nil.
 *
 * @throws RingcastError `bad_request` with `details.field` = `data`: nested deeper than 128 (or around in a circle), a bigint beyond 64 bits, half of a surrogate pair
 */
export function encodeMsgpack(value: unknown): Uint8Array<ArrayBuffer> {
  const start = at;
  try {
    writeValue(plain("", value), 0);
    return bytes.slice(start, at);
  } finally {
    at = start;
    if (start === 0 && bytes.length > KEPT_BYTES) grow(FIRST_BYTES);
  }
}

/** Makes room for `count` bytes more. */
function reserve(count: number): void {
  if (at + count > bytes.length) grow(Math.max(at + count, bytes.length * 2));
}

function grow(length: number): void {
  const grown = new Uint8Array(length);
  grown.set(bytes.subarray(0, at));
  bytes = grown;
  view = new DataView(grown.buffer);
}

/** What JSON.stringify would see: the value itself, what its `toJSON` says, or undefined for what data can't be. */
function plain(key: string | number, value: unknown): unknown {
  let seen = value;
  if (typeof value === "object" && value !== null && !(value instanceof Uint8Array || value instanceof Date)) {
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === "function") seen = (toJSON as (key: string) => unknown).call(value, String(key));
    if (seen instanceof Number || seen instanceof String || seen instanceof Boolean) seen = seen.valueOf();
  }
  return typeof seen === "function" || typeof seen === "symbol" ? undefined : seen;
}

/** @param value what {@link plain} gave @param depth levels around it */
function writeValue(value: unknown, depth: number): void {
  if (typeof value === "string") writeText(value);
  else if (typeof value === "number") writeNumber(value);
  else if (typeof value === "boolean") writeByte(value ? TRUE : FALSE);
  else if (typeof value === "bigint") writeBigint(value);
  else if (typeof value === "object" && value !== null) writeObject(value, depth);
  else writeByte(NIL);
}

function writeObject(value: object, depth: number): void {
  if (value instanceof Uint8Array) writeBytes(value);
  else if (value instanceof Date) writeDate(value);
  else if (depth === MAX_DEPTH) throw refused(`Nest data at most ${MAX_DEPTH} levels deep, and never in a circle.`);
  else if (Array.isArray(value)) writeArray(value, depth + 1);
  else writeMap(value as Record<string, unknown>, depth + 1);
}

function writeArray(array: readonly unknown[], depth: number): void {
  const { length } = array;
  writeCount(length, FIXARRAY, ARRAY_16);
  for (let i = 0; i < length; i++) writeValue(plain(i, array[i]), depth);
}

function writeMap(map: Readonly<Record<string, unknown>>, depth: number): void {
  const keys = Object.keys(map);
  const head = at;
  const width = writeCount(keys.length, FIXMAP, MAP_16);
  let absent = 0;
  for (const key of keys) {
    const value = plain(key, map[key]);
    if (value === undefined) {
      absent++;
      continue;
    }
    writeText(key);
    writeValue(value, depth);
  }
  if (absent > 0) amendCount(head, width, keys.length - absent);
}

/** @returns bytes of the count behind the first byte; 0 where it is in the first byte */
function writeCount(count: number, fix: number, sized: number): number {
  if (count <= MAX_FIX_MEMBERS) {
    writeByte(fix | count);
    return 0;
  }
  const width = count < 0x1_0000 ? 2 : 4;
  writeUnsigned(width === 2 ? sized : sized + 1, count, width);
  return width;
}

/** Members that are undefined were counted before anybody had asked their toJSON. */
function amendCount(head: number, width: number, count: number): void {
  if (width === 0) bytes[head] = FIXMAP | count;
  for (let i = 0; i < width; i++) bytes[head + 1 + i] = count >>> (8 * (width - 1 - i));
}

function writeText(text: string): void {
  const { length } = text;
  const head = at;
  reserve(5 + length * 3);
  if (length <= SHORT_TEXT) {
    at = head + textHeadBytes(length);
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) break;
      bytes[at++] = code;
    }
    if (i === length) {
      writeTextHead(head, length);
      return;
    }
  }
  writeLongText(text, head);
}

function writeLongText(text: string, head: number): void {
  const guess = textHeadBytes(text.length);
  const length = encodeUtf8Into(text, bytes, head + guess);
  // A lone surrogate would come out as U+FFFD; only texts beyond ASCII have to be looked at.
  if (length !== text.length && !isWellFormed(text)) {
    throw refused(`Send text as whole characters, not ${shown(text)}.`);
  }
  const width = textHeadBytes(length);
  if (width > guess) bytes.copyWithin(head + width, head + guess, head + guess + length);
  writeTextHead(head, length);
  at = head + width + length;
}

function textHeadBytes(length: number): number {
  return length <= MAX_FIXSTR ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

function writeTextHead(head: number, length: number): void {
  const end = at;
  at = head;
  if (length <= MAX_FIXSTR) writeByte(FIXSTR | length);
  else writeSized(STR_8, length);
  at = end;
}

/** A first byte of three in a row, then a length of 1, 2 or 4 bytes. */
function writeSized(first: number, length: number): void {
  const power = length < 0x100 ? 0 : length < 0x1_0000 ? 1 : 2;
  writeUnsigned(first + power, length, 1 << power);
}

/** @param width 1, 2 or 4 */
function writeUnsigned(first: number, value: number, width: number): void {
  writeByte(first);
  writeBigEndian(value, width);
}

function writeBigEndian(value: number, width: number): void {
  reserve(width);
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes[at++] = value >>> shift;
}

function writeByte(value: number): void {
  reserve(1);
  bytes[at++] = value;
}

function writeBytes(value: Uint8Array): void {
  writeSized(BIN_8, value.length);
  reserve(value.length);
  bytes.set(value, at);
  at += value.length;
}

function writeNumber(value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    reserve(9);
    bytes[at] = FLOAT_64;
    view.setFloat64(at + 1, value);
    at += 9;
  } else if (value >= TWO_32 || value < -0x8000_0000) writeBigint(BigInt(value));
  else if (value >= -32 && value < 0x80) writeByte(value);
  else if (value > 0) writeSized(UINT_8, value);
  else {
    const power = value >= -0x80 ? 0 : value >= -0x8000 ? 1 : 2;
    writeUnsigned(INT_8 + power, value, 1 << power);
  }
}

function writeBigint(value: bigint): void {
  const isUnsigned = value >= 0n;
  if ((isUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) !== value) {
    throw refused("Send integers of at most 64 bits, or as text.");
  }
  writeByte(isUnsigned ? UINT_64 : INT_64);
  writeBigUint64(value);
}

function writeBigUint64(value: bigint): void {
  reserve(8);
  view.setBigUint64(at, BigInt.asUintN(64, value));
  at += 8;
}

/** In the shortest of the three forms; nil for a date that is none, as in JSON. */
function writeDate(date: Date): void {
  const time = date.getTime();
  const seconds = Math.floor(time / 1_000);
  const nanoseconds = (time - seconds * 1_000) * 1e6;
  if (Number.isNaN(time)) {
    writeByte(NIL);
  } else if (seconds >= 0 && seconds < TWO_32 && nanoseconds === 0) {
    writeByte(FIXEXT_4);
    writeUnsigned(TIMESTAMP_TYPE, seconds, 4);
  } else if (seconds >= 0 && seconds < TWO_32 * 4) {
    writeByte(FIXEXT_8);
    writeUnsigned(TIMESTAMP_TYPE, nanoseconds * 4 + Math.floor(seconds / TWO_32), 4);
    writeBigEndian(seconds % TWO_32, 4);
  } else {
    writeByte(EXT_8);
    writeByte(TIMESTAMP_96_BYTES);
    writeUnsigned(TIMESTAMP_TYPE, nanoseconds, 4);
    writeBigUint64(BigInt(seconds));
  }
}

function refused(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "data" });
}
