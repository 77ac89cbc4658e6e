/**
 * The grammar of msgpack over bytes: where a value ends, without making it. UTF-8 is checked too. Work is linear in the bytes; memory is fixed, however deep the
 * value nests and whatever lengths it announces.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { MAX_DEPTH } from "../../limits.js";
import { isUtf8 } from "../../utf8.js";
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
  NEVER_USED,
  NIL,
  STR_8,
  UINT_8,
  readUnsigned,
} from "./format.js";
import { isTimestamp } from "./timestamp.js";

/** Values still to come at each level, a map's member counting two. */
const left = /*#__PURE__*/ new Float64Array(MAX_DEPTH + 1);
/** Whether the level is a map. */
const isMap = /*#__PURE__*/ new Uint8Array(MAX_DEPTH + 1);

let isTooDeep = false;
let hasForeign = false;
let hasOtherKeys = false;
let values = 0;

/** What {@link scanHead} found behind a first byte: the bytes, the members, or neither. */
let headBytes = 0;
let headValues = 0;

/** Whether the value that {@link skipMsgpack} went over last nests deeper than `MAX_DEPTH`. `[]` has depth 1. */
export function wasTooDeep(): boolean {
  return isTooDeep;
}

/** Whether the value that {@link skipMsgpack} went over last holds an extension that isn't a timestamp, or a timestamp that no calendar has. */
export function wasForeign(): boolean {
  return hasForeign;
}

/** Whether the value that {@link skipMsgpack} went over last holds a map with a key that isn't a string. */
export function hadOtherKeys(): boolean {
  return hasOtherKeys;
}

/** Values inside of the one that {@link skipMsgpack} went over last, down to the deepest legal level; a map's member counts two. */
export function lastValues(): number {
  return values;
}

/**
 * Skips one value.
 *
 * @returns the place after it; -1 where no whole msgpack value begins at `at` and ends at or before `end`, or a string isn't UTF-8
 */
export function skipMsgpack(bytes: Uint8Array, at: number, end: number): number {
  isTooDeep = false;
  hasForeign = false;
  hasOtherKeys = false;
  values = 0;
  let place = at;
  let level = 0;
  left[0] = 1;
  isMap[0] = 0;
  for (;;) {
    while (left[level] === 0) {
      if (level-- === 0) return place;
    }
    const remaining = left[level] as number;
    left[level] = remaining - 1;
    if (place >= end) return -1;
    const first = bytes[place] as number;
    if (isMap[level] === 1 && (remaining & 1) === 0 && !isString(first)) hasOtherKeys = true;
    if (first <= LAST_POSITIVE_FIXINT || first >= NEGATIVE_FIXINT) {
      place++;
      continue;
    }
    place = scanHead(bytes, place, end);
    if (place < 0) return -1;
    place += headBytes;
    if (headValues === 0) {
      if (isEmptyContainer(first) && level === MAX_DEPTH) isTooDeep = true;
      continue;
    }
    // Each value takes a byte at least: an announced number that can't be there costs nothing.
    if (headValues > end - place) return -1;
    values += headValues;
    if (level === MAX_DEPTH) return skipDeep(bytes, place, end);
    level++;
    left[level] = headValues;
    isMap[level] = isMapHead(first) ? 1 : 0;
  }
}

/** Goes on beyond the deepest legal level, where only the number of values still to come matters. */
function skipDeep(bytes: Uint8Array, at: number, end: number): number {
  isTooDeep = true;
  let place = at;
  let pending = headValues;
  for (let level = 0; level <= MAX_DEPTH; level++) pending += left[level] as number;
  while (pending > 0) {
    if (pending > end - place) return -1;
    pending--;
    place = scanHead(bytes, place, end);
    if (place < 0) return -1;
    place += headBytes;
    pending += headValues;
  }
  return place;
}

/**
 * Goes over the first byte at `at`, what belongs to it, and the bytes of a string, of bytes or of an extension.
 *
 * @returns the place where the payload or the members begin, -1 where they don't fit or aren't legal; their number is in `headBytes` and `headValues`
 */
function scanHead(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  headBytes = 0;
  headValues = 0;
  if (first <= LAST_POSITIVE_FIXINT || first >= NEGATIVE_FIXINT) return at + 1;
  if (first < FIXARRAY) {
    headValues = (first - FIXMAP) * 2;
    return at + 1;
  }
  if (first < FIXSTR) {
    headValues = first - FIXARRAY;
    return at + 1;
  }
  if (first < NIL) return stringHead(bytes, at + 1, first - FIXSTR, end);
  if (first === NEVER_USED) return -1;
  if (first < BIN_8) return at + 1;
  if (first < EXT_8) return sizedHead(bytes, at, first - BIN_8, end);
  if (first < FLOAT_32) return extensionHead(bytes, at, first - EXT_8, end);
  if (first < FIXEXT_1) return numberHead(at, first, end);
  if (first < STR_8) return fixedExtension(bytes, at, 1 << (first - FIXEXT_1), end);
  if (first < ARRAY_16) {
    const from = sizedHead(bytes, at, first - STR_8, end);
    return from < 0 ? -1 : stringHead(bytes, from, headBytes, end);
  }
  return containerHead(bytes, at, first, end);
}

function stringHead(bytes: Uint8Array, from: number, length: number, end: number): number {
  headBytes = length;
  return from + length <= end && isUtf8(bytes, from, from + length) ? from : -1;
}

/** A length of 1, 2 or 4 bytes (`power` 0, 1, 2), then so many bytes. */
function sizedHead(bytes: Uint8Array, at: number, power: number, end: number): number {
  const from = at + 1 + (1 << power);
  if (from > end) return -1;
  headBytes = readUnsigned(bytes, at + 1, 1 << power);
  return from + headBytes <= end ? from : -1;
}

function extensionHead(bytes: Uint8Array, at: number, power: number, end: number): number {
  const from = sizedHead(bytes, at, power, end - 1);
  if (from < 0) return -1;
  judgeExtension(bytes, from, headBytes);
  return from + 1;
}

function fixedExtension(bytes: Uint8Array, at: number, length: number, end: number): number {
  headBytes = length;
  if (at + 2 + length > end) return -1;
  judgeExtension(bytes, at + 1, length);
  return at + 2;
}

/** Float 32, float 64, then unsigned and signed integers of 1, 2, 4 and 8 bytes. */
function numberHead(at: number, first: number, end: number): number {
  headBytes = first < UINT_8 ? 4 << (first - FLOAT_32) : 1 << ((first - UINT_8) & 3);
  return at + 1 + headBytes <= end ? at + 1 : -1;
}

function containerHead(bytes: Uint8Array, at: number, first: number, end: number): number {
  const width = 2 << ((first - ARRAY_16) & 1);
  const from = at + 1 + width;
  if (from > end) return -1;
  headValues = readUnsigned(bytes, at + 1, width) * (first < MAP_16 ? 1 : 2);
  return from;
}

/** @param at the byte of the type */
function judgeExtension(bytes: Uint8Array, at: number, length: number): void {
  if (!isTimestamp(bytes, at, length)) hasForeign = true;
}

/** Whether a value with this first byte is a string. */
export function isString(first: number): boolean {
  return (first >= FIXSTR && first < NIL) || (first >= STR_8 && first < ARRAY_16);
}

/** Whether a value with this first byte is bytes. */
export function isBin(first: number): boolean {
  return first >= BIN_8 && first < EXT_8;
}

/** Whether a value with this first byte is a map. */
export function isMapHead(first: number): boolean {
  return (first >= FIXMAP && first < FIXARRAY) || (first >= MAP_16 && first < NEGATIVE_FIXINT);
}

/** Whether a value with this first byte is an array. */
export function isArrayHead(first: number): boolean {
  return (first >= FIXARRAY && first < FIXSTR) || (first >= ARRAY_16 && first < MAP_16);
}

function isEmptyContainer(first: number): boolean {
  return isMapHead(first) || isArrayHead(first);
}
