/**
 * Frames of the hub in the binary dialect: its way out, the client's way in. Deliveries are batch frames (batch.ts), everything else msgpack maps.
 *
 * @see docs/protocol.md, "Binary dialect"
 */
import { BATCH_KIND, BATCH_MARK, countRecords, readBatchHead } from "../../batch.js";
import { RingcastError } from "../../errors.js";
import { decodeHeaders } from "../../headers.js";
import type { HistoryFrame, HubFrame, MessagesFrame, WireMessage } from "../../operations.js";
import { isOffset } from "../../position.js";
import {
  CONTENT_TYPE,
  KEY_AT,
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  hasKey,
  headersAtOf,
  lengthOf,
  offsetOf,
  timestampOf,
} from "../../record.js";
import { isPayloadIntact } from "../../record-check.js";
import { decodeUtf8 } from "../../utf8.js";
import { checkHubFrame } from "../hub-frame.js";
import { decodeMsgpack } from "./decode.js";
import { encodeMsgpack } from "./encode.js";

/** A page of history as it goes out: records one behind the other, as they stand in the log. */
export interface MsgpackHistoryFrame extends Omit<HistoryFrame, "messages"> {
  readonly messages: Uint8Array;
}

/** A delivery as the client decodes it. */
export interface DecodedMessagesFrame extends MessagesFrame {
  /** Offset of the first record whose payload isn't what its publisher sent, where that was asked to be verified. The messages end before it, and `next` is it. */
  readonly damagedAt?: number;
}

export interface DecodeOptions {
  /** Makes a value of data that was published as JSON. `JSON.parse` by default. */
  readonly parseJson?: (text: string) => unknown;
  /** Whether the payload checks of a subscription's records are verified. Never by default. */
  readonly verify?: (subscription: number) => boolean;
}

/** A frame of the hub as a binary message; members that are undefined are left out. Deliveries are written by `writeDeliveryHead`. */
export function encodeMsgpackFrame(
  frame: Exclude<HubFrame, MessagesFrame | HistoryFrame> | MsgpackHistoryFrame,
): Uint8Array<ArrayBuffer> {
  return encodeMsgpack(frame);
}

/**
 * Understands a binary message of the hub. Data is decoded by content type; data that can't be becomes `{"$error":"…"}`, as JSON readers get it.
 *
 * @returns undefined for an operation that this version doesn't know: a client ignores it
 * @throws RingcastError `bad_frame` for what no hub of this version sends
 */
export function decodeMsgpackHubFrame(
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Exclude<HubFrame, MessagesFrame> | DecodedMessagesFrame | undefined {
  const frame = decodeTrustedHubFrame(bytes, options);
  return bytes[0] === BATCH_MARK ? frame : checkHubFrame(frame, frame);
}

/**
 * Like {@link decodeMsgpackHubFrame}, from a hub that is believed to send what this version knows: the members of control frames aren't judged, and what
 * judges them needn't be loaded.
 */
export function decodeTrustedHubFrame(
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Exclude<HubFrame, MessagesFrame> | DecodedMessagesFrame | undefined {
  if (bytes[0] === BATCH_MARK) return decodeDelivery(bytes, options);
  const frame = decodeMsgpack(bytes) as { messages?: unknown } | null;
  if (frame?.messages instanceof Uint8Array) {
    const records = new Records(frame.messages, 0);
    frame.messages = records.decode(options.parseJson);
  }
  return frame as unknown as Exclude<HubFrame, MessagesFrame>;
}

function decodeDelivery(bytes: Uint8Array, options: DecodeOptions): DecodedMessagesFrame | undefined {
  const head = readBatchHead(bytes);
  if (head === undefined) throw notUnderstood();
  if (head.kind !== BATCH_KIND.delivery) return undefined;
  const { number: subscription, topic, partition, name: epoch, position } = head;
  const records = new Records(bytes, head.recordsAt);
  if (records.count !== head.count || !isOffset(subscription) || !isOffset(position)) throw notUnderstood();
  const damagedAt = options.verify?.(subscription) === true ? records.findDamaged() : undefined;
  const messages = records.decode(options.parseJson);
  const next = damagedAt ?? position;
  const frame = { op: "messages", subscription, topic, partition, epoch, next, messages } as const;
  return damagedAt === undefined ? frame : { ...frame, damagedAt };
}

/** Records one behind the other, up to the end of the bytes. */
class Records {
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #from: number;
  #end: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#from = from;
    this.#end = bytes.length;
    this.count = countRecords(this.#view, from, bytes.length);
    if (this.count < 0) throw notUnderstood();
  }

  /** Offset of the first damaged record; it and what follows are left out from now on. */
  findDamaged(): number | undefined {
    for (let at = this.#from; at < this.#end; at += lengthOf(this.#view, at)) {
      if (isPayloadIntact(this.#view, at)) continue;
      this.#end = at;
      return offsetOf(this.#view, at);
    }
    return undefined;
  }

  decode(parseJson: (text: string) => unknown = JSON.parse): WireMessage[] {
    const messages: WireMessage[] = [];
    for (let at = this.#from; at < this.#end; at += lengthOf(this.#view, at)) {
      messages.push(decodeRecord(this.#bytes, this.#view, at, parseJson));
    }
    return messages;
  }
}

function decodeRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  parseJson: (text: string) => unknown,
): WireMessage {
  const headersAt = headersAtOf(view, at);
  const dataAt = dataAtOf(view, at);
  const message: { -readonly [Field in keyof WireMessage]: WireMessage[Field] } = {
    offset: offsetOf(view, at),
    timestamp: timestampOf(view, at),
    data: decodeData(contentTypeOf(view, at), bytes, view, dataAt, dataEndOf(view, at), parseJson),
  };
  // Set one by one: spread into a new object, a key cost 2 µs on Node 20.
  if (hasKey(view, at)) message.key = decodeUtf8(bytes, at + KEY_AT, headersAt);
  if (dataAt > headersAt) message.headers = Object.fromEntries(decodeHeaders(bytes, headersAt, dataAt) ?? []);
  return message;
}

function decodeData(
  contentType: number,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  to: number,
  parseJson: (text: string) => unknown,
): unknown {
  try {
    switch (contentType) {
      case CONTENT_TYPE.bytes:
        // A copy, so that one small message doesn't hold the frame; and never a Buffer of Node.
        return new Uint8Array(bytes.subarray(from, to));
      case CONTENT_TYPE.json:
        return parseJson(decodeUtf8(bytes, from, to));
      case CONTENT_TYPE.msgpack:
        return decodeMsgpack(bytes, from, to, view);
      case CONTENT_TYPE.text:
        return decodeUtf8(bytes, from, to);
      default:
        return { $error: `this data has content type ${contentType}, which this version does not know` };
    }
  } catch {
    // SyntaxError or bad_frame: the hub checks data at its door, so the bytes were damaged on the way.
    return { $error: `this data is not what its content type ${contentType} says` };
  }
}

function notUnderstood(): RingcastError {
  return new RingcastError("bad_frame", "The hub sent a batch of records that does not agree with its own lengths.");
}
