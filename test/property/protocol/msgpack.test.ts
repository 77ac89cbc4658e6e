import fc from "fast-check";
import { Packr, Unpackr } from "msgpackr";
import { describe, expect, it } from "vitest";
import {
  ByteWriter,
  DEFAULT_LIMITS,
  RingcastError,
  decodeMsgpack,
  decodeMsgpackRequest,
  decodeRequest,
  encodeMsgpack,
  skipMsgpack,
  wasForeign,
  wasTooDeep,
  writeMsgpackAsJson,
} from "@ringcast/protocol";

/** Somebody else's msgpack, as the judge of ours. Its types don't know "auto": a bigint only where it must be. */
const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "auto" as "bigint" });

const date = fc.date({ noInvalidDate: true });
const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: "grapheme", maxLength: 50 });
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.constantFrom(-0, NaN, Infinity, 2 ** 53));
const name = fc.oneof(fc.constantFrom("a", "name", "constructor", "toString"), text).filter((n) => n !== "__proto__");

/** Everything that data may hold in the binary dialect. */
const valueWith = (numbers: fc.Arbitrary<number>) =>
  fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      numbers,
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((n) => n > 2n ** 53n || n < -(2n ** 53n)),
      text,
      bytes,
      date,
      fc.array(tie("any"), { maxLength: 20 }),
      fc.dictionary(name, tie("any"), { maxKeys: 20 }),
    ),
  })).any;

const value = valueWith(number);
/** The library of the others drops the sign of zero. */
const common = valueWith(number.map((n) => (n === 0 ? 0 : n)));

function asJson(encoded: Uint8Array): string {
  const writer = new ByteWriter(1);
  expect(writeMsgpackAsJson(writer, encoded, 0, encoded.length)).toBe(true);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(writer.take());
}

/** Bytes that are nearly msgpack: some changed, cut off or doubled. */
const nearlyMsgpack = fc
  .tuple(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), fc.boolean())
  .map(([whole, changes, cut, isCut]) => {
    const encoded = encodeMsgpack(whole);
    for (const [place, byte] of changes) encoded[place % encoded.length] = byte;
    return isCut ? encoded.subarray(0, cut % (encoded.length + 1)) : encoded;
  });

describe("msgpack", () => {
  it("comes back as it went", () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(decodeMsgpack(encodeMsgpack(given))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it("is what others understand", () => {
    fc.assert(
      fc.property(common, (given) => {
        const understood: unknown = unpackr.unpack(Buffer.from(encodeMsgpack(given)));
        // A Buffer equals no Uint8Array.
        expect(decodeMsgpack(packr.pack(understood))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it("is understood as others write it", () => {
    fc.assert(
      fc.property(common, (given) => {
        const encoded = packr.pack(given);
        expect(skipMsgpack(encoded, 0, encoded.length)).toBe(encoded.length);
        expect([wasTooDeep(), wasForeign()]).toEqual([false, false]);
        expect(decodeMsgpack(encoded)).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it("is judged alike by all that read it, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), nearlyMsgpack), (given) => {
        const isGood = skipMsgpack(given, 0, given.length) === given.length && !wasTooDeep() && !wasForeign();
        const writer = new ByteWriter(1);
        expect(writeMsgpackAsJson(writer, given, 0, given.length)).toBe(isGood);
        if (isGood) {
          JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(writer.take()));
          decodeMsgpack(given);
        } else {
          expect(writer.length).toBe(0);
          expect(() => decodeMsgpack(given)).toThrow(RingcastError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it("is read inside of its bounds alone", () => {
    fc.assert(
      fc.property(value, bytes, bytes, (given, before, after) => {
        const encoded = encodeMsgpack(given);
        const around = Uint8Array.from([...before, ...encoded, ...after]);
        const [from, to] = [before.length, before.length + encoded.length];
        expect(skipMsgpack(around, from, around.length)).toBe(to);
        expect(skipMsgpack(around, from, to - 1)).toBe(-1);
        expect(decodeMsgpack(around, from, to)).toEqual(given);
      }),
    );
  });
});

describe("the two dialects", () => {
  /** What JSON.stringify takes without a word, with all that it leaves out or asks. */
  const jsonLike = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, undefined, () => 1, Symbol("s"), new Date(NaN), new Map([[1, 2]])),
      number,
      text,
      date,
      fc.constantFrom<unknown>(new Number(3), new String("x"), new Boolean(false), {
        toJSON: (key: string) => `<${key}>`,
      }),
      fc.array(tie("any"), { maxLength: 20 }),
      fc.dictionary(fc.oneof(name, fc.constant("__proto__")), tie("any"), { maxKeys: 20 }),
    ),
  })).any;

  it("make the same JSON of the same data", () => {
    fc.assert(
      fc.property(jsonLike, (data) => {
        const direct = JSON.stringify({ data });
        const through = asJson(encodeMsgpack({ data }));
        // Only the sign of zero survives in msgpack alone.
        expect(JSON.stringify(JSON.parse(through))).toBe(JSON.stringify(JSON.parse(direct)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("show the same name for a key that isn't a string", () => {
    const scalar = fc.oneof(
      number,
      fc.boolean(),
      fc.constant(null),
      date,
      bytes,
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n }),
    );
    const key = fc.oneof(
      scalar,
      fc.array(fc.oneof(scalar, text), { maxLength: 3 }),
      fc.dictionary(name, scalar, { maxKeys: 1 }),
    );
    fc.assert(
      fc.property(key, (given) => {
        const map = Uint8Array.from([0x81, ...encodeMsgpack(given), 0xc0]);
        const shown = asJson(encodeMsgpack(given));
        expect(decodeMsgpack(map)).toEqual({ [shown]: null });
        expect(JSON.parse(asJson(map))).toEqual({ [shown]: null });
      }),
      { numRuns: 500 },
    );
  });

  it("decide alike about any values in the fields of any operation", () => {
    const op = fc.constantFrom("subscribe", "unsubscribe", "ack", "history", "topic", "auth", "ping", "settle", "no");
    const field = fc.constantFrom(
      ...["topic", "pattern", "from", "window", "subscription", "partition", "offset", "limit", "token", "verify"],
      ...["producer", "durability", "group", "filter", "until", "queue", "id", "id", "topic"],
    );
    const list = fc.oneof(fc.array(text, { maxLength: 3 }), fc.jsonValue());
    const fieldValue = fc.oneof(
      fc.jsonValue(),
      fc.nat(5),
      fc.constantFrom<unknown>("t", "a.>", "head", "earliest", true, null, 2 ** 53),
      fc.record({ offset: fc.oneof(fc.integer(), fc.jsonValue()) }),
      fc.record({ time: fc.oneof(fc.integer(), fc.jsonValue()) }),
      fc.record({ keys: list }),
      fc.record({ headers: fc.dictionary(text, list, { maxKeys: 2 }) }),
      fc.record({
        positions: fc.dictionary(fc.constantFrom("0", "1", "x"), fc.record({ epoch: text, offset: fc.nat() })),
      }),
    );
    fc.assert(
      fc.property(op, fc.array(fc.tuple(field, fieldValue), { maxLength: 7 }), (operation, entries) => {
        const json = JSON.stringify({ id: 1, ...Object.fromEntries(entries), op: operation });
        // Through JSON once, so that both get the same value and neither what only msgpack can say.
        const fields: unknown = JSON.parse(json);
        const text = decodeRequest(new TextEncoder().encode(json), DEFAULT_LIMITS);
        expect(decodeMsgpackRequest(encodeMsgpack(fields), DEFAULT_LIMITS)).toEqual(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("decodeMsgpackRequest", () => {
  it("gives a request or a refusal for any bytes, and throws nothing", () => {
    const request = fc
      .tuple(
        fc.constantFrom("publish", "subscribe", "ack", "history", "settle"),
        fc.dictionary(
          fc.constantFrom("id", "topic", "data", "messages", "from", "key", "headers", "filter", "producer", "offset"),
          value,
        ),
      )
      .map(([op, fields]) => encodeMsgpack({ id: 1, topic: "t", ...fields, op }));
    const mutated = fc.tuple(request, fc.nat(), fc.nat(255)).map(([frame, place, byte]) => {
      frame[place % frame.length] = byte;
      return frame;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), nearlyMsgpack, request, mutated), (frame) => {
        const outcome = decodeMsgpackRequest(frame, DEFAULT_LIMITS);
        expect(outcome.ok || typeof outcome.error.code === "string").toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it("ends the connection exactly where the bytes aren't one msgpack map that names its operation", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 60 }), nearlyMsgpack), (frame) => {
        fc.pre(frame[0] !== 0xc1);
        const outcome = decodeMsgpackRequest(frame, DEFAULT_LIMITS);
        const closeCode = outcome.ok ? undefined : outcome.closeCode;
        const isWhole = frame.length > 0 && skipMsgpack(frame, 0, frame.length) === frame.length;
        expect(closeCode === 1007).toBe(!isWhole);
      }),
      { numRuns: 2_000 },
    );
  });
});
