/**
 * Where the members of a request lie in its bytes. The whole frame is gone over once; nothing is parsed, names are compared as bytes. Of a name that comes
 * twice the last one counts, as in JSON.parse.
 */
import { MAX_DEPTH } from "../../limits.js";
import { FIELDS, MemberTable, UNKNOWN, numberOf } from "../fields.js";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  byteAt,
  lastDepth,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./grammar.js";
import { parseString } from "./value.js";

/** A field's slot is {@link codeOf} its name. */
const SLOTS = 64;
const fieldsByCode = /*#__PURE__*/ makeFieldsByCode();
const MESSAGES = FIELDS.indexOf("messages");
const DATA = FIELDS.indexOf("data");
const KEY = FIELDS.indexOf("key");
const HEADERS = FIELDS.indexOf("headers");

/** Where the parts of one message lie; a start is -1 where the part is absent. */
export interface MessageParts {
  isObject: boolean;
  isTooDeep: boolean;
  dataStart: number;
  dataEnd: number;
  keyStart: number;
  keyEnd: number;
  headersStart: number;
  headersEnd: number;
}

const ROW = 7;
const NOT_AN_OBJECT = 1;
const TOO_DEEP = 2;

/** Where the messages of a batch lie. Only as many as a batch may have are noted, the rest is counted. */
export class BatchTable {
  /** Elements of the list, -1 where `messages` is absent or not a list. */
  count = -1;
  #rows = new Int32Array(ROW * 16);
  readonly #element = new MemberTable();

  /** Goes over a list that begins at `at`. Returns the place after it, -1 where it isn't JSON. */
  scan(bytes: Uint8Array, at: number, end: number, most: number): number {
    this.count = 0;
    let place = skipSpace(bytes, at + 1, end);
    if (byteAt(bytes, place, end) === CLOSE_BRACKET) return place + 1;
    for (;;) {
      place = this.#scanElement(bytes, place, end, most);
      if (place < 0) return -1;
      place = skipSpace(bytes, place, end);
      const byte = byteAt(bytes, place, end);
      if (byte === CLOSE_BRACKET) return place + 1;
      if (byte !== COMMA) return -1;
      place = skipSpace(bytes, place + 1, end);
    }
  }

  /** Copies where the parts of message `index` lie into `parts`. */
  read(index: number, parts: MessageParts): void {
    const rows = this.#rows;
    const at = index * ROW;
    const kind = rows[at] as number;
    parts.isObject = (kind & NOT_AN_OBJECT) === 0;
    parts.isTooDeep = (kind & TOO_DEEP) !== 0;
    parts.dataStart = rows[at + 1] as number;
    parts.dataEnd = rows[at + 2] as number;
    parts.keyStart = rows[at + 3] as number;
    parts.keyEnd = rows[at + 4] as number;
    parts.headersStart = rows[at + 5] as number;
    parts.headersEnd = rows[at + 6] as number;
  }

  #scanElement(bytes: Uint8Array, at: number, end: number, most: number): number {
    const element = this.#element;
    const isObject = byteAt(bytes, at, end) === OPEN_BRACE;
    element.reset();
    const place = isObject ? scanMembers(bytes, at, end, element) : skipValue(bytes, at, end);
    if (this.count++ >= most) return place;
    if (this.count * ROW > this.#rows.length) this.#grow();
    const rows = this.#rows;
    const row = (this.count - 1) * ROW;
    rows[row] = (isObject ? 0 : NOT_AN_OBJECT) | (element.isTooDeep ? TOO_DEEP : 0);
    rows[row + 1] = element.start(DATA);
    rows[row + 2] = element.end(DATA);
    rows[row + 3] = element.start(KEY);
    rows[row + 4] = element.end(KEY);
    rows[row + 5] = element.start(HEADERS);
    rows[row + 6] = element.end(HEADERS);
    return place;
  }

  #grow(): void {
    const grown = new Int32Array(this.#rows.length * 2);
    grown.set(this.#rows);
    this.#rows = grown;
  }
}

const NOTHING = /*#__PURE__*/ new Uint8Array(0);

/** A request whose members have been found. One is made and used for every request: decoding never waits for anything. */
export class RequestScan {
  bytes: Uint8Array = NOTHING;
  readonly members = /*#__PURE__*/ new MemberTable();
  readonly batch = /*#__PURE__*/ new BatchTable();

  /**
   * Goes over a frame.
   *
   * @param maxBatch most messages that a batch may have
   * @returns `object`: members are known; `value`: JSON, but no object; `broken`: no JSON
   */
  scan(bytes: Uint8Array, maxBatch: number): "object" | "value" | "broken" {
    this.bytes = bytes;
    this.members.reset();
    this.batch.count = -1;
    const end = bytes.length;
    const at = skipSpace(bytes, 0, end);
    const isObject = byteAt(bytes, at, end) === OPEN_BRACE;
    const place = isObject
      ? scanMembers(bytes, at, end, this.members, this.batch, maxBatch)
      : skipValue(bytes, at, end);
    if (place < 0 || skipSpace(bytes, place, end) !== end) return "broken";
    return isObject ? "object" : "value";
  }

  /** Lets go of the frame's memory. */
  release(): void {
    this.bytes = NOTHING;
  }
}

/** Goes over the members of an object. With `batch`, a list under the name `messages` is taken apart as well. */
function scanMembers(
  bytes: Uint8Array,
  at: number,
  end: number,
  table: MemberTable,
  batch?: BatchTable,
  maxBatch = 0,
): number {
  let place = skipSpace(bytes, at + 1, end);
  if (byteAt(bytes, place, end) === CLOSE_BRACE) return place + 1;
  for (;;) {
    if (byteAt(bytes, place, end) !== QUOTE) return -1;
    const nameEnd = skipString(bytes, place, end);
    if (nameEnd < 0) return -1;
    const valueAt = skipColon(bytes, nameEnd, end);
    if (valueAt < 0) return -1;
    const field = fieldAt(bytes, place, nameEnd);
    let valueEnd: number;
    if (batch !== undefined && field === MESSAGES && byteAt(bytes, valueAt, end) === OPEN_BRACKET) {
      valueEnd = batch.scan(bytes, valueAt, end, maxBatch);
    } else {
      if (batch !== undefined && field === MESSAGES) batch.count = -1;
      valueEnd = skipValue(bytes, valueAt, end);
      if (lastDepth() > MAX_DEPTH) table.isTooDeep = true;
    }
    if (valueEnd < 0) return -1;
    if (field !== UNKNOWN) table.set(field, valueAt, valueEnd);
    place = skipSpace(bytes, valueEnd, end);
    const byte = byteAt(bytes, place, end);
    if (byte === CLOSE_BRACE) return place + 1;
    if (byte !== COMMA) return -1;
    place = skipSpace(bytes, place + 1, end);
  }
}

/** Number of the field that a name (with its quotes) stands for. */
function fieldAt(bytes: Uint8Array, at: number, end: number): number {
  const length = end - at - 2;
  for (let place = at + 1; place < end - 1; place++) {
    if (bytes[place] === BACKSLASH) return numberOf(parseString(bytes, at, end));
  }
  if (length === 0) return UNKNOWN;
  const field = fieldsByCode[codeOf(length, bytes[at + 1] as number, bytes[end - 2] as number)] as number;
  if (field === UNKNOWN) return UNKNOWN;
  const name = FIELDS[field] as string;
  if (name.length !== length) return UNKNOWN;
  for (let i = 0; i < length; i++) {
    if (bytes[at + 1 + i] !== name.charCodeAt(i)) return UNKNOWN;
  }
  return field;
}

/** Length, first and last character tell all fields apart, in so few slots with these factors; the name itself is compared afterwards. */
function codeOf(length: number, first: number, last: number): number {
  return (length * 2 + first * 48 + last) & (SLOTS - 1);
}

/** Numbers of the fields by their codes. */
function makeFieldsByCode(): Int8Array {
  const fields = new Int8Array(SLOTS).fill(UNKNOWN);
  FIELDS.forEach((name, number) => {
    fields[codeOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1))] = number;
  });
  return fields;
}
