/**
 * Requests of the JSON dialect, from the bytes of a frame or of an HTTP body. The frame is gone over once; `data` stays where it is and is never parsed.
 *
 * @see docs/protocol.md, "Operations"
 */
import { RingcastError, shown } from "../../errors.js";
import { NO_HEADERS, encodeHeaders } from "../../headers.js";
import { MAX_DEPTH } from "../../limits.js";
import { checkKey, checkMessageSize } from "../../messages.js";
import type { ErrorFrame, Limits, NewMessage, PublishRequest, Request, RequestId } from "../../operations.js";
import { isOffset } from "../../position.js";
import { CONTENT_TYPE } from "../../record.js";
import { mayLackId, readControlRequest, readId, readPublishOptions, readPublishTopic } from "../../requests.js";
import type { RequestFields } from "../../requests.js";
import { encodeUtf8, isWellFormed } from "../../utf8.js";
import { OPEN_BRACE, OPEN_BRACKET, QUOTE } from "./grammar.js";
import { RequestScan } from "./members.js";
import type { FieldName, MessageParts } from "./members.js";
import { hasEscape, parseOctets, parseString, parseValue } from "./value.js";

/** What became of a frame. */
export type DecodedRequest =
  | { readonly ok: true; readonly request: Request }
  | {
      readonly ok: false;
      /** The operation asked for; undefined where the frame can't be understood. */
      readonly op: string | undefined;
      /** The answer, with the id where it is known. */
      readonly error: ErrorFrame;
      /** Close code where the connection ends after the answer. */
      readonly closeCode: 1007 | 1008 | undefined;
    };

/** A publish without what the path of an HTTP request says. */
export type PublishBody = Omit<PublishRequest, "op" | "id" | "topic">;

const scan = /*#__PURE__*/ new RequestScan();
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
  has: (field) => scan.start(field as FieldName) >= 0,
  get: (field) => {
    const start = scan.start(field as FieldName);
    if (start < 0) return undefined;
    const first = scan.bytes[start];
    // JSON.parse takes half a second for a million levels; such a request is refused whatever they hold.
    if (scan.members.isTooDeep && (first === OPEN_BRACE || first === OPEN_BRACKET)) return NOT_PARSED;
    return parseValue(scan.bytes, start, scan.end(field as FieldName));
  },
};

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
    const opAt = scan.start("op");
    if (opAt < 0 || bytes[opAt] !== QUOTE) return fatal(1008, `Name the operation in "op", a string.`);
    return decodeOperation(parseString(bytes, opAt, scan.end("op")), limits);
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
    checkDepth();
    return readPublish(limits);
  } finally {
    scan.release();
  }
}

function decodeOperation(op: string, limits: Limits): DecodedRequest {
  let id: RequestId | undefined;
  try {
    id = readId(op, fields);
    checkDepth();
    if (op === "publish" && id !== undefined) {
      const topic = readPublishTopic(fields);
      return { ok: true, request: { op, id, topic, ...readPublish(limits) } };
    }
    return { ok: true, request: readControlRequest(op, id, fields, limits) };
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    const named = id !== undefined ? { id } : mayLackId(op) && !fields.has("id") ? recordNamed() : {};
    return { ok: false, op, error: { op: "error", ...named, ...error.toBody() }, closeCode: undefined };
  }
}

function fatal(closeCode: 1007 | 1008, message: string): DecodedRequest {
  return { ok: false, op: undefined, error: { op: "error", code: "bad_frame", message }, closeCode };
}

/** What the error for an `ack` or `settle` without id carries instead, as far as it makes sense. */
function recordNamed(): Pick<ErrorFrame, "subscription" | "partition" | "offset"> {
  const subscription = fields.get("subscription");
  const partition = fields.get("partition") ?? 0;
  const offset = fields.get("offset");
  return {
    ...(isOffset(subscription) ? { subscription } : {}),
    ...(isOffset(partition) ? { partition } : {}),
    ...(isOffset(offset) ? { offset } : {}),
  };
}

function checkDepth(): void {
  if (scan.members.isTooDeep) throw tooDeep();
}

function readPublish(limits: Limits): PublishBody {
  const isBatch = fields.has("messages");
  const options = readPublishOptions(fields);
  const messages = isBatch ? readBatch(limits) : [readSingle(limits)];
  return { messages, batch: isBatch, ...options };
}

function readSingle(limits: Limits): NewMessage {
  parts.isObject = true;
  parts.isTooDeep = false;
  parts.dataStart = scan.start("data");
  parts.dataEnd = scan.end("data");
  parts.keyStart = scan.start("key");
  parts.keyEnd = scan.end("key");
  parts.headersStart = scan.start("headers");
  parts.headersEnd = scan.end("headers");
  return readMessage(limits);
}

function readBatch(limits: Limits): NewMessage[] {
  for (const field of ["data", "key", "headers"] as const) {
    if (fields.has(field)) throw badRequest(field, `Give "${field}" inside of "messages", not beside it.`);
  }
  const { batch } = scan;
  if (batch.count < 1) throw badRequest("messages", `Give "messages" as a list of at least one message.`);
  if (batch.count > limits.maxBatch) {
    throw new RingcastError("too_large", `Send at most ${limits.maxBatch} messages at once, not ${batch.count}.`, {
      limit: limits.maxBatch,
    });
  }
  const messages: NewMessage[] = [];
  for (let index = 0; index < batch.count; index++) {
    batch.read(index, parts);
    try {
      messages.push(readMessage(limits));
    } catch (error) {
      throw error instanceof RingcastError ? atIndex(error, index) : error;
    }
  }
  return messages;
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
    headers:
      parts.headersStart < 0 ? NO_HEADERS : encodeHeaders(parseValue(bytes, parts.headersStart, parts.headersEnd)),
  };
  return checkMessageSize(message, limits);
}

function readKey(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes[start] !== QUOTE) throw badRequest("key", `Give "key" as a string.`);
  if (!hasEscape(bytes, start, end)) return checkKey(bytes.subarray(start + 1, end - 1));
  const key = parseString(bytes, start, end);
  if (!isWellFormed(key)) throw badRequest("key", `Give "key" as whole characters, not ${shown(key)}.`);
  return checkKey(encodeUtf8(key));
}

function atIndex(error: RingcastError, index: number): RingcastError {
  return new RingcastError(error.code, `Message ${index}: ${error.message}`, { ...error.details, index });
}

function tooDeep(): RingcastError {
  return badRequest("data", `Nest JSON at most ${MAX_DEPTH} levels deep.`);
}

function badRequest(field: string, message: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}
