import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import { base64Length, decodeBase64, decodeHubFrame, utf8Length, writeBase64 } from "@ringcast/protocol";

function encodeBase64(bytes: Uint8Array): string {
  const characters = new Uint8Array(base64Length(bytes.length));
  expect(writeBase64(bytes, 0, bytes.length, characters, 0)).toBe(characters.length);
  return new TextDecoder().decode(characters);
}

describe("decodeHubFrame", () => {
  it("gives a frame, nothing, or bad_frame for any text", () => {
    const op = fc.constantFrom(
      "messages",
      "gap",
      "error",
      "subscribed",
      "history",
      "later",
      "__proto__",
      "constructor",
    );
    const frame = fc
      .tuple(
        op,
        fc.dictionary(fc.constantFrom("subscription", "messages", "code", "message", "next", "topic"), fc.jsonValue()),
      )
      .map(([name, fields]) => JSON.stringify({ ...fields, op: name }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), frame), (text) => {
        try {
          const decoded = decodeHubFrame(text);
          if (decoded !== undefined) expect(typeof decoded.op).toBe("string");
        } catch (error) {
          expect((error as RingcastError).code).toBe("bad_frame");
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("Base64", () => {
  it("comes back as it went, as everybody writes it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it("has one writing for each value", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: fc.constantFrom("A", "B", "=", "/", "-") })),
        (text) => {
          const bytes = decodeBase64(text);
          if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
          else expect(Buffer.from(text, "base64").toString("base64")).not.toBe(text);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("utf8Length", () => {
  it("counts what an encoder writes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});
