/**
 * Requests of the JSON dialect, from the bytes of a frame or of an HTTP body. The frame is gone over once; `data` stays where it is and is never parsed.
 *
 * @see docs/protocol.md, "Operations"
 */
import { RingcastError, shown } from "../../errors.js";
import { NO_HEADERS, encodeHeaders } from "../../headers.js";
import { decodeName } from "../../known-names.js";
import { MAX_FIELD_VALUES } from "../../limits.js";
import { checkKey, checkMessageSize } from "../../messages.js";
import type { Limits, NewMessage } from "../../operations.js";
import { CONTENT_TYPE } from "../../record.js";
import { readPublishOptions } from "../../requests.js";
import type { PublishOptions, RequestFields } from "../../requests.js";
import { encodeUtf8, isWellFormed } from "../../utf8.js";
import { bitsOf, numberOf } from "../fields.js";
import { badRequest, decodeOperation, fatal, readMessages, tooDeep, tooManyValues } from "../outcome.js";
import type { DecodedRequest, PublishBody, RequestSource } from "../outcome.js";
import { OPEN_BRACE, OPEN_BRACKET, QUOTE, countSeparators } from "./grammar.js";
import { RequestScan } from "./members.js";
import type { MessageParts } from "./members.js";
import { hasEscape, parseOctets, parseString, parseValue } from "./value.js";

// Looked up once: by their names they were 4 % of a publish.
const OP = numberOf("op");
const TOPIC = numberOf("topic");
const DATA = numberOf("data");
const KEY = numberOf("key");
const HEADERS = numberOf("headers");
const MESSAGES = numberOf("messages");
const FROM = numberOf("from");
const FILTER = numberOf("filter");

const scan = /*#__PURE__*/ new RequestScan();
const { members } = scan;
const parts: MessageParts = {
  isObject: true,
  isTooDeep: false,
  dataStart: -1,
  dataEnd: -1,
  keyStart: -1,
  keyEnd: -1,
  headersStart: -1,
  headersEnd: -1,
};

const fields: RequestFields = {
  has: (name) => members.start(numberOf(name)) >= 0,
  get: (name) => {
    const field = numberOf(name);
    const start = members.start(field);
    if (start < 0) return undefined;
    if (field === TOPIC) return nameAt(start, members.end(TOPIC));
    const first = scan.bytes[start];
    // JSON.parse takes half a second for a million levels; such a request is refused whatever they hold.
    const isContainer = first === OPEN_BRACE || first === OPEN_BRACKET;
    if (isContainer && (members.isTooDeep || hasTooManyValues(field))) return NOT_PARSED;
    return parseValue(scan.bytes, start, members.end(field));
  },
};

const source: RequestSource = { fields, check: checkWhole, readPublish };

/** What a publish may ask for beside its messages; nearly none asks for any of it. */
const OPTIONS = /*#__PURE__*/ bitsOf(["partition", "producer", "durability"]);
const NO_OPTIONS: PublishOptions = { partition: undefined, producer: undefined, durability: undefined };

const NOT_PARSED: unknown = /*#__PURE__*/ Object.freeze({});

/**
 * Decodes the text message of a client. Never throws, whatever the bytes; the time is linear in them.
 *
 * @param bytes the whole frame. Data and keys of the request are slices of it
 */
export function decodeRequest(bytes: Uint8Array, limits: Limits): DecodedRequest {
  try {
    const shape = scan.scan(bytes, limits.maxBatch);
    if (shape === "broken") return fatal(1007, "Send one JSON object in each text message: this is not JSON.");
    if (shape === "value")
      return fatal(1008, "Send one JSON object in each text message: this is JSON, but no object.");
    const opAt = members.start(OP);
    if (opAt < 0 || bytes[opAt] !== QUOTE) return fatal(1008, `Name the operation in "op", a string.`);
    return decodeOperation(nameAt(opAt, members.end(OP)) as string, source, limits);
  } finally {
    scan.release();
  }
}

/**
 * Decodes the JSON body of an HTTP publish: what `publish` has, without `op`, `id` and `topic`.
 *
 * @throws RingcastError `bad_frame` where it isn't a JSON object, `bad_request`, `too_large`
 */
export function decodePublishBody(bytes: Uint8Array, limits: Limits): PublishBody {
  try {
    if (scan.scan(bytes, limits.maxBatch) !== "object") {
      throw new RingcastError("bad_frame", "Send one JSON object as the body.");
    }
    checkWhole();
    return readPublish(limits);
  } finally {
    scan.release();
  }
}

/** A text that probably came before: an operation or a topic. */
function nameAt(start: number, end: number): unknown {
  const { bytes } = scan;
  if (bytes[start] !== QUOTE || hasEscape(bytes, start, end)) return parseValue(bytes, start, end);
  return decodeName(bytes, start + 1, end - 1) ?? parseString(bytes, start, end);
}

function checkWhole(): void {
  if (members.isTooDeep) throw tooDeep();
  if (members.start(FILTER) >= 0 && hasTooManyValues(FILTER)) throw tooManyValues("filter");
}

function hasTooManyValues(field: number): boolean {
  return field !== FROM && isCrowded(members.start(field), members.end(field));
}

/** Whether a value is too much to be parsed. Whatever is short is not looked at. */
function isCrowded(start: number, end: number): boolean {
  return end - start > MAX_FIELD_VALUES && countSeparators(scan.bytes, start, end, MAX_FIELD_VALUES) > MAX_FIELD_VALUES;
}

function readPublish(limits: Limits): PublishBody {
  const isBatch = members.start(MESSAGES) >= 0;
  const { partition, producer, durability } = members.hasAny(OPTIONS) ? readPublishOptions(fields) : NO_OPTIONS;
  const messages = isBatch ? readBatch(limits) : [readSingle(limits)];
  return { messages, batch: isBatch, partition, producer, durability };
}

function readSingle(limits: Limits): NewMessage {
  parts.isObject = true;
  parts.isTooDeep = false;
  parts.dataStart = members.start(DATA);
  parts.dataEnd = members.end(DATA);
  parts.keyStart = members.start(KEY);
  parts.keyEnd = members.end(KEY);
  parts.headersStart = members.start(HEADERS);
  parts.headersEnd = members.end(HEADERS);
  return readMessage(limits);
}

function readBatch(limits: Limits): NewMessage[] {
  const { batch } = scan;
  return readMessages(fields, batch.count, limits, (index) => {
    batch.read(index, parts);
    return readMessage(limits);
  });
}

/** Makes a message of what `parts` tells. */
function readMessage(limits: Limits): NewMessage {
  const { bytes } = scan;
  if (!parts.isObject) throw badRequest("messages", `Give each message as an object with "data".`);
  if (parts.isTooDeep) throw tooDeep();
  if (parts.dataStart < 0) throw badRequest("data", `Give each message its "data"; null is allowed.`);
  const octets = bytes[parts.dataStart] === OPEN_BRACE ? parseOctets(bytes, parts.dataStart, parts.dataEnd) : undefined;
  const message: NewMessage = {
    contentType: octets === undefined ? CONTENT_TYPE.json : CONTENT_TYPE.bytes,
    data: octets ?? bytes.subarray(parts.dataStart, parts.dataEnd),
    key: parts.keyStart < 0 ? undefined : readKey(bytes, parts.keyStart, parts.keyEnd),
    headers: parts.headersStart < 0 ? NO_HEADERS : readHeaders(bytes, parts.headersStart, parts.headersEnd),
  };
  return checkMessageSize(message, limits);
}

function readHeaders(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (isCrowded(start, end)) throw tooManyValues("headers");
  return encodeHeaders(parseValue(bytes, start, end));
}

function readKey(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes[start] !== QUOTE) throw badRequest("key", `Give "key" as a string.`);
  if (!hasEscape(bytes, start, end)) return checkKey(bytes.subarray(start + 1, end - 1));
  const key = parseString(bytes, start, end);
  if (!isWellFormed(key)) throw badRequest("key", `Give "key" as whole characters, not ${shown(key)}.`);
  return checkKey(encodeUtf8(key));
}
