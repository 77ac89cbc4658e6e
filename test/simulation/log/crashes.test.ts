/**
 * Programs of appends, syncs, deletions, retention and other capacities over a simulated disk, each run once for every operation of the disk that it makes: there
 * the process dies or the power is cut. Whatever was promised until then has to be kept.
 */
import { describe, expect, it } from "vitest";
import { crashEverywhere, runStore } from "./store-run.js";

const STEPS = 12;
const REGIONS = ["mapped", "file"] as const;

describe.each(REGIONS)("a log store in %s regions", (regions) => {
  it.each([2])("keeps its promises wherever its process dies or the power is cut, seed %i", async (seed) => {
    const { runs, broken } = await crashEverywhere({ seed, regions, steps: STEPS, followers: 2 });
    expect(broken).toEqual([]);
    expect(runs).toBeGreaterThan(60);
  });

  it("does the same again with the same seed", async () => {
    const options = { seed: 7, regions, steps: STEPS, followers: 4, crash: { at: 40, how: "power" } } as const;
    expect(await runStore(options)).toEqual(await runStore(options));
  });
});
