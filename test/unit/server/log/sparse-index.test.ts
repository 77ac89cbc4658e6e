import { describe, expect, it } from "vitest";
import { SparseIndex } from "../../../../server/src/log/sparse-index.js";

/** Records of 100 bytes, one a millisecond, as an append notes them. */
function filled(capacityBytes: number, records: number): SparseIndex {
  const index = new SparseIndex(capacityBytes);
  for (let offset = 0; offset < records; offset++) {
    if (offset * 100 >= index.nextAddress) index.add(offset * 100, offset, offset);
  }
  return index;
}

describe("a sparse index", () => {
  it("has one entry for each stretch of address", () => {
    const index = filled(65_536, 600);
    expect([index.strideBytes, index.count]).toEqual([1_024, 59]);
  });

  it("stays small for a large ring", () => {
    expect(new SparseIndex(2 ** 32).strideBytes).toBe(2 ** 22);
    expect(filled(2 ** 20, 10_485).count).toBeLessThanOrEqual(1_025);
  });

  it("finds the last entry at or below an offset, and the last before a time", () => {
    const index = filled(65_536, 600);
    expect(index.offsetAt(index.entryOfOffset(0))).toBe(0);
    expect(index.offsetAt(index.entryOfOffset(42))).toBe(41);
    expect(index.offsetAt(index.entryBeforeTime(41))).toBe(31);
    expect(index.entryBeforeTime(0)).toBe(-1);
    expect(index.addressAt(index.entryFromAddress(4_101))).toBe(5_200);
    expect(index.entryFromAddress(1e9)).toBe(index.count);
  });

  it("goes on as a ring when entries come at the head and go at the tail", () => {
    const index = new SparseIndex(65_536);
    for (let offset = 0; offset < 5_000; offset++) {
      if (offset * 100 >= index.nextAddress) index.add(offset * 100, offset, offset);
      index.dropBelow(offset * 100 - 30_000);
    }
    expect(index.count).toBeLessThan(32);
    for (let entry = 1; entry < index.count; entry++)
      expect(index.offsetAt(entry)).toBeGreaterThan(index.offsetAt(entry - 1));
  });

  it("forgets what is cut off, and notes the next record anew", () => {
    const index = filled(65_536, 600);
    index.dropFrom(10_000);
    expect(index.addressAt(index.count - 1)).toBeLessThan(10_000);
    expect(index.nextAddress).toBeLessThanOrEqual(10_240);
    index.dropFrom(0);
    expect([index.count, index.nextAddress]).toEqual([0, 0]);
  });
});
