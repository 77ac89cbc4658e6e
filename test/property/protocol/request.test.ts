import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, decodePublishBody, decodeRequest, RingcastError } from "@ringcast/protocol";
import type { DecodedRequest, PublishRequest } from "@ringcast/protocol";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What JSON.parse says of the same bytes. */
function parsed(bytes: Uint8Array): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(strict.decode(bytes)) };
  } catch {
    return { ok: false };
  }
}

function decode(text: string): DecodedRequest {
  return decodeRequest(encoder.encode(text), DEFAULT_LIMITS);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text that is nearly JSON: legal JSON with some characters changed, taken out or put in. */
const nearlyJson = fc
  .tuple(
    fc.json(),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom("", "{", "}", "[", "]", '"', "\\", ",", ":", "0", "-", "e", ".", "\u0000", "é", " "),
      ),
    ),
  )
  .map(([json, edits]) =>
    edits.reduce((text, [place, piece]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + piece + text.slice(at + (piece === "" ? 1 : 0));
    }, json),
  );

/** A JSON text of a value with white space, escapes in names and the like. */
const space = fc.constantFrom("", " ", "\n", "\t \r");
const name = fc.constantFrom(
  "data",
  "key",
  "headers",
  "topic",
  "op",
  "id",
  "x",
  "messages",
  "__proto__",
  "constructor",
  "$bytes",
  "dat",
);
const writtenName = fc.tuple(name, fc.boolean()).map(([text, isEscaped]) =>
  isEscaped
    ? `"${Array.from(text)
        .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join("")}"`
    : JSON.stringify(text),
);

describe("decodeRequest", () => {
  it("gives a request or a refusal for any bytes, and throws nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const outcome = decodeRequest(bytes, DEFAULT_LIMITS);
        expect(outcome.ok || typeof outcome.error.code === "string").toBe(true);
      }),
    );
  });

  it("agrees with JSON.parse on what JSON is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), nearlyJson, fc.string({ unit: "binary" })), (text) => {
        const bytes = encoder.encode(text);
        const outcome = decodeRequest(bytes, DEFAULT_LIMITS);
        const closeCode = outcome.ok ? undefined : outcome.closeCode;
        const expected = parsed(bytes);
        if (!expected.ok) expect(closeCode).toBe(1007);
        else if (!isObject(expected.value) || typeof expected.value["op"] !== "string") expect(closeCode).toBe(1008);
        else expect(closeCode).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it("agrees with a strict decoder on what UTF-8 is inside of strings", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (inner) => {
        const bytes = Uint8Array.from([...encoder.encode('{"op":"'), ...inner, ...encoder.encode('"}')]);
        const outcome = decodeRequest(bytes, DEFAULT_LIMITS);
        expect(!outcome.ok && outcome.closeCode === 1007).toBe(!parsed(bytes).ok);
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds the same members as JSON.parse, the last of a name that comes twice", () => {
    const members = fc.array(fc.tuple(space, writtenName, space, fc.json({ maxDepth: 3 }), space), { maxLength: 8 });
    fc.assert(
      fc.property(members, fc.json({ maxDepth: 3 }), (list, data) => {
        const written = list.map(([a, text, b, value, c]) => `${a}${text}${b}:${c}${value}${a}`);
        const text = `{${[...written, '"op":"publish"', '"id":1', '"topic":"t"', `"d\\u0061ta":${data}`].join(",")}}`;
        const expected = JSON.parse(text) as Record<string, unknown>;
        const outcome = decode(text);
        if (outcome.ok) {
          const message = (outcome.request as PublishRequest).messages[0];
          expect(Object.hasOwn(expected, "messages")).toBe(false);
          expect(JSON.parse(strict.decode(message?.data))).toEqual(expected["data"]);
          expect(message?.key === undefined ? undefined : strict.decode(message.key)).toEqual(expected["key"]);
        } else {
          expect(outcome.closeCode).toBeUndefined();
          expect(outcome.error.id).toBe(1);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps the data of every message of a batch as it was written", () => {
    const value = fc.tuple(space, fc.json({ maxDepth: 4 }), space);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), (values) => {
        fc.pre(values.every(([, json]) => !json.includes("$bytes")));
        const messages = values.map(([before, json, after]) => `{"x":0,"data":${before}${json}${after}}`);
        const outcome = decode(`{"op":"publish","id":"a","topic":"t","messages":[${messages.join(" , ")}]}`);
        const stored = (outcome as { request: PublishRequest }).request.messages;
        expect(stored.map((message) => strict.decode(message.data))).toEqual(values.map(([, json]) => json));
      }),
    );
  });

  it("answers any values in the fields of any operation, with the id where it is legal", () => {
    const op = fc.constantFrom(
      "publish",
      "subscribe",
      "unsubscribe",
      "ack",
      "history",
      "topic",
      "auth",
      "ping",
      "settle",
      "no",
    );
    const field = fc.constantFrom(
      ...["topic", "pattern", "from", "window", "subscription", "partition", "offset", "limit", "token", "data"],
      ...["messages", "key", "headers", "producer", "durability", "group", "filter", "until", "queue"],
    );
    const start = fc.oneof(
      fc.constantFrom<unknown>("latest", "earliest", null),
      fc.record({ offset: fc.anything() }),
      fc.record({ positions: fc.dictionary(fc.string(), fc.anything()) }),
      fc.record({ topics: fc.dictionary(fc.string(), fc.anything()), others: fc.anything() }),
    );
    const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom<unknown>("t", "a.>", null, 2 ** 53), start);
    fc.assert(
      fc.property(op, fc.array(fc.tuple(field, value), { maxLength: 6 }), (name, entries) => {
        const text = JSON.stringify({ ...Object.fromEntries(entries), op: name, id: 7 });
        const outcome = decode(text);
        expect(outcome.ok ? outcome.request.id : outcome.error.id).toBe(7);
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes no prototype", () => {
    const poison = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}';
    fc.assert(
      fc.property(fc.constantFrom("data", "headers", "from", "producer", "id", "x", "__proto__"), (field) => {
        decode(`{"op":"publish","id":1,"topic":"t","data":1,"${field}":${poison}}`);
        decode(`{"op":"subscribe","id":1,"topic":"t","${field}":${poison}}`);
        decode(`{"op":"subscribe","id":1,"pattern":"t","from":{"topics":${poison}}}`);
        expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
      }),
    );
  });
});

describe("decodePublishBody", () => {
  it("gives a publish or a RingcastError for any bytes", () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      nearlyJson.map((text) => encoder.encode(text)),
      fc.jsonValue().map((data) => encoder.encode(JSON.stringify({ data, key: data, partition: data }))),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        try {
          expect(decodePublishBody(bytes, DEFAULT_LIMITS).messages.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RingcastError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
