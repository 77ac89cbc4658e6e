import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeFrame,
  encodeMsgpackFrame,
  encodeUtf8,
  jsonPublished,
  jsonPublishedBody,
  msgpackPublished,
} from "../../../protocol/src/index.js";

const NUMBER = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(70_000),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
);
const REPLY = fc.record({
  topic: fc.constantFrom("orders", "a.b", "größe", "t".repeat(40)),
  partition: fc.nat(3),
  epoch: fc.constantFrom("AAAAAAAAAAAA", 'quote"\\'),
  id: NUMBER,
  first: NUMBER,
  count: NUMBER,
  timestamp: NUMBER,
});

function encodeJson(value: object): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}

describe("replies to publishes that are written without an object", () => {
  it("are the bytes of the frames, whatever was written before", () => {
    fc.assert(
      fc.property(fc.array(REPLY, { maxLength: 30 }), (replies) => {
        for (const { topic, partition, epoch, id, first, count, timestamp } of replies) {
          const range = { partition, epoch, first, count };
          const singleBody = { topic, partition, epoch, offset: first, timestamp };
          const batchBody = { topic, timestamp, offsets: [range] };
          const single = { op: "published", id, ...singleBody } as const;
          const batch = { op: "published", id, ...batchBody } as const;
          expect(jsonPublished.single(id, topic, range, timestamp)).toEqual(encodeFrame(single));
          expect(jsonPublished.batch(id, topic, range, timestamp)).toEqual(encodeFrame(batch));
          expect(jsonPublishedBody.single(undefined, topic, range, timestamp)).toEqual(encodeJson(singleBody));
          expect(jsonPublishedBody.batch(undefined, topic, range, timestamp)).toEqual(encodeJson(batchBody));
          expect(msgpackPublished.single(id, topic, range, timestamp)).toEqual(encodeMsgpackFrame(single));
          expect(msgpackPublished.batch(id, topic, range, timestamp)).toEqual(encodeMsgpackFrame(batch));
        }
      }),
    );
  });
});
