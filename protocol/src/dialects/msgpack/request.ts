/**
 * Requests of the binary dialect: msgpack maps with the fields of the JSON dialect, and publish frames. `data` stays where it is and is never decoded.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { BATCH_MARK } from "../../batch.js";
import { NO_HEADERS, encodeHeaders } from "../../headers.js";
import { MAX_FIELD_VALUES } from "../../limits.js";
import { checkKey, checkMessageSize, msgpackData } from "../../messages.js";
import type { Limits, NewMessage } from "../../operations.js";
import { readPublishOptions } from "../../requests.js";
import type { RequestFields } from "../../requests.js";
import { decodeUtf8 } from "../../utf8.js";
import { MemberTable, UNKNOWN, numberOf } from "../fields.js";
import { badRequest, decodeOperation, fatal, readMessages, tooDeep, tooManyValues } from "../outcome.js";
import type { DecodedRequest, PublishBody, RequestSource } from "../outcome.js";
import { decodeMsgpack } from "./decode.js";
import { countOf, membersAt, payloadAt } from "./format.js";
import { decodePublishFrame } from "./publish-frame.js";
import {
  hadOtherKeys,
  isArrayHead,
  isMapHead,
  isString,
  lastValues,
  skipMsgpack,
  wasForeign,
  wasTooDeep,
} from "./scan.js";

/** The longest name that a field has, in bytes. */
const LONGEST_NAME = 16;

const OP = numberOf("op");
const DATA = numberOf("data");
const KEY = numberOf("key");
const HEADERS = numberOf("headers");
const MESSAGES = numberOf("messages");
const FILTER = numberOf("filter");

const NOTHING = /*#__PURE__*/ new Uint8Array(0);
/** In the place of a control field that is refused unread. */
const NOT_DECODED: unknown = /*#__PURE__*/ Object.freeze({});

// One request is decoded at a time, and decoding never waits for anything.
let frame: Uint8Array = NOTHING;
const members = /*#__PURE__*/ new MemberTable();
const element = /*#__PURE__*/ new MemberTable();
let hasForeign = false;
let hasOtherNames = false;

const fields: RequestFields = {
  has: (field) => members.start(numberOf(field)) >= 0,
  get: (field) => {
    const start = members.start(numberOf(field));
    if (start < 0) return undefined;
    const end = skipMsgpack(frame, start, frame.length);
    const isRefused = wasTooDeep() || wasForeign() || hadOtherKeys() || (field !== "from" && wasCrowded());
    return isRefused ? NOT_DECODED : decodeMsgpack(frame, start, end);
  },
};

const source: RequestSource = { fields, check: checkWhole, readPublish };

/**
 * Decodes the binary message of a client. Never throws, whatever the bytes; the time is linear in them.
 *
 * @param bytes the whole frame. Data and keys of the request are slices of it
 */
export function decodeMsgpackRequest(bytes: Uint8Array, limits: Limits): DecodedRequest {
  if (bytes[0] === BATCH_MARK) return decodePublishFrame(bytes, limits);
  try {
    frame = bytes;
    const isMap = bytes.length > 0 && isMapHead(bytes[0] as number);
    const end = isMap ? scanMap(0, members) : skipMsgpack(bytes, 0, bytes.length);
    if (end !== bytes.length) return fatal(1007, "Send one msgpack map in each binary message: this is not msgpack.");
    if (!isMap) return fatal(1008, "Send one msgpack map in each binary message: this is msgpack, but no map.");
    const opAt = members.start(OP);
    if (opAt < 0 || !isString(bytes[opAt] as number)) return fatal(1008, `Name the operation in "op", a string.`);
    return decodeOperation(decodeUtf8(bytes, payloadAt(bytes, opAt), members.end(OP)), source, limits);
  } finally {
    frame = NOTHING;
  }
}

/**
 * Goes over a map and notes where the members of known names lie; of a name that comes twice the last one counts.
 *
 * @param at first byte of a map
 * @returns the place after it; -1 where it isn't msgpack
 */
function scanMap(at: number, table: MemberTable): number {
  table.reset();
  hasForeign = false;
  hasOtherNames = false;
  let place = membersAt(frame, at);
  if (place > frame.length) return -1;
  for (let left = countOf(frame, at); left > 0; left--) {
    const nameAt = place;
    const valueAt = skipMsgpack(frame, nameAt, frame.length);
    if (valueAt < 0) return -1;
    const field = fieldAt(nameAt, valueAt);
    place = skipMsgpack(frame, valueAt, frame.length);
    if (place < 0) return -1;
    // Messages of a batch are judged one by one, so that their data may be as deep as that of a single one.
    const isBatch = table === members && field === MESSAGES && isArrayHead(frame[valueAt] as number);
    if (wasTooDeep() && !isBatch) table.isTooDeep = true;
    if (wasForeign()) hasForeign = true;
    if (field !== UNKNOWN) table.set(field, valueAt, place);
  }
  return place;
}

/** Number of the field that a key stands for. */
function fieldAt(at: number, end: number): number {
  if (!isString(frame[at] as number)) {
    hasOtherNames = true;
    return UNKNOWN;
  }
  const nameAt = payloadAt(frame, at);
  return end - nameAt > LONGEST_NAME ? UNKNOWN : numberOf(decodeUtf8(frame, nameAt, end));
}

function checkWhole(): void {
  if (members.isTooDeep) throw tooDeep();
  if (hasForeign) {
    throw badRequest("data", "Send no msgpack extensions but timestamps (type -1) of the years that a calendar has.");
  }
  if (hasOtherNames) throw badRequest("op", "Name the fields of a request by strings alone.");
  const filterAt = members.start(FILTER);
  if (filterAt >= 0 && skipMsgpack(frame, filterAt, frame.length) > 0 && wasCrowded()) throw tooManyValues("filter");
}

/** Whether the value that was gone over last is too much to be decoded. */
function wasCrowded(): boolean {
  return lastValues() > MAX_FIELD_VALUES;
}

function readPublish(limits: Limits): PublishBody {
  const isBatch = fields.has("messages");
  const { partition, producer, durability } = readPublishOptions(fields);
  const messages = isBatch ? readBatch(limits) : [readMessage(members, limits)];
  return { messages, batch: isBatch, partition, producer, durability };
}

function readBatch(limits: Limits): NewMessage[] {
  const at = members.start(MESSAGES);
  const isList = isArrayHead(frame[at] as number);
  let place = isList ? membersAt(frame, at) : at;
  return readMessages(fields, isList ? countOf(frame, at) : -1, limits, () => {
    if (!isMapHead(frame[place] as number)) throw badRequest("messages", `Give each message as a map with "data".`);
    place = scanMap(place, element);
    if (hasOtherNames) throw badRequest("messages", "Name the fields of a message by strings alone.");
    if (element.isTooDeep) throw tooDeep();
    return readMessage(element, limits);
  });
}

/** Makes a message of the members of a map. */
function readMessage(table: MemberTable, limits: Limits): NewMessage {
  const dataAt = table.start(DATA);
  if (dataAt < 0) throw badRequest("data", `Give each message its "data"; nil is allowed.`);
  const { contentType, data } = msgpackData(frame.subarray(dataAt, table.end(DATA)));
  const key = readKey(table.start(KEY), table.end(KEY));
  const headers = readHeaders(table.start(HEADERS));
  return checkMessageSize({ contentType, data, key, headers }, limits);
}

function readKey(at: number, end: number): Uint8Array | undefined {
  if (at < 0) return undefined;
  if (!isString(frame[at] as number)) throw badRequest("key", `Give "key" as a string.`);
  return checkKey(frame.subarray(payloadAt(frame, at), end));
}

function readHeaders(at: number): Uint8Array {
  if (at < 0) return NO_HEADERS;
  const end = skipMsgpack(frame, at, frame.length);
  if (hadOtherKeys() || !isMapHead(frame[at] as number)) {
    throw badRequest("headers", `Give "headers" as a map of strings to strings.`);
  }
  if (wasCrowded()) throw tooManyValues("headers");
  return encodeHeaders(decodeMsgpack(frame, at, end));
}
