/**
 * How a connection writes what it says: the dialect that its handshake chose. Everything else of a session is the same in both.
 *
 * @see docs/protocol.md, "Connection"
 */
import {
  ByteWriter,
  decodeMsgpackRequest,
  decodeRequest,
  encodeFrame,
  encodeMsgpackFrame,
  jsonPublished,
  msgpackPublished,
  type DecodedRequest,
  type HistoryFrame,
  type HubFrame,
  type Limits,
  type MessagesFrame,
  type PublishedEncoder,
  type RequestId,
} from "@ringcast/protocol";
import type { Frame, HistoryPage } from "../hub/index.js";

/** What a session says by itself; deliveries are the hub's. */
export type ControlFrame = Exclude<HubFrame, MessagesFrame | HistoryFrame>;

export interface Dialect {
  /** Also how the hub writes deliveries and pages of history. */
  readonly name: "json" | "msgpack";
  /** Whether its frames are binary messages. */
  readonly isBinary: boolean;
  /** What a handshake offers to choose it. */
  readonly subprotocol: string;
  /** Understands a message. Bytes in the request are slices of `bytes`. */
  decode(bytes: Uint8Array, isBinary: boolean, limits: Limits): DecodedRequest;
  encode(frame: ControlFrame): Frame;
  /** Writes what {@link encode} would of the usual replies to publishes. */
  readonly published: PublishedEncoder;
  /** The answer to `history`; `page` was made for {@link name}. */
  encodeHistory(id: RequestId, page: HistoryPage): Frame;
}

export const JSON_DIALECT: Dialect = {
  name: "json",
  isBinary: false,
  subprotocol: "ringcast.v1.json",
  decode: (bytes, isBinary, limits) =>
    isBinary ? wrongKind("Send text messages in the JSON dialect, not binary ones.") : decodeRequest(bytes, limits),
  encode: (frame) => textFrame(encodeFrame(frame)),
  published: jsonPublished,
  encodeHistory: (id, page) => textFrame(jsonHistory(id, page)),
};

const MSGPACK_DIALECT: Dialect = {
  name: "msgpack",
  isBinary: true,
  subprotocol: "ringcast.v1.msgpack",
  decode: (bytes, isBinary, limits) =>
    isBinary
      ? decodeMsgpackRequest(bytes, limits)
      : wrongKind("Send binary messages in the msgpack dialect, not text ones."),
  encode: (frame) => binaryFrame(encodeMsgpackFrame(frame)),
  published: msgpackPublished,
  encodeHistory: (id, page) =>
    binaryFrame(encodeMsgpackFrame({ op: "history", id, messages: page.messages, ...restOf(page) })),
};

/** All that a handshake may choose from. */
export const DIALECTS: readonly Dialect[] = [JSON_DIALECT, MSGPACK_DIALECT];

/** The messages are JSON already and stay bytes. */
function jsonHistory(id: RequestId, page: HistoryPage): Uint8Array {
  const writer = new ByteWriter(page.messages.length + 512);
  writer.text('{"op":"history","id":');
  writer.json(id);
  writer.text(',"messages":');
  writer.copy(page.messages);
  writer.text(`,${JSON.stringify(restOf(page)).slice(1)}`);
  return writer.take();
}

function restOf({ partition, next, head, tail, gap }: HistoryPage): Omit<HistoryFrame, "op" | "id" | "messages"> {
  return { partition, next, head, tail, ...(gap === undefined ? {} : { gap }) };
}

/** Bytes of the heap as a text frame. */
function textFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: false, volatile: false };
}

function binaryFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: true, volatile: false };
}

function wrongKind(message: string): DecodedRequest {
  return { ok: false, op: undefined, error: { op: "error", code: "bad_frame", message }, closeCode: 1008 };
}
