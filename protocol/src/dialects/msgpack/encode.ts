/**
 * From values to msgpack, with JSON.stringify's idea of what a value is, so that the same data means the same in both dialects: members that are undefined are
 * left out, `toJSON` is asked, symbols and functions count as undefined. Beyond JSON: Uint8Array becomes bin, Date a timestamp, bigint a 64-bit integer.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { ByteWriter } from "../../byte-writer.js";
import { RingcastError, shown } from "../../errors.js";
import { MAX_DEPTH } from "../../limits.js";
import { isWellFormed } from "../../utf8.js";
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

const scratch = /*#__PURE__*/ new DataView(new ArrayBuffer(8));
const scratchBytes = /*#__PURE__*/ new Uint8Array(scratch.buffer);

/**
 * Encodes a value, in memory of its own.
 *
 * @throws RingcastError `bad_request` with `details.field` = `data`: nested deeper than 128 (or around in a circle), a bigint beyond 64 bits, half of a surrogate pair
 */
export function encodeMsgpack(value: unknown): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(256);
  writeMsgpack(writer, value);
  return writer.take();
}

/**
 * Writes a value behind what was written before; undefined becomes nil.
 * @throws RingcastError as {@link encodeMsgpack}; the writer then holds a part of the value
 */
export function writeMsgpack(writer: ByteWriter, value: unknown): void {
  writeValue(writer, plain("", value), 0);
}

/** What JSON.stringify would see: the value itself, what its `toJSON` says, or undefined for what data can't be. */
function plain(key: string, value: unknown): unknown {
  let seen = value;
  if (typeof value === "object" && value !== null && !(value instanceof Uint8Array || value instanceof Date)) {
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === "function") seen = (toJSON as (key: string) => unknown).call(value, key);
    if (seen instanceof Number || seen instanceof String || seen instanceof Boolean) seen = seen.valueOf();
  }
  return typeof seen === "function" || typeof seen === "symbol" ? undefined : seen;
}

/** @param value what {@link plain} gave @param depth levels around it */
function writeValue(writer: ByteWriter, value: unknown, depth: number): void {
  if (typeof value === "string") writeText(writer, value);
  else if (typeof value === "number") writeNumber(writer, value);
  else if (typeof value === "boolean") writer.byte(value ? TRUE : FALSE);
  else if (typeof value === "bigint") writeBigint(writer, value);
  else if (typeof value === "object" && value !== null) writeObject(writer, value, depth);
  else writer.byte(NIL);
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (value instanceof Uint8Array) writeBytes(writer, value);
  else if (value instanceof Date) writeDate(writer, value);
  else if (depth === MAX_DEPTH) throw refused(`Nest data at most ${MAX_DEPTH} levels deep, and never in a circle.`);
  else if (Array.isArray(value)) writeArray(writer, value, depth + 1);
  else writeMap(writer, value as Record<string, unknown>, depth + 1);
}

function writeArray(writer: ByteWriter, array: readonly unknown[], depth: number): void {
  writeCount(writer, array.length, FIXARRAY, ARRAY_16);
  for (let i = 0; i < array.length; i++) writeValue(writer, plain(String(i), array[i]), depth);
}

function writeMap(writer: ByteWriter, map: Readonly<Record<string, unknown>>, depth: number): void {
  const keys = Object.keys(map);
  const head = writer.length;
  const width = writeCount(writer, keys.length, FIXMAP, MAP_16);
  let absent = 0;
  for (const key of keys) {
    const value = plain(key, map[key]);
    if (value === undefined) {
      absent++;
      continue;
    }
    writeText(writer, key);
    writeValue(writer, value, depth);
  }
  if (absent > 0) amendCount(writer, head, width, keys.length - absent);
}

/** @returns bytes of the count behind the first byte; 0 where it is in the first byte */
function writeCount(writer: ByteWriter, count: number, fix: number, sized: number): number {
  if (count <= MAX_FIX_MEMBERS) {
    writer.byte(fix | count);
    return 0;
  }
  const width = count < 0x1_0000 ? 2 : 4;
  writeUnsigned(writer, width === 2 ? sized : sized + 1, count, width);
  return width;
}

/** Members that are undefined were counted before anybody had asked their toJSON. */
function amendCount(writer: ByteWriter, head: number, width: number, count: number): void {
  if (width === 0) writer.bytes[head] = FIXMAP | count;
  for (let i = 0; i < width; i++) writer.bytes[head + 1 + i] = count >>> (8 * (width - 1 - i));
}

function writeText(writer: ByteWriter, text: string): void {
  const head = writer.length;
  const guess = textHeadBytes(text.length);
  writer.reserve(guess + text.length * 3);
  writer.length += guess;
  writer.text(text);
  const length = writer.length - head - guess;
  // A lone surrogate is three bytes too (U+FFFD), so only texts beyond ASCII have to be looked at.
  if (length !== text.length && !isWellFormed(text)) {
    throw refused(`Send text as whole characters, not ${shown(text)}.`);
  }
  const width = textHeadBytes(length);
  if (width > guess) {
    writer.reserve(width - guess);
    writer.bytes.copyWithin(head + width, head + guess, writer.length);
  }
  writer.length = head;
  if (length <= MAX_FIXSTR) writer.byte(FIXSTR | length);
  else writeSized(writer, STR_8, length);
  writer.length += length;
}

function textHeadBytes(length: number): number {
  return length <= MAX_FIXSTR ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

/** A first byte of three in a row, then a length of 1, 2 or 4 bytes. */
function writeSized(writer: ByteWriter, first: number, length: number): void {
  const power = length < 0x100 ? 0 : length < 0x1_0000 ? 1 : 2;
  writeUnsigned(writer, first + power, length, 1 << power);
}

function writeUnsigned(writer: ByteWriter, first: number, value: number, width: number): void {
  writer.byte(first);
  writeBigEndian(writer, value, width);
}

function writeBigEndian(writer: ByteWriter, value: number, width: number): void {
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) writer.byte((value >>> shift) & 255);
}

function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  writeSized(writer, BIN_8, bytes.length);
  writer.copy(bytes);
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    scratch.setFloat64(0, value);
    writeScratch(writer, FLOAT_64);
  } else if (value >= TWO_32 || value < -0x8000_0000) writeBigint(writer, BigInt(value));
  else if (value >= -32 && value < 0x80) writer.byte(value & 255);
  else if (value > 0) writeSized(writer, UINT_8, value);
  else {
    const power = value >= -0x80 ? 0 : value >= -0x8000 ? 1 : 2;
    writeUnsigned(writer, INT_8 + power, value, 1 << power);
  }
}

function writeBigint(writer: ByteWriter, value: bigint): void {
  const isUnsigned = value >= 0n;
  if ((isUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) !== value) {
    throw refused("Send integers of at most 64 bits, or as text.");
  }
  scratch.setBigUint64(0, BigInt.asUintN(64, value));
  writeScratch(writer, isUnsigned ? UINT_64 : INT_64);
}

function writeScratch(writer: ByteWriter, first: number): void {
  writer.byte(first);
  writer.copy(scratchBytes);
}

/** In the shortest of the three forms; nil for a date that is none, as in JSON. */
function writeDate(writer: ByteWriter, date: Date): void {
  const time = date.getTime();
  const seconds = Math.floor(time / 1_000);
  const nanoseconds = (time - seconds * 1_000) * 1e6;
  if (Number.isNaN(time)) {
    writer.byte(NIL);
  } else if (seconds >= 0 && seconds < TWO_32 && nanoseconds === 0) {
    writer.byte(FIXEXT_4);
    writeUnsigned(writer, TIMESTAMP_TYPE, seconds, 4);
  } else if (seconds >= 0 && seconds < TWO_32 * 4) {
    writer.byte(FIXEXT_8);
    writeUnsigned(writer, TIMESTAMP_TYPE, nanoseconds * 4 + Math.floor(seconds / TWO_32), 4);
    writeBigEndian(writer, seconds % TWO_32, 4);
  } else {
    writer.byte(EXT_8);
    writer.byte(TIMESTAMP_96_BYTES);
    writeUnsigned(writer, TIMESTAMP_TYPE, nanoseconds, 4);
    scratch.setBigInt64(0, BigInt(seconds));
    writer.copy(scratchBytes);
  }
}

function refused(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "data" });
}
