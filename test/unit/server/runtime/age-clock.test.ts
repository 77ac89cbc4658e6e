import { describe, expect, it } from "vitest";
import { AgeClock } from "../../../../server/src/runtime/index.js";
import { ManualRuntime } from "../../../support/manual-runtime.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface Ages {
  readonly runtime: ManualRuntime;
  readonly jumps: number[];
  /** Milliseconds since the beginning that ages say have passed. */
  readonly aged: () => number;
  /** Lets time pass; the clock is looked at every second, as retention does. */
  readonly pass: (ms: number) => void;
  readonly jump: (ms: number) => void;
}

function startAges(): Ages {
  const runtime = new ManualRuntime();
  const jumps: number[] = [];
  const clock = new AgeClock(runtime, (byMs) => jumps.push(byMs));
  const beganMs = runtime.now;
  const aged = (): number => clock.nowMs() - beganMs;
  return {
    runtime,
    jumps,
    aged,
    pass: (ms) => {
      for (let left = ms; left > 0; left -= 1_000) {
        runtime.now += Math.min(left, 1_000);
        aged();
      }
    },
    jump: (ms) => void (runtime.wallAheadMs += ms),
  };
}

describe("the clock of ages", () => {
  it("is the wall clock while that doesn't jump", () => {
    const { aged, pass, jumps } = startAges();
    pass(90 * MINUTE_MS);
    expect(aged()).toBe(90 * MINUTE_MS);
    expect(jumps).toEqual([]);
  });

  it("takes small corrections over at once, in both directions", () => {
    const { aged, pass, jump, jumps } = startAges();
    for (const by of [900, -900, -500]) {
      jump(by);
      pass(1_000);
    }
    expect(aged()).toBe(3_000 - 500);
    expect(jumps).toEqual([]);
  });

  it("doesn't follow a jump ahead at once, though nobody looked for long before", () => {
    const { runtime, aged, jump, jumps } = startAges();
    runtime.now += 10 * HOUR_MS;
    jump(DAY_MS);
    expect(aged()).toBe(10 * HOUR_MS);
    expect(jumps).toEqual([DAY_MS]);
  });

  it("grows twice as fast until it has caught up with a jump ahead", () => {
    const { aged, pass, jump } = startAges();
    jump(2 * HOUR_MS);
    aged();
    pass(HOUR_MS);
    expect(aged()).toBe(2 * HOUR_MS);
    pass(2 * HOUR_MS);
    expect(aged()).toBe(5 * HOUR_MS);
    pass(HOUR_MS);
    expect(aged()).toBe(6 * HOUR_MS);
  });

  it("has caught up within a day, however far the jump went", () => {
    const { runtime, aged, pass, jump } = startAges();
    jump(50 * 365 * DAY_MS);
    aged();
    pass(DAY_MS + MINUTE_MS);
    expect(aged()).toBe(runtime.wallAheadMs + DAY_MS + MINUTE_MS);
  });

  it("follows a jump back at once, and what was right before when it is made good", () => {
    const { aged, pass, jump, jumps } = startAges();
    jump(-HOUR_MS);
    expect(aged()).toBe(-HOUR_MS);
    pass(MINUTE_MS);
    jump(HOUR_MS);
    // The minute is caught up with, not more.
    expect(aged()).toBe(0);
    pass(MINUTE_MS);
    expect(aged()).toBe(2 * MINUTE_MS);
    expect(jumps).toEqual([-HOUR_MS, HOUR_MS]);
  });

  it("costs what it lasted when a jump ahead is taken back, not more", () => {
    const { aged, pass, jump } = startAges();
    jump(DAY_MS);
    aged();
    pass(5 * MINUTE_MS);
    expect(aged()).toBe(10 * MINUTE_MS);
    jump(-DAY_MS);
    expect(aged()).toBe(5 * MINUTE_MS);
    pass(5 * MINUTE_MS);
    expect(aged()).toBe(10 * MINUTE_MS);
  });
});
