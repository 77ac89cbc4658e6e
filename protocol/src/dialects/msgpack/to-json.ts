/**
 * From msgpack to JSON, bytes to bytes: what JSON readers get of a message that was published in msgpack. No value is made on the way.
 *
 * | msgpack | JSON |
 * | --- | --- |
 * | integers | their digits, all of them |
 * | floats | the shortest writing that gives the same double; NaN and infinities null |
 * | bin | `{"$bytes":"<base64>"}` |
 * | timestamp | ISO 8601 in UTC: milliseconds, or nanoseconds where there are any |
 * | a map's key that isn't a string | its JSON text |
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { ByteWriter } from "../../byte-writer.js";
import { writeOctets, writeString } from "../json/text.js";
import {
  ARRAY_16,
  BIN_8,
  EXT_8,
  FIXARRAY,
  FIXEXT_1,
  FIXMAP,
  FIXSTR,
  FLOAT_32,
  LAST_POSITIVE_FIXINT,
  MAP_16,
  NEGATIVE_FIXINT,
  NIL,
  STR_8,
  TRUE,
  UINT_8,
  readUnsigned,
} from "./format.js";
import { numberAt, numberBytes } from "./number.js";
import { isString, skipMsgpack, wasForeign, wasTooDeep } from "./scan.js";
import { nanosecondsOf, secondsOf } from "./timestamp.js";

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const QUOTE = 0x22;

/** Where the next value begins. Translating never waits for anything, so one is enough. */
let at = 0;

/**
 * Writes bytes `from` to `to - 1` as JSON. Never throws, whatever the bytes.
 *
 * @returns false where they aren't one whole value of legal depth and known extensions: then nothing was written
 */
export function writeMsgpackAsJson(writer: ByteWriter, bytes: Uint8Array, from: number, to: number): boolean {
  if (skipMsgpack(bytes, from, to) !== to || wasTooDeep() || wasForeign()) return false;
  at = from;
  writeValue(writer, bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  return true;
}

function writeValue(writer: ByteWriter, bytes: Uint8Array, view: DataView): void {
  const first = bytes[at++] as number;
  if (first <= LAST_POSITIVE_FIXINT) writer.integer(first);
  else if (first >= NEGATIVE_FIXINT) writeInteger(writer, first - 256);
  else if (first < FIXARRAY) writeMap(writer, bytes, view, first - FIXMAP);
  else if (first < FIXSTR) writeArray(writer, bytes, view, first - FIXARRAY);
  else if (first < NIL) writeText(writer, bytes, first - FIXSTR);
  else if (first <= TRUE) writer.text(first === NIL ? "null" : first === TRUE ? "true" : "false");
  else if (first < EXT_8) writeBytes(writer, bytes, readLength(bytes, first - BIN_8));
  else if (first < FLOAT_32) writeTimestamp(writer, bytes, readLength(bytes, first - EXT_8));
  else if (first < FIXEXT_1) writeNumber(writer, view, first);
  else if (first < STR_8) writeTimestamp(writer, bytes, 1 << (first - FIXEXT_1));
  else if (first < ARRAY_16) writeText(writer, bytes, readLength(bytes, first - STR_8));
  else {
    const count = readLength(bytes, 1 + ((first - ARRAY_16) & 1));
    if (first < MAP_16) writeArray(writer, bytes, view, count);
    else writeMap(writer, bytes, view, count);
  }
}

/** @param power the length has 1, 2 or 4 bytes: 0, 1, 2 */
function readLength(bytes: Uint8Array, power: number): number {
  const length = readUnsigned(bytes, at, 1 << power);
  at += 1 << power;
  return length;
}

function writeText(writer: ByteWriter, bytes: Uint8Array, length: number): void {
  at += length;
  writeString(writer, bytes, at - length, at);
}

function writeBytes(writer: ByteWriter, bytes: Uint8Array, length: number): void {
  at += length;
  writeOctets(writer, bytes, at - length, at);
}

function writeTimestamp(writer: ByteWriter, bytes: Uint8Array, length: number): void {
  at += 1 + length;
  const nanoseconds = nanosecondsOf(bytes, at - length, length);
  const milliseconds = Math.floor(nanoseconds / 1e6);
  const text = new Date(secondsOf(bytes, at - length, length) * 1_000 + milliseconds).toISOString();
  const isFiner = nanoseconds !== milliseconds * 1e6;
  writer.byte(QUOTE);
  writer.text(isFiner ? `${text.slice(0, -4)}${String(nanoseconds).padStart(9, "0")}Z` : text);
  writer.byte(QUOTE);
}

function writeNumber(writer: ByteWriter, view: DataView, first: number): void {
  const value = numberAt(view, at, first);
  at += numberBytes(first);
  if (first < UINT_8) writeFloat(writer, value as number);
  else writer.text(String(value));
}

function writeInteger(writer: ByteWriter, value: number): void {
  if (value < 0) writer.byte(MINUS);
  writer.integer(Math.abs(value));
}

function writeFloat(writer: ByteWriter, value: number): void {
  // JSON.stringify would lose the sign, which JSON has room for.
  writer.text(Object.is(value, -0) ? "-0" : JSON.stringify(value));
}

function writeArray(writer: ByteWriter, bytes: Uint8Array, view: DataView, count: number): void {
  writer.byte(OPEN_BRACKET);
  for (let i = 0; i < count; i++) {
    if (i > 0) writer.byte(COMMA);
    writeValue(writer, bytes, view);
  }
  writer.byte(CLOSE_BRACKET);
}

function writeMap(writer: ByteWriter, bytes: Uint8Array, view: DataView, count: number): void {
  writer.byte(OPEN_BRACE);
  for (let i = 0; i < count; i++) {
    if (i > 0) writer.byte(COMMA);
    if (isString(bytes[at] as number)) writeValue(writer, bytes, view);
    else writeOtherKey(writer, bytes, view);
    writer.byte(COLON);
    writeValue(writer, bytes, view);
  }
  writer.byte(CLOSE_BRACE);
}

/** A key that isn't a string: its JSON text, as a string. */
function writeOtherKey(writer: ByteWriter, bytes: Uint8Array, view: DataView): void {
  const key = new ByteWriter(64);
  writeValue(key, bytes, view);
  writeString(writer, key.bytes, 0, key.length);
}
