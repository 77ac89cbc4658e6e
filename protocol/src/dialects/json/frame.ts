/**
 * Control frames of the JSON dialect: the hub's way out, the client's way in. (Delivery frames go out through message.ts.)
 *
 * @see docs/protocol.md, "Operations"
 */
import { RingcastError, shown } from "../../errors.js";
import type { HubFrame } from "../../operations.js";
import { encodeUtf8 } from "../../utf8.js";
import { checkHubFrame } from "../hub-frame.js";

/** A frame of the hub as the bytes of a text message. */
export function encodeFrame(frame: HubFrame): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify(frame));
}

/**
 * Understands a text message of the hub.
 *
 * @returns undefined for an operation that this version doesn't know: a client ignores it
 * @throws RingcastError `bad_frame` for what no hub of this version sends
 */
export function decodeHubFrame(text: string): HubFrame | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch (cause) {
    throw new RingcastError("bad_frame", `The hub sent ${shown(text)}, which is not JSON.`, {}, { cause });
  }
  return checkHubFrame(frame, text);
}
