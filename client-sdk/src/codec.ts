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

/** The JSON dialect. A Uint8Array anywhere in the data travels as `{"$bytes":"<base64>"}` and comes out as a Uint8Array. */
export const jsonCodec: Codec = {
  subprotocol: "ringcast.v1.json",
  encodeBody: (fields) => JSON.stringify(packBytes(fields)),
  // Joined as text: the body is encoded once, however often it is sent.
  encode: (operation, body) => {
    const text = JSON.stringify(operation);
    return body === undefined ? text : `${text.slice(0, -1)},${(body as string).slice(1)}`;
  },
  decode: (frame) => {
    const text = frame as string;
    const decoded = JSON.parse(text) as HubFrame;
    // Walking through the data is only needed where the mark is somewhere in the text.
    if ("messages" in decoded && text.includes(`"${BYTES}"`)) {
      for (const message of decoded.messages as { -readonly [Field in keyof WireMessage]: WireMessage[Field] }[])
        message.data = unpackBytes(message.data);
    }
    return decoded;
  },
};

/** The value itself where there are no bytes in it, otherwise a copy that JSON can hold. */
function packBytes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { [BYTES]: toBase64(value) };
  // A Date, for example, knows itself what it is in JSON.
  if ("toJSON" in value) return value;
  const entries = Object.entries(value).map(([key, each]: [string, unknown]) => [key, packBytes(each), each] as const);
  if (entries.every(([, packed, each]) => packed === each)) return value;
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}

/** Puts bytes where their texts are, in place. */
function unpackBytes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object);
  const text = object[BYTES];
  if (keys.length === 1 && typeof text === "string") return fromBase64(text) ?? value;
  // JSON.parse makes "__proto__" a property like any other, so this can't reach a prototype.
  for (const key of keys) object[key] = unpackBytes(object[key]);
  return value;
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    // InvalidCharacterError: an object that only looks like bytes; left as it came.
    return undefined;
  }
}
