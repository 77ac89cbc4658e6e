import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  CONTENT_TYPE,
  DEFAULT_LIMITS,
  NO_HEADERS,
  NO_PRODUCER,
  amendDeliveryHead,
  decodeMsgpackHubFrame,
  decodeMsgpackRequest,
  encodeHeaders,
  encodeMsgpack,
  encodePublishFrame,
  encodeRecords,
  readBatchHead,
  recordSize,
  writeDeliveryHead,
  writeRecord,
} from "@ringcast/protocol";
import type { MessagesFrame, NewMessage, PublishHead } from "@ringcast/protocol";
import { asked } from "../../support/asked.js";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = fc.string({ unit: "grapheme", maxLength: 20 });

/** A message and the value that its data stands for. */
const sent = fc.oneof(
  fc.jsonValue().map((value) => ({ contentType: CONTENT_TYPE.json, data: utf8(JSON.stringify(value)) })),
  fc.jsonValue().map((value) => ({ contentType: CONTENT_TYPE.msgpack, data: encodeMsgpack(value) })),
  fc.uint8Array({ maxLength: 40 }).map((data) => ({ contentType: CONTENT_TYPE.bytes, data })),
  text.map((value) => ({ contentType: CONTENT_TYPE.text, data: utf8(value) })),
);
const message: fc.Arbitrary<NewMessage> = fc
  .tuple(sent, fc.option(text, { nil: undefined }), fc.dictionary(fc.constantFrom("a", "b", "ü"), text, { maxKeys: 3 }))
  .map(([data, key, headers]) => ({
    ...data,
    key: key === undefined ? undefined : utf8(key),
    headers: Object.keys(headers).length === 0 ? NO_HEADERS : encodeHeaders(headers),
  }));

const head = fc.record({
  id: fc.maxSafeNat(),
  topic: fc.constantFrom("t", "orders.eu.new", "größe"),
  partition: fc.option(fc.nat(1_023), { nil: undefined }),
  producer: fc.option(fc.record({ id: fc.constantFrom("p", "é"), sequence: fc.maxSafeNat() }), { nil: undefined }),
  durability: fc.constantFrom("stored" as const, "synced" as const, undefined),
});

const publish = fc
  .tuple(head, fc.array(message, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([fields, messages, isBatch]) => {
    const whole: PublishHead = { ...fields, batch: isBatch || messages.length > 1, count: messages.length };
    return { head: whole, messages, frame: encodePublishFrame(whole, encodeRecords(messages)) };
  });

describe("publish frames", () => {
  it("give back everything that was asked", () => {
    fc.assert(
      fc.property(publish, ({ head: { count, ...fields }, messages, frame }) => {
        expect(count).toBe(messages.length);
        const outcome = asked(decodeMsgpackRequest(frame, DEFAULT_LIMITS));
        const checked = messages.map((given) => ({ ...given, check: expect.any(Number) as number }));
        expect(outcome).toEqual({ ok: true, request: { op: "publish", ...fields, messages: checked } });
      }),
      { numRuns: 300 },
    );
  });

  it("bring checks that are stored as the log would have made them", () => {
    fc.assert(
      fc.property(message, (given) => {
        const frame = encodePublishFrame(
          { ...{ id: 1, topic: "t", batch: false, count: 1 }, ...NO_OPTIONS },
          encodeRecords([given]),
        );
        const outcome = decodeMsgpackRequest(frame, DEFAULT_LIMITS);
        if (!outcome.ok || outcome.request.op !== "publish") throw new Error("refused");
        expect(stored(outcome.request.messages[0]!, 3)).toEqual(stored(given, 3));
      }),
    );
  });

  it("are refused with one bit changed anywhere in a record, its padding aside", () => {
    fc.assert(
      fc.property(publish, fc.nat(), ({ frame, messages, head: { count } }, bit) => {
        fc.pre(count === 1);
        const recordsAt = readBatchHead(frame)!.recordsAt;
        const [only] = messages as [NewMessage];
        const used = 48 + (only.key?.length ?? 0) + only.headers.length + only.data.length;
        const changed = recordsAt + ((bit >>> 3) % used);
        frame[changed] = (frame[changed] as number) ^ (1 << (bit & 7));
        expect(decodeMsgpackRequest(frame, DEFAULT_LIMITS).ok).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it("are decoded or refused whatever was done to them, and nothing is thrown", () => {
    const edit = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(publish, fc.array(edit, { maxLength: 6 }), fc.nat(), ({ frame }, edits, cut) => {
        for (const [place, byte] of edits) frame[1 + (place % (frame.length - 1))] = byte;
        for (const bytes of [frame, frame.subarray(0, 1 + (cut % frame.length))]) {
          const outcome = decodeMsgpackRequest(bytes, DEFAULT_LIMITS);
          expect(outcome.ok || typeof outcome.error.code === "string").toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const NO_OPTIONS = { partition: undefined, producer: undefined, durability: undefined };

function stored(given: NewMessage, offset: number): Uint8Array {
  const bytes = new Uint8Array(recordSize(given));
  const stamp = { offset, timestamp: 1_763_600_000_000, flags: 0, seed: 1, address: 64, producer: NO_PRODUCER };
  writeRecord(bytes, new DataView(bytes.buffer), 0, given, stamp);
  return bytes;
}

describe("delivery frames", () => {
  const place = fc.record({
    subscription: fc.maxSafeNat(),
    topic: fc.constantFrom("t", "orders.eu.new", "größe"),
    partition: fc.nat(1_023),
    epoch: fc.constantFrom("k", "k7QxB2fQ"),
  });

  function delivery(
    where: { subscription: number; topic: string; partition: number; epoch: string },
    messages: readonly NewMessage[],
  ) {
    const writer = new ByteWriter(1);
    writeDeliveryHead(writer, { ...where, next: 7, count: 0 });
    messages.forEach((given, i) => writer.copy(stored(given, i + 3)));
    amendDeliveryHead(writer, 0, messages.length + 3, messages.length);
    return writer.take();
  }

  it("give back where they belong and what was published", () => {
    fc.assert(
      fc.property(place, fc.array(message, { maxLength: 5 }), (where, messages) => {
        const frame = decodeMsgpackHubFrame(delivery(where, messages), { verify: () => true });
        expect(frame).toMatchObject({ op: "messages", ...where, next: messages.length + 3 });
        expect(frame).not.toHaveProperty("damagedAt");
        const got = (frame as MessagesFrame).messages;
        expect(got.map(({ offset }) => offset)).toEqual(messages.map((_, i) => i + 3));
        const keys = messages.map(({ key }) => (key === undefined ? undefined : new TextDecoder().decode(key)));
        expect(got.map(({ key }) => key)).toEqual(keys);
      }),
    );
  });

  it("end before the record that was damaged, where that is asked", () => {
    fc.assert(
      fc.property(place, fc.array(message, { minLength: 1, maxLength: 5 }), fc.nat(), (where, messages, which) => {
        const frame = delivery(where, messages);
        const damaged = which % messages.length;
        const before = messages.slice(0, damaged).reduce((sum, given) => sum + recordSize(given), 0);
        const checkAt = readBatchHead(frame)!.recordsAt + before + 32;
        frame[checkAt] = (frame[checkAt] as number) ^ 1;
        expect(decodeMsgpackHubFrame(frame, { verify: () => true })).toMatchObject({
          damagedAt: damaged + 3,
          next: damaged + 3,
          messages: { length: damaged },
        });
        expect(decodeMsgpackHubFrame(frame)).toMatchObject({ messages: { length: messages.length } });
      }),
    );
  });
});
