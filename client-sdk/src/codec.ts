/**
 * The codec turns operations into frames and frames into operations; which one is used is an option of `connect`.
 */
import type { HubFrame, WireMessage } from "@ringcast/protocol";
import type { FrameData } from "./transport/port.js";

/** A request as the SDK makes it: the fields of the wire contract, without what the user published. */
export interface Operation {
  readonly op: string;
  readonly [field: string]: unknown;
}

export interface Codec {
  /** Subprotocol to offer, e.g. `ringcast.v1.json`. */
  readonly subprotocol: string;
  /**
   * Encodes the fields of a publish that the user gave: `data`, `key`, `headers`, or `messages`. Done at once, so that the user may
   * change the objects while the publish waits, and so that a repeated publish has the same bytes.
   */
  encodeBody(fields: object): FrameData;
  /** A whole request; `body` is what {@link encodeBody} returned. */
  encode(operation: Operation, body?: FrameData): FrameData;
  /**
   * The operation in a frame of the hub.
   * @throws where it can't be understood; the connection is then made anew
   */
  decode(frame: FrameData): HubFrame;
}

const BYTES = "$bytes";
/** What a Uint8Array or Buffer looks like in JSON, among others: only then is the slow way taken. */
const MAY_HOLD_BYTES = /\{(\}|"0":|"type":"Buffer")/;

/** The JSON dialect. A Uint8Array anywhere in the data travels as `{"$bytes":"<base64>"}` and comes out as a Uint8Array. */
export const jsonCodec: Codec = {
  subprotocol: "ringcast.v1.json",
  encodeBody: (fields) => {
    const text = JSON.stringify(fields);
    return MAY_HOLD_BYTES.test(text) ? JSON.stringify(fields, packBytes) : text;
  },
  // Joined as text: the body is encoded once, however often it is sent.
  encode: (operation, body) => {
    const text = JSON.stringify(operation);
    return body === undefined ? text : `${text.slice(0, -1)},${(body as string).slice(1)}`;
  },
  decode: (frame) => {
    const text = frame as string;
    const decoded = JSON.parse(text) as HubFrame;
    if (!("messages" in decoded) || !text.includes(`{"${BYTES}"`)) return decoded;
    for (const message of decoded.messages as { -readonly [Field in keyof WireMessage]: WireMessage[Field] }[]) {
      message.data = JSON.parse(JSON.stringify(message.data), unpackBytes);
    }
    return decoded;
  },
};

/** Replaces bytes on their way into JSON. A Buffer of Node has turned itself into something else by then, so the value is taken from its holder. */
function packBytes(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const bytes = this[key];
  if (!(bytes instanceof Uint8Array)) return value;
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { [BYTES]: btoa(text) };
}

/** Puts bytes where their texts are. */
function unpackBytes(_key: string, value: unknown): unknown {
  const text = (value as Record<string, unknown> | null)?.[BYTES];
  if (typeof text !== "string" || Object.keys(value as object).length > 1) return value;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    // InvalidCharacterError: an object that only looks like bytes; left as it came.
    return value;
  }
}
