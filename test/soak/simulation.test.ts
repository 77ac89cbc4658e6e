/** Many more seeds of the simulation than in `npm test`. */
import { describe, expect, it } from "vitest";
import type { Anomaly } from "../fault/history/history.js";
import { replayLine } from "../simulation/replay.js";
import { runSeed } from "../simulation/run-seed.js";
import { Tally } from "../simulation/tally.js";
import { addRow, countedOf } from "./rows.js";
import { amount, FIRST_SEED } from "./scale.js";

const SEEDS = amount(1_000, 10_000);
/** Of the seeds; some have so many faults that hardly anybody hears what came of a publish. */
const MOST_VACUOUS = 0.02;
/** Time for one seed on a machine that has more to do. */
const SEED_MS = 400;

describe(`the simulation (RINGCAST_SEED=${FIRST_SEED}, ${SEEDS} seeds)`, () => {
  it(
    "keeps every promise under faults of every kind",
    async () => {
      const tally = new Tally();
      const anomalies: Anomaly[] = [];
      const failures: string[] = [];
      let vacuous = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        const begun = performance.now();
        const result = await runSeed(seed);
        tally.add(result, performance.now() - begun);
        anomalies.push(...result.anomalies);
        if (result.anomalies.length > 0) failures.push(replayLine(seed));
        if (result.vacuous.length > 0) vacuous++;
      }
      console.log(tally.summary());
      const { faults, publishes, acknowledged, delivered } = tally.counts;
      const row = { fault: `simulation: ${SEEDS} seeds, all faults`, cycles: faults, operations: publishes };
      addRow({ ...row, acknowledged, delivered, ...countedOf(anomalies) });
      expect(failures).toEqual([]);
      expect(vacuous).toBeLessThanOrEqual(SEEDS * MOST_VACUOUS);
    },
    SEEDS * SEED_MS,
  );
});
