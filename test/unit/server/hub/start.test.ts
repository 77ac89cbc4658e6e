import { describe, expect, it } from "vitest";
import { beginningOf, epochAt, type LogFacts } from "../../../../server/src/hub/start.js";

/** Epoch `a` from 0, `b` from 50, `c` from 80; records 20 to 99 are stored. */
const log: LogFacts = {
  tail: 20,
  head: 100,
  lineage: [
    { epoch: "a", first: 0 },
    { epoch: "b", first: 50 },
    { epoch: "c", first: 80 },
  ],
  offsetAtTime: (time) => (time < 1_000 ? 3 : time < 2_000 ? 60 : 100),
};

describe("a start", () => {
  it.each([
    ["latest" as const, 100],
    ["earliest" as const, 20],
    [{ offset: 7 }, 7],
    [{ offset: 100 }, 100],
    [{ time: 500 }, 20],
    [{ time: 1_500 }, 60],
    [{ time: 9_999 }, 100],
    [{ last: 5 }, 95],
    [{ last: 1e12 }, 20],
    [{ positions: {} }, 20],
  ])("%j begins at %d", (start, offset) => {
    expect(beginningOf(log, start, 0)).toEqual({ offset, stoodAt: undefined });
  });

  it("ahead of the head is refused with the head", () => {
    expect(() => beginningOf(log, { offset: 101 }, 0)).toThrow(
      expect.objectContaining({ code: "invalid_offset", details: { head: 100 } }),
    );
  });
});

describe("a resume", () => {
  it.each([
    ["c", 100, 100],
    ["c", 85, 85],
    ["b", 80, 80],
    ["b", 60, 60],
    ["a", 50, 50],
    ["a", 5, 5],
  ])("at %s.%d is seamless", (epoch, offset, next) => {
    expect(resume(epoch, offset)).toEqual({ offset: next, stoodAt: undefined });
  });

  it.each([
    ["a", 51, 50],
    ["b", 81, 80],
    ["unknown", 5, 20],
    ["unknown", 500, 20],
  ])("at %s.%d goes on at %d and says so", (epoch, offset, next) => {
    expect(resume(epoch, offset)).toEqual({ offset: next, stoodAt: { epoch, offset } });
  });

  it("ahead of the newest epoch's head is refused", () => {
    expect(() => resume("c", 101)).toThrow(expect.objectContaining({ code: "invalid_offset" }));
  });
});

describe("the epoch of an offset", () => {
  it.each([
    [0, "a"],
    [49, "a"],
    [50, "b"],
    [80, "c"],
    [1_000, "c"],
  ])("%d is %s", (offset, epoch) => {
    expect(epochAt(log.lineage, offset)).toBe(epoch);
  });
});

function resume(epoch: string, offset: number): ReturnType<typeof beginningOf> {
  return beginningOf(log, { positions: { "0": { epoch, offset } } }, 0);
}
