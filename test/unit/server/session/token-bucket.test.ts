import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../../server/src/session/token-bucket.js";

describe("a token bucket", () => {
  it("lets two seconds' worth pass at once, and then as much as the rate", () => {
    const bucket = new TokenBucket();
    const taken = (nowMs: number): number => {
      let count = 0;
      for (; bucket.waitMs(1, 10, nowMs) === 0; count++) bucket.take(1);
      return count;
    };

    expect([taken(5_000), taken(5_000), taken(5_500), taken(6_500), taken(60_000)]).toEqual([20, 0, 5, 10, 20]);
  });

  it("lets what is larger than itself pass when it is full, and makes up for it", () => {
    const bucket = new TokenBucket();
    const first = bucket.waitMs(100, 10, 0);
    bucket.take(100);

    const [one, all] = [bucket.waitMs(1, 10, 0), bucket.waitMs(100, 10, 0)];

    expect([first, one, all]).toEqual([0, 8_100, 10_000]);
  });

  it("has room for one, however low the rate", () => {
    const bucket = new TokenBucket();

    expect(bucket.waitMs(1, 0.1, 0)).toBe(0);
  });

  it("follows a rate that changes", () => {
    const bucket = new TokenBucket();
    bucket.waitMs(0, 1_000, 0);
    const lower = bucket.waitMs(3, 1, 0);
    bucket.take(3);

    expect([lower, bucket.waitMs(1, 1, 0), bucket.waitMs(1, 2, 0)]).toEqual([0, 2_000, 1_000]);
  });

  it("says for how long to wait, neither too short nor much too long", () => {
    const steps = fc.array(
      fc.record({ cost: fc.integer({ min: 0, max: 5_000 }), pauseMs: fc.double({ min: 0, max: 3_000, noNaN: true }) }),
    );
    fc.assert(
      fc.property(steps, fc.double({ min: 0.1, max: 1_000, noNaN: true }), (all, perSecond) => {
        const bucket = new TokenBucket();
        let nowMs = 1e9;
        for (const { cost, pauseMs } of all) {
          nowMs += pauseMs;
          const waitMs = bucket.waitMs(cost, perSecond, nowMs);
          if (waitMs > 2) expect(bucket.waitMs(cost, perSecond, nowMs + waitMs - 2.01)).toBeGreaterThan(0);
          nowMs += waitMs;
          expect(bucket.waitMs(cost, perSecond, nowMs)).toBe(0);
          bucket.take(cost);
        }
      }),
    );
  });
});
