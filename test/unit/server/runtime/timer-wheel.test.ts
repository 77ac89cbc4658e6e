import { describe, expect, it } from "vitest";
import { TimerWheel, type Timed } from "../../../../server/src/runtime/index.js";
import { ManualRuntime } from "../../../support/manual-runtime.js";

class Probe implements Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  wheelSlot = -1;
  readonly looks: number[] = [];
  readonly answer: number | undefined;

  constructor(answer: number | undefined) {
    this.answer = answer;
  }

  look(nowMs: number): number | undefined {
    this.looks.push(nowMs);
    return this.answer;
  }
}

describe("the timer wheel", () => {
  it("looks when the time is over, again after what it is told, and no more after undefined", () => {
    const { runtime, wheel, begin } = makeWheel();
    const often = new Probe(1_000);
    const once = new Probe(undefined);
    wheel.add(often, 500);
    wheel.add(once, 700);

    runtime.advance(3_000);

    expect(often.looks.map((at) => at - begin)).toEqual([500, 1_500, 2_500]);
    expect(once.looks.map((at) => at - begin)).toEqual([700]);
  });

  it("looks in between where the time is longer than a round", () => {
    const { runtime, wheel, begin } = makeWheel();
    const probe = new Probe(undefined);
    wheel.add(probe, 600_000);

    runtime.advance(60_000);

    expect(probe.looks.map((at) => at - begin)).toEqual([51_100]);
  });

  it("looks sooner when it is hastened, and never after it was removed", () => {
    const { runtime, wheel, begin } = makeWheel();
    const hastened = new Probe(undefined);
    const removed = new Probe(undefined);
    const other = new Probe(undefined);
    for (const probe of [hastened, removed, other]) wheel.add(probe, 10_000);

    wheel.hasten(hastened, 200);
    wheel.remove(removed);
    wheel.remove(removed);
    runtime.advance(20_000);

    expect(hastened.looks.map((at) => at - begin)).toEqual([200]);
    expect(removed.looks).toEqual([]);
    expect(other.looks.map((at) => at - begin)).toEqual([10_000]);
  });

  it("keeps no timer while nothing is in it", () => {
    const { runtime, wheel } = makeWheel();
    const probe = new Probe(1_000);
    wheel.add(probe, 0);
    runtime.advance(100);
    wheel.remove(probe);

    expect(runtime.timerCount).toBe(0);
  });
});

function makeWheel(): { runtime: ManualRuntime; wheel: TimerWheel; begin: number } {
  const runtime = new ManualRuntime();
  return { runtime, wheel: new TimerWheel(runtime), begin: runtime.now };
}
