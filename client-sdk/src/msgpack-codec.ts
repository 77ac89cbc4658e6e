/** The binary dialect: messages are records from here to the last reader, checks included. */
import {
  BATCH_FLAGS_AT,
  checkKey,
  CONTENT_TYPE,
  decodeTrustedHubFrame,
  encodeHeaders,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
  encodeUtf8,
  isWellFormed,
  NO_HEADERS,
  PUBLISH_FLAG,
  type NewMessage,
  type PublishHead,
} from "@ringcast/protocol";
import { fromJsonText, mayHoldBytes } from "./bytes-in-json.js";
import type { Codec, Operation } from "./codec.js";
import { badRequest } from "./errors.js";
import type { OutgoingMessage } from "./options.js";
import type { FrameData } from "./transport/port.js";

/**
 * What `encodeBody` returns: how many records and whether they were published as many, then the records. They are made
 * once, so that a publish that is sent again has the same bytes and the same checks.
 */
const COUNT_AT = 0;
const BATCH_AT = 4;
const RECORDS_AT = 8;

/**
 * The binary dialect. A Uint8Array as the whole of the data is stored as bytes, everything else as msgpack; bytes,
 * dates and integers beyond 2^53 come out as what they were.
 */
export const msgpackCodec: Codec = {
  subprotocol: "ringcast.v1.msgpack",
  encodeBody: (fields) => {
    const isBatch = "messages" in fields;
    const messages = (isBatch ? fields.messages : [fields]) as readonly OutgoingMessage<unknown>[];
    const body = encodeRecords(messages.map(toRecord), RECORDS_AT);
    new DataView(body.buffer).setUint32(COUNT_AT, messages.length);
    body[BATCH_AT] = Number(isBatch);
    return body;
  },
  encode: (operation, body) => {
    try {
      return encode(operation, body);
    } catch {
      // bad_request, invalid_topic: a name that no frame can hold. The hub answers what it thinks of it.
      return encodeMsgpack({ op: operation.op, id: operation["id"], topic: "" });
    }
  },
  decode: (frame) => decodeTrustedHubFrame(frame as Uint8Array, { parseJson }),
};

/** Data that was published in the JSON dialect. */
export function parseJson(text: string): unknown {
  return mayHoldBytes(text) ? fromJsonText(text) : JSON.parse(text);
}

function encode(operation: Operation, body: FrameData | undefined): Uint8Array {
  if (body === undefined) return encodeMsgpack(operation);
  const bytes = body as Uint8Array;
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(COUNT_AT);
  // What is spread comes last, here and wherever publishes pass: members behind it cost 1 to 2 µs on Node 20, before it
  // 0.1 µs.
  const head = { batch: bytes[BATCH_AT] === 1, count, ...operation } as unknown as PublishHead;
  const frame = encodePublishFrame(head, bytes.subarray(RECORDS_AT));
  // No flag stands for it yet. Both levels at once are refused, as the JSON dialect refuses its name: a weaker promise
  // may not be given in silence.
  if (operation["durability"] === "replicated")
    (frame[BATCH_FLAGS_AT] as number) |= PUBLISH_FLAG.stored | PUBLISH_FLAG.synced;
  return frame;
}

function toRecord({ data, key, headers }: OutgoingMessage<unknown>): NewMessage {
  if (data === undefined) throw badRequest("Give a message data; null is one.", "data");
  if (key !== undefined && !isWellFormed(key)) throw badRequest("A key is text of whole characters.", "key");
  const isBytes = data instanceof Uint8Array;
  return {
    contentType: isBytes ? CONTENT_TYPE.bytes : CONTENT_TYPE.msgpack,
    data: isBytes ? data : encodeMsgpack(data),
    key: key === undefined ? undefined : checkKey(encodeUtf8(key)),
    headers: headers === undefined ? NO_HEADERS : encodeHeaders(headers),
  };
}
