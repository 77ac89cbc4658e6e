/**
 * From msgpack to values. Ours, because the shared libraries rename the key `__proto__`, take extensions for classes and need `eval` to be fast: none of it is bearable
 * where strangers publish and pages forbid it.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { RingcastError } from "../../errors.js";
import { ByteWriter } from "../../byte-writer.js";
import { decodeUtf8 } from "../../utf8.js";
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
  NIL,
  STR_8,
  TRUE,
  readUnsigned,
} from "./format.js";
import { numberAt, numberBytes } from "./number.js";
import { isString, skipMsgpack, wasForeign, wasTooDeep } from "./scan.js";
import { millisecondsOf } from "./timestamp.js";
import { writeMsgpackAsJson } from "./to-json.js";

/** Where the next value begins. Decoding never waits for anything, so one is enough. */
let at = 0;

/**
 * Decodes bytes `from` to `to - 1`, one whole value. Maps become plain objects, a key that isn't a string its JSON text; bytes a Uint8Array of its own;
 * timestamps a Date; an integer beyond 2^53 - 1 a bigint.
 *
 * @throws RingcastError `bad_frame` for what isn't msgpack, nests too deep, has extensions other than timestamps or bytes after the value
 */
export function decodeMsgpack(bytes: Uint8Array, from = 0, to: number = bytes.length): unknown {
  if (skipMsgpack(bytes, from, to) !== to || wasTooDeep() || wasForeign()) {
    throw new RingcastError("bad_frame", "This is not msgpack as docs/protocol.md describes it.");
  }
  return decodeTrusted(bytes, from);
}

/** Decodes a value that {@link skipMsgpack} has found good. */
export function decodeTrusted(bytes: Uint8Array, from: number): unknown {
  at = from;
  return readValue(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
}

function readValue(bytes: Uint8Array, view: DataView): unknown {
  const first = bytes[at++] as number;
  if (first <= LAST_POSITIVE_FIXINT) return first;
  if (first >= NEGATIVE_FIXINT) return first - 256;
  if (first < FIXARRAY) return readMap(bytes, view, first - FIXMAP);
  if (first < FIXSTR) return readArray(bytes, view, first - FIXARRAY);
  if (first < NIL) return readString(bytes, first - FIXSTR);
  if (first <= TRUE) return first === NIL ? null : first !== FALSE;
  if (first < EXT_8) return readBytes(bytes, readLength(bytes, first - BIN_8));
  if (first < FLOAT_32) return readTimestamp(bytes, readLength(bytes, first - EXT_8));
  if (first < FIXEXT_1) return readNumber(view, first);
  if (first < STR_8) return readTimestamp(bytes, 1 << (first - FIXEXT_1));
  if (first < ARRAY_16) return readString(bytes, readLength(bytes, first - STR_8));
  const count = readLength(bytes, 1 + ((first - ARRAY_16) & 1));
  return first < MAP_16 ? readArray(bytes, view, count) : readMap(bytes, view, count);
}

/** @param power the length has 1, 2 or 4 bytes: 0, 1, 2 */
function readLength(bytes: Uint8Array, power: number): number {
  const length = readUnsigned(bytes, at, 1 << power);
  at += 1 << power;
  return length;
}

function readString(bytes: Uint8Array, length: number): string {
  at += length;
  return decodeUtf8(bytes, at - length, at);
}

function readBytes(bytes: Uint8Array, length: number): Uint8Array {
  at += length;
  return new Uint8Array(bytes.subarray(at - length, at));
}

function readTimestamp(bytes: Uint8Array, length: number): Date {
  at += 1 + length;
  return new Date(millisecondsOf(bytes, at - length, length));
}

function readNumber(view: DataView, first: number): number | bigint {
  const value = numberAt(view, at, first);
  at += numberBytes(first);
  return value;
}

function readArray(bytes: Uint8Array, view: DataView, count: number): unknown[] {
  const array: unknown[] = [];
  for (let i = 0; i < count; i++) array.push(readValue(bytes, view));
  return array;
}

function readMap(bytes: Uint8Array, view: DataView, count: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const key = isString(bytes[at] as number) ? (readValue(bytes, view) as string) : readOtherKey(bytes);
    const value = readValue(bytes, view);
    // Assigned, it would change the prototype.
    if (key === "__proto__")
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
    else map[key] = value;
  }
  return map;
}

/** The text that JSON readers see in the place of a key that isn't a string. */
function readOtherKey(bytes: Uint8Array): string {
  const from = at;
  at = skipMsgpack(bytes, from, bytes.length);
  const writer = new ByteWriter();
  writeMsgpackAsJson(writer, bytes, from, at);
  return decodeUtf8(writer.bytes, 0, writer.length);
}
