import { describe, expect, it } from "vitest";
import { digestOf, NO_HEADERS, partitionOf } from "@ringcast/protocol";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("partitionOf", () => {
  // The published test vectors of FNV-1a, 32 bit.
  it.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["b", 0xe70c2de5],
    ["foobar", 0xbf9cf968],
  ])("hashes %j as FNV-1a does", (key, hash) => {
    for (const partitions of [1, 3, 8, 1_024]) expect(partitionOf(bytes(key), partitions)).toBe(hash % partitions);
  });
});

describe("digestOf", () => {
  const message = { contentType: 1, data: bytes("12"), key: undefined, headers: NO_HEADERS };
  const digest = digestOf([message], undefined);

  it("is the same for the same request", () => {
    expect(digestOf([{ ...message, data: bytes("12") }], undefined)).toBe(digest);
  });

  it.each([
    ["data", [{ ...message, data: bytes("13") }], undefined],
    ["content type", [{ ...message, contentType: 3 }], undefined],
    ["an empty key", [{ ...message, key: bytes("") }], undefined],
    ["what is key and what data", [{ ...message, key: bytes("1"), data: bytes("2") }], undefined],
    [
      "how data is cut into messages",
      [
        { ...message, data: bytes("1") },
        { ...message, data: bytes("2") },
      ],
      undefined,
    ],
    ["partition", [message], 0],
  ])("differs with %s", (_, messages, partition) => {
    expect(digestOf(messages, partition)).not.toBe(digest);
  });
});
