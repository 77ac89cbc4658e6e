/** The JSON dialect: text frames that any tool can show, and the smallest SDK. */
import type { HubFrame } from "@ringcast/protocol";
import { fromJsonText, mayHoldBytes, toJsonText } from "./bytes-in-json.js";
import type { Codec } from "./codec.js";

/**
 * The JSON dialect. A Uint8Array anywhere in the data travels as `{"$bytes":"<base64>"}` and comes out as a Uint8Array.
 */
export const jsonCodec: Codec = {
  subprotocol: "ringcast.v1.json",
  encodeBody: toJsonText,
  // Joined as text: the body is encoded once, however often it is sent. Data that JSON leaves out leaves it `{}`; the
  // hub refuses that.
  encode: (operation, body = "") =>
    JSON.stringify(operation).slice(0, -1) + (body.length > 2 ? `,${(body as string).slice(1)}` : "}"),
  decode: (frame) => {
    const text = frame as string;
    const decoded = JSON.parse(text) as HubFrame;
    if (mayHoldBytes(text)) {
      const { messages = [] } = decoded as { readonly messages?: { data: unknown }[] };
      // Each alone: a header or key that looks like bytes stays as it is.
      for (const message of messages) message.data = fromJsonText(JSON.stringify(message.data));
    }
    return decoded;
  },
};
