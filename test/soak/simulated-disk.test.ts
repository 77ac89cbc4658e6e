/**
 * The log store over a simulated disk: programs from seeds, each run once for every operation of the disk that it makes, with a crash there; then more programs,
 * with syncs that fail and a disk that is full from time to time. A seed that breaks a promise is named with its crash.
 */
import { describe, expect, it } from "vitest";
import { crashEverywhere, runStore } from "../simulation/log/store-run.js";
import { addRow, NOTHING } from "./rows.js";
import { amount, FIRST_SEED } from "./scale.js";

const STEPS = 20;
/** Programs with a crash at each operation, some hundreds of them for each. */
const PROGRAMS = amount(3, 200);
/** Programs with failing syncs and full disks. */
const FAULTY = amount(150, 20_000);
const FAULTY_STEPS = 40;
const REGIONS = ["mapped", "file"] as const;

describe.each(REGIONS)("a log store over a simulated disk, in %s regions", (regions) => {
  it(
    `keeps its promises wherever it crashes, seed ${FIRST_SEED}`,
    { timeout: amount(120_000, 7_200_000) },
    async () => {
      let crashes = 0;
      const broken: string[] = [];
      for (let i = 0; i < PROGRAMS && broken.length === 0; i++) {
        const tried = await crashEverywhere({ seed: FIRST_SEED + i, regions, steps: STEPS, followers: 3 });
        crashes += tried.runs - 1;
        broken.push(...tried.broken);
      }
      report(`simulated disk: kill or power cut at each operation, ${regions}`, crashes, broken);
    },
  );

  it(
    `keeps its promises while syncs fail and the disk is full, seed ${FIRST_SEED}`,
    { timeout: amount(120_000, 7_200_000) },
    async () => {
      const broken: string[] = [];
      let runs = 0;
      for (; runs < FAULTY && broken.length === 0; runs++) {
        const { wrong } = await runStore({
          seed: FIRST_SEED + runs,
          regions,
          steps: FAULTY_STEPS,
          followers: 4,
          hasFaults: true,
        });
        broken.push(...wrong.map((what) => `seed ${FIRST_SEED + runs}: ${what}`));
      }
      report(`simulated disk: failed syncs, full disk, crashes, ${regions}`, runs, broken);
    },
  );
});

/** Which promise is broken is said by the assertion; in the table it counts as a loss. */
function report(fault: string, cycles: number, broken: readonly string[]): void {
  addRow({ ...NOTHING, fault, cycles, operations: cycles, acknowledged: 0, delivered: 0, lost: broken.length });
  expect(broken).toEqual([]);
}
