/** The whole of Ringcast in one process, under faults of every kind: 300 seeds, and whatever one of them finds is found again by its number. */
import { describe, expect, it } from "vitest";
import { replayLine, SEED_BASE } from "./replay.js";
import { runSeed } from "./run-seed.js";

const SEEDS = 300;
/** In one test, so that a failure comes soon and the report stays short. */
const AT_ONCE = 50;
/** Some seeds have so many faults that hardly anybody hears what came of a publish. */
const MOST_VACUOUS = 2;

describe(`a simulated hub and its clients (RINGCAST_SEED=${SEED_BASE})`, () => {
  it.each(Array.from({ length: SEEDS / AT_ONCE }, (_, n) => SEED_BASE + n * AT_ONCE))(
    `keep every promise with ${AT_ONCE} seeds from %i on`,
    async (first) => {
      let saysLittle = 0;
      for (let seed = first; seed < first + AT_ONCE; seed++) {
        const { anomalies, vacuous } = await runSeed(seed);
        expect(anomalies, replayLine(seed)).toEqual([]);
        if (vacuous.length > 0) saysLittle++;
      }
      expect(saysLittle).toBeLessThanOrEqual(MOST_VACUOUS);
    },
    120_000,
  );

  it("do the same again with the same seed", async () => {
    const [one, two] = [await runSeed(SEED_BASE), await runSeed(SEED_BASE)];
    expect(two.history).toEqual(one.history);
    expect(two.events).toBe(one.events);
  });

  it("do something else with another", async () => {
    const [one, two] = [await runSeed(SEED_BASE), await runSeed(SEED_BASE + 1)];
    expect(two.history).not.toEqual(one.history);
  });
});
