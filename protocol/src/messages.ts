/** What one message of a publish may be, whatever dialect it came in. */
import { RingcastError } from "./errors.js";
import { MAX_KEY_BYTES } from "./limits.js";
import { NO_HEADERS } from "./headers.js";
import type { Limits, NewMessage } from "./operations.js";
import { CONTENT_TYPE } from "./record.js";
import { isUtf8 } from "./utf8.js";

/** Bytes of a message that count against `maxMessageBytes`: data, key and header block. */
function messageBytes(message: NewMessage): number {
  return message.data.length + message.headers.length + (message.key?.length ?? 0);
}

/**
 * Returns a message that is within the limit.
 * @throws RingcastError `too_large`
 */
export function checkMessageSize(message: NewMessage, limits: Limits): NewMessage {
  const size = messageBytes(message);
  if (size <= limits.maxMessageBytes) return message;
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
  if (key.length <= MAX_KEY_BYTES) return key;
  throw new RingcastError("bad_request", `Give a key of at most ${MAX_KEY_BYTES} bytes, not ${key.length}.`, {
    field: "key",
  });
}

/**
 * Makes a message of a raw body, as HTTP publishes it.
 *
 * @param contentType `CONTENT_TYPE.bytes`, or `CONTENT_TYPE.text` for UTF-8
 * @throws RingcastError `bad_request` for text or a key that isn't UTF-8, or too long a key; `too_large`
 */
export function rawMessage(
  contentType: number,
  data: Uint8Array,
  key: Uint8Array | undefined,
  limits: Limits,
): NewMessage {
  if (contentType === CONTENT_TYPE.text && !isUtf8(data)) {
    throw new RingcastError("bad_request", "Send text as UTF-8, or the body as application/octet-stream.", {
      field: "data",
    });
  }
  if (key !== undefined && !isUtf8(checkKey(key))) {
    throw new RingcastError("bad_request", "Give the key as UTF-8.", { field: "key" });
  }
  return checkMessageSize({ contentType, data, key, headers: NO_HEADERS }, limits);
}
