/**
 * How a connection writes what it says: the dialect that its handshake chose. Everything else of a session is the same in both.
 *
 * @see docs/protocol.md, "Connection"
 */
import {
  ByteWriter,
  decodeRequest,
  encodeFrame,
  type DecodedRequest,
  type HubFrame,
  type Limits,
  type RequestId,
} from "@ringcast/protocol";
import type { Frame, HistoryPage } from "../hub/index.js";

export interface Dialect {
  /** Also how the hub writes deliveries and pages of history. */
  readonly name: "json" | "msgpack";
  /** What a handshake offers to choose it. */
  readonly subprotocol: string;
  /** Understands a message. Bytes in the request are slices of `bytes`. */
  decode(bytes: Uint8Array, isBinary: boolean, limits: Limits): DecodedRequest;
  encode(frame: HubFrame): Frame;
  /** The answer to `history`; `page` was made for {@link name}. */
  encodeHistory(id: RequestId, page: HistoryPage): Frame;
}

export const JSON_DIALECT: Dialect = {
  name: "json",
  subprotocol: "ringcast.v1.json",
  decode: (bytes, isBinary, limits) =>
    isBinary ? wrongKind("Send text messages in the JSON dialect, not binary ones.") : decodeRequest(bytes, limits),
  encode: (frame) => textFrame(encodeFrame(frame)),
  encodeHistory,
};

/** In the order of preference where a client has none. */
export const DIALECTS: readonly Dialect[] = [JSON_DIALECT];

/** The messages are JSON already and stay bytes. */
function encodeHistory(id: RequestId, page: HistoryPage): Frame {
  const { messages, partition, next, head, tail, gap } = page;
  const writer = new ByteWriter(messages.length + 512);
  writer.text('{"op":"history","id":');
  writer.json(id);
  writer.text(',"messages":');
  writer.copy(messages);
  const rest = JSON.stringify({ partition, next, head, tail, ...(gap === undefined ? {} : { gap }) });
  writer.text(`,${rest.slice(1)}`);
  return textFrame(writer.take());
}

/** Bytes of the heap as a text frame. */
function textFrame(bytes: Uint8Array): Frame {
  return { bytes, binary: false, volatile: false };
}

function wrongKind(message: string): DecodedRequest {
  return { ok: false, op: undefined, error: { op: "error", code: "bad_frame", message }, closeCode: 1008 };
}
