/**
 * The binary dialect of those who trust no byte: each record is compared with the check that its publisher made. What
 * came damaged is never handed out. The connection is made anew, every subscription goes on where it was, and the hub
 * is asked to look at each record before it sends it, so that what is damaged on its disk becomes a gap.
 */
import { decodeTrustedHubFrame, RingcastError, type DecodedMessagesFrame, type HubFrame } from "@ringcast/protocol";
import type { Codec } from "./codec.js";
import { msgpackCodec, parseJson } from "./msgpack-codec.js";

/** So often in a row the same place may come damaged. */
const MAX_DAMAGES = 3;

/** One for each hub object: it remembers what came damaged. */
export function createVerifyingCodec(): Codec {
  /** Damaged frames since the last good one, by partition and topic. */
  const damages = new Map<string, number>();

  const judge = (frame: HubFrame | undefined): HubFrame | undefined => {
    if (frame?.op !== "messages") return frame;
    const { topic, partition, subscription } = frame;
    const place = `${partition}.${topic}`;
    const { damagedAt: offset } = frame as DecodedMessagesFrame;
    if (offset === undefined) {
      damages.delete(place);
      return frame;
    }
    const count = (damages.get(place) ?? 0) + 1;
    damages.set(place, count);
    // Its reason becomes the code of the error that the loop ends with.
    if (count >= MAX_DAMAGES) return { op: "unsubscribed", subscription, reason: "bad_frame" };
    throw new RingcastError("bad_frame", `Record ${offset} of ${topic}/${partition} came damaged: it is read again.`, {
      topic,
      partition,
      offset,
    });
  };

  return {
    ...msgpackCodec,
    encode: (operation, body) => {
      const verify = operation.op === "subscribe" && damages.size > 0;
      return msgpackCodec.encode(verify ? { ...operation, verify } : operation, body);
    },
    decode: (frame) => judge(decodeTrustedHubFrame(frame as Uint8Array, { parseJson, verify: () => true })),
  };
}
