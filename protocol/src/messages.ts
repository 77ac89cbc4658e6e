/** What one message of a publish may be, whatever dialect it came in. */
import { RingcastError } from "./errors.js";
import { OPEN_BRACE, lastDepth, skipValue } from "./dialects/json/grammar.js";
import { parseOctets } from "./dialects/json/value.js";
import { payloadAt } from "./dialects/msgpack/format.js";
import { isBin, skipMsgpack, wasForeign, wasTooDeep } from "./dialects/msgpack/scan.js";
import { MAX_DEPTH, MAX_KEY_BYTES } from "./limits.js";
import { NO_HEADERS } from "./headers.js";
import type { Limits, NewMessage } from "./operations.js";
import { CONTENT_TYPE } from "./record.js";
import { isUtf8 } from "./utf8.js";

/**
 * Returns a message that is within the limit.
 * @throws RingcastError `too_large`
 */
export function checkMessageSize(message: NewMessage, limits: Limits): NewMessage {
  checkPayloadSize(message.data.length + message.headers.length + (message.key?.length ?? 0), limits);
  return message;
}

/**
 * Judges the bytes of a message that count against `maxMessageBytes`: data, key and header block.
 * @throws RingcastError `too_large`
 */
export function checkPayloadSize(size: number, limits: Limits): void {
  if (size <= limits.maxMessageBytes) return;
  throw new RingcastError(
    "too_large",
    `Send messages of at most ${limits.maxMessageBytes} bytes: data, key and headers of this one have ${size}.`,
    { limit: limits.maxMessageBytes },
  );
}

/**
 * Returns a key that is within the limit.
 * @throws RingcastError `bad_request`
 */
export function checkKey(key: Uint8Array): Uint8Array {
  checkKeyLength(key.length);
  return key;
}

/** @throws RingcastError `bad_request` */
export function checkKeyLength(length: number): void {
  if (length <= MAX_KEY_BYTES) return;
  throw new RingcastError("bad_request", `Give a key of at most ${MAX_KEY_BYTES} bytes, not ${length}.`, {
    field: "key",
  });
}

/**
 * Judges data that came as it is to be stored, so that no reader meets bytes that aren't what their content type says.
 *
 * @param contentType one of {@link CONTENT_TYPE}
 * @throws RingcastError `bad_request` with `details.field` = `data`
 */
export function checkData(contentType: number, bytes: Uint8Array, from: number, to: number): void {
  if (contentType === CONTENT_TYPE.json) checkJson(bytes, from, to);
  else if (contentType === CONTENT_TYPE.msgpack) checkMsgpack(bytes, from, to);
  else if (contentType === CONTENT_TYPE.text && !isUtf8(bytes, from, to)) {
    throw badData("Send text as UTF-8, or the data as bytes.");
  }
}

function checkJson(bytes: Uint8Array, from: number, to: number): void {
  if (skipValue(bytes, from, to) !== to)
    throw badData("Send JSON data as one JSON text, without white space around it.");
  if (lastDepth() > MAX_DEPTH) throw badData(`Nest data at most ${MAX_DEPTH} levels deep.`);
  // What looks like bytes to readers has to be bytes.
  if (bytes[from] === OPEN_BRACE) parseOctets(bytes, from, to);
}

function checkMsgpack(bytes: Uint8Array, from: number, to: number): void {
  if (skipMsgpack(bytes, from, to) !== to) throw badData("Send msgpack data as one whole value, its strings in UTF-8.");
  if (wasTooDeep()) throw badData(`Nest data at most ${MAX_DEPTH} levels deep.`);
  if (wasForeign())
    throw badData("Send no msgpack extensions but timestamps (type -1) of the years that a calendar has.");
}

/**
 * Makes a message of a raw body, as HTTP publishes it. Msgpack that is a `bin` as a whole is stored as bytes, as `publish` does.
 *
 * @param contentType one of {@link CONTENT_TYPE}
 * @throws RingcastError `bad_request` for data or a key that isn't what it should be, `too_large`
 */
export function rawMessage(
  contentType: number,
  data: Uint8Array,
  key: Uint8Array | undefined,
  limits: Limits,
): NewMessage {
  checkData(contentType, data, 0, data.length);
  if (key !== undefined && !isUtf8(checkKey(key))) {
    throw new RingcastError("bad_request", "Give the key as UTF-8.", { field: "key" });
  }
  const message =
    contentType === CONTENT_TYPE.msgpack
      ? { ...msgpackData(data), key, headers: NO_HEADERS }
      : { contentType, data, key, headers: NO_HEADERS };
  return checkMessageSize(message, limits);
}

/** What of a msgpack value is stored: bytes without their head, anything else as it came. */
export function msgpackData(value: Uint8Array): Pick<NewMessage, "contentType" | "data"> {
  const first = value[0] as number;
  if (!isBin(first)) return { contentType: CONTENT_TYPE.msgpack, data: value };
  return { contentType: CONTENT_TYPE.bytes, data: value.subarray(payloadAt(value)) };
}

function badData(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "data" });
}
