import { crc32 as zlibCrc32 } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { crc32, setNativeCrc32 } from "@ringcast/protocol";

describe("crc32", () => {
  afterEach(() => setNativeCrc32(undefined));

  it("has the check value of the standard", () => {
    expect(crc32(new DataView(new TextEncoder().encode("123456789").buffer), 0, 9)).toBe(0xcbf43926);
  });

  it("asks the platform's for long pieces only, and gives the same", () => {
    const view = new DataView(Uint8Array.from({ length: 2_000 }, (_, i) => i * 31).buffer, 3);
    const alone = crc32(view, 5, 1_500, 77);
    const lengths: number[] = [];
    setNativeCrc32((bytes, seed) => {
      lengths.push(bytes.length);
      return zlibCrc32(bytes, seed);
    });
    expect(crc32(view, 5, 1_500, 77)).toBe(alone);
    crc32(view, 0, 100);
    expect(lengths).toEqual([1_495]);
  });
});
