import { describe, expect, test } from "vitest";
import { elapsedSince, nowUs, readTime, writeTime } from "../../../../../server/src/cli/bench/clock.js";
import {
  addCounts,
  LATENCY_BUCKETS,
  recordLatency,
  subtractCounts,
  summarize,
} from "../../../../../server/src/cli/bench/latency.js";

function histogramOf(values: Iterable<number>): Uint32Array {
  const counts = new Uint32Array(LATENCY_BUCKETS);
  for (const value of values) recordLatency(counts, value);
  return counts;
}

describe("a histogram of latencies", () => {
  test("says nothing where nothing was counted", () => {
    expect(summarize(histogramOf([]))).toBeUndefined();
  });

  test("is exact below 2,048 µs", () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(summarize(histogramOf(values))).toEqual({ count: 1000, p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
  });

  test.each([2_048, 4_095, 4_096, 123_456, 98_765_432, 2 ** 31 - 1])("is within a thousandth at %d µs", (value) => {
    const { p50 = 0 } = summarize(histogramOf([value])) ?? {};
    expect(p50).toBeGreaterThanOrEqual(value);
    expect(p50).toBeLessThanOrEqual(value * 1.001);
  });

  test("takes what lies outside for the nearest value that it has", () => {
    expect(summarize(histogramOf([-5]))?.max).toBe(0);
    expect(summarize(histogramOf([1e12]))?.max).toBe(2 ** 31 - 1);
  });

  test("is a window's when what was before is taken away, and a sum over threads", () => {
    const before = histogramOf([10, 20]);
    const after = histogramOf([10, 20, 30]);
    subtractCounts(after, before);
    addCounts(after, histogramOf([40]));
    expect(summarize(after)).toMatchObject({ count: 2, p50: 30, max: 40 });
  });
});

test("a payload carries a time to the microsecond, as digits", () => {
  const payload = new Uint8Array(20).fill(0x7a);
  const us = nowUs();
  writeTime(payload, us);
  expect(Buffer.from(payload).toString("latin1")).toMatch(/^[0-9a-f]{14}z{6}$/);
  expect(readTime(payload, 0)).toBe(Math.floor(us));
  expect(elapsedSince(payload, 0, us + 1_234_567)).toBe(1_234_567);
  expect(elapsedSince(payload, 0, us - 5)).toBe(0);
  writeTime(payload, 2 ** 52 - 1);
  expect(readTime(payload, 0)).toBe(2 ** 52 - 1);
});
