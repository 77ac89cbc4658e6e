import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  CONTENT_TYPE,
  FLAG_MORE,
  KEY_AT,
  NO_PRODUCER,
  RecordRun,
  addProducerPart,
  checkRecord,
  contentTypeOf,
  crc32,
  dataAtOf,
  dataEndOf,
  decodeHeaders,
  digestOf,
  encodeHeaders,
  encodeProducerPart,
  encodeRecords,
  hasKey,
  hasMore,
  headersAtOf,
  hubCheckSeed,
  isHubPartIntact,
  isPayloadIntact,
  offsetOf,
  readProducerPart,
  recordSize,
  skipMsgpack,
  stampRecord,
  timestampOf,
  writeMessage,
  writePayload,
  writeRecord,
} from "@ringcast/protocol";
import type { NewMessage, ProducerPart, RecordStamp } from "@ringcast/protocol";

const well = fc.string({ unit: "grapheme" });
const u53 = fc.oneof(fc.nat(), fc.maxSafeNat());

const message: fc.Arbitrary<NewMessage> = fc.record({
  contentType: fc.constantFrom(...Object.values(CONTENT_TYPE)),
  data: fc.uint8Array({ maxLength: 300 }),
  key: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
  headers: fc
    .dictionary(
      fc.stringMatching(/^[a-z]{1,9}$/).filter((name) => !name.startsWith("ringcast-")),
      well,
      { maxKeys: 4 },
    )
    .map((headers) => encodeHeaders(headers)),
});

const producer: fc.Arbitrary<ProducerPart | undefined> = fc.option(
  fc.record({ id: well.filter((id) => id !== ""), sequence: u53, count: fc.nat(), digest: fc.nat(0xffff_ffff) }),
  { nil: undefined },
);

interface Written {
  bytes: Uint8Array;
  view: DataView;
  at: number;
  length: number;
  stamp: RecordStamp;
}

const place = fc.record({ offset: u53, timestamp: u53, isMore: fc.boolean(), address: u53.map((n) => n - (n % 8)) });

function write(
  given: NewMessage,
  part: ProducerPart | undefined,
  where: { offset: number; timestamp: number; isMore: boolean; address: number },
): Written {
  const stamp: RecordStamp = {
    offset: where.offset,
    timestamp: where.timestamp,
    flags: where.isMore ? FLAG_MORE : 0,
    seed: hubCheckSeed("epoch", 3),
    address: where.address,
    producer: part === undefined ? NO_PRODUCER : encodeProducerPart(part, part.count),
  };
  const at = 8;
  // Neither zero nor constant, so that what isn't written shows.
  const bytes = Uint8Array.from({ length: recordSize(given, stamp.producer.length) + 24 }, (_, i) => 255 - (i % 7));
  const view = new DataView(bytes.buffer);
  return { bytes, view, at, length: writeRecord(bytes, view, at, given, stamp), stamp };
}

describe("a record", () => {
  it("gives back everything that was written", () => {
    fc.assert(
      fc.property(message, producer, place, (given, part, where) => {
        const { bytes, view, at, length, stamp } = write(given, part, where);
        expect(length).toBe(recordSize(given, stamp.producer.length));
        expect(checkRecord(view, at, bytes.length)).toBe(length);
        expect(isPayloadIntact(view, at)).toBe(true);
        expect(isHubPartIntact(view, at, stamp.seed, stamp.address)).toBe(true);
        expect(offsetOf(view, at)).toBe(where.offset);
        expect(timestampOf(view, at)).toBe(where.timestamp);
        expect(hasMore(view, at)).toBe(where.isMore);
        expect(contentTypeOf(view, at)).toBe(given.contentType);
        expect(hasKey(view, at)).toBe(given.key !== undefined);
        expect(bytes.subarray(at + KEY_AT, headersAtOf(view, at))).toEqual(given.key ?? new Uint8Array(0));
        expect(bytes.subarray(headersAtOf(view, at), dataAtOf(view, at))).toEqual(given.headers);
        expect(bytes.subarray(dataAtOf(view, at), dataEndOf(view, at))).toEqual(given.data);
        expect(readProducerPart(bytes, view, at)).toEqual(part);
      }),
    );
  });

  it("is the same where its publisher laid it out and the hub adds its part", () => {
    fc.assert(
      fc.property(message, producer, place, (given, part, where) => {
        const { bytes, at, length, stamp } = write(given, part, where);
        const other = new Uint8Array(bytes.length);
        const view = new DataView(other.buffer);
        writePayload(other, view, at, given, NO_PRODUCER);
        if (part !== undefined) addProducerPart(other, view, at, stamp.producer);
        expect(stampRecord(view, at, stamp)).toBe(length);
        expect(other.subarray(at, at + length)).toEqual(bytes.subarray(at, at + length));
      }),
    );
  });

  it("has the digest of the message that it was made of", () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(9), { nil: undefined }),
        (messages, partition) => {
          const records = encodeRecords(messages, 16);
          const run = new RecordRun(records, new DataView(records.buffer), { at: 16, count: messages.length });
          expect(digestOf(run, partition)).toBe(digestOf(messages, partition));
        },
      ),
    );
  });

  it("leaves the bytes around it alone", () => {
    fc.assert(
      fc.property(message, producer, place, (given, part, where) => {
        const { bytes, at, length } = write(given, part, where);
        const around = [...bytes.subarray(0, at), ...bytes.subarray(at + length)];
        expect(around).toEqual([...bytes.keys()].filter((i) => i < at || i >= at + length).map((i) => 255 - (i % 7)));
      }),
    );
  });

  it("is not believed with one bit changed, except in its padding", () => {
    fc.assert(
      fc.property(message, producer, place, fc.nat(), (given, part, where, bit) => {
        const { bytes, view, at, stamp } = write(given, part, where);
        const end = dataEndOf(view, at) + stamp.producer.length;
        const changed = at + ((bit >>> 3) % (end - at));
        bytes[changed] = (bytes[changed] as number) ^ (1 << (bit & 7));
        const isBelieved =
          checkRecord(view, at, bytes.length) !== 0 &&
          isPayloadIntact(view, at) &&
          isHubPartIntact(view, at, stamp.seed, stamp.address);
        expect(isBelieved).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is not believed at another address, in another epoch or partition", () => {
    fc.assert(
      fc.property(message, place, u53, (given, where, other) => {
        const { view, at, stamp } = write(given, undefined, where);
        const elsewhere = other - (other % 8);
        fc.pre(elsewhere !== stamp.address);
        expect(isHubPartIntact(view, at, stamp.seed, elsewhere)).toBe(false);
        expect(isHubPartIntact(view, at, hubCheckSeed("epoch", 4), stamp.address)).toBe(false);
        expect(isHubPartIntact(view, at, hubCheckSeed("epoch2", 3), stamp.address)).toBe(false);
      }),
    );
  });

  it("is found inside its bounds or not at all, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 120 }), fc.nat(0xff), (bytes, length) => {
        const view = new DataView(bytes.buffer);
        view.setUint32(4, length, true);
        const found = checkRecord(view, 0, bytes.length);
        expect(found).toBeLessThanOrEqual(bytes.length);
        if (found === 0 || (length & 7) === 1) return;
        expect(dataEndOf(view, 0)).toBeLessThanOrEqual(found);
        isPayloadIntact(view, 0);
        isHubPartIntact(view, 0, 1, 8);
        readProducerPart(bytes, view, 0);
        decodeHeaders(bytes, headersAtOf(view, 0), dataAtOf(view, 0));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a record for JSON readers", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  function shown(given: NewMessage): Record<string, unknown> {
    const { bytes, view, at } = write(given, undefined, { offset: 1, timestamp: 2, isMore: false, address: 0 });
    const writer = new ByteWriter(1);
    writeMessage(writer, bytes, view, at);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(writer.take())) as Record<string, unknown>;
  }

  it("is JSON whatever the bytes of text, key and data", () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: "binary" }).map((s) => new TextEncoder().encode(s)),
    );
    fc.assert(
      fc.property(text, text, fc.constantFrom(0, 2, 3, 9), (data, key, contentType) => {
        const value = shown({ contentType, data, key, headers: new Uint8Array(0) });
        expect(value["key"]).toBe(decoder.decode(key));
        if (contentType === CONTENT_TYPE.text) expect(value["data"]).toBe(decoder.decode(data));
        else if (contentType === CONTENT_TYPE.bytes) {
          expect(value["data"]).toEqual({ $bytes: Buffer.from(data).toString("base64") });
        } else if (contentType === CONTENT_TYPE.msgpack) {
          if (skipMsgpack(data, 0, data.length) !== data.length) expect(value["data"]).toHaveProperty("$error");
        } else expect(value["data"]).toHaveProperty("$error");
      }),
      { numRuns: 1_000 },
    );
  });

  it("has the headers that were given", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("a", "ü", "__proto__", 'q"'), well), (headers) => {
        const block = encodeHeaders(headers);
        expect(Object.fromEntries(decodeHeaders(block) ?? [])).toEqual(headers);
        const value = shown({ contentType: 1, data: new TextEncoder().encode("0"), key: undefined, headers: block });
        expect(Object.entries((value["headers"] as object | undefined) ?? {})).toEqual(Object.entries(headers));
      }),
    );
  });

  it("ends quietly at a header block that is broken", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (headers) => {
        expect(shown({ contentType: 1, data: new TextEncoder().encode("0"), key: undefined, headers })["data"]).toBe(0);
      }),
    );
  });
});

describe("crc32", () => {
  it("equals zlib's at any place, length and seed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(20),
        fc.nat(0xffff_ffff),
        (bytes, from, seed) => {
          // Not empty: there zlib forgets its seed.
          const at = Math.min(from, bytes.length - 1);
          expect(crc32(new DataView(bytes.buffer), at, bytes.length, seed)).toBe(zlibCrc32(bytes.subarray(at), seed));
        },
      ),
    );
  });
});
