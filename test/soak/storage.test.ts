/** Faults of the storage: what it refuses, loses, and gives back changed. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Recoveries, secondHub, shortage } from "../fault/workload/injections/storage.js";
import { harmless } from "../fault/workload/injections/harmless.js";
import { run, type Injection } from "../fault/workload/run.js";
import { FailingDevice } from "../support/failing-device.js";
import { startHub } from "../support/hub.js";
import { SmallDisk } from "../support/small-disk.js";
import { addRunRow } from "./rows.js";
import { cycles, SEED } from "./scale.js";

const MIB = 2 ** 20;
const CYCLES = cycles(3, 25);
/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 60_000;

function times(injection: Injection): Injection[] {
  return Array.from({ length: CYCLES }, () => injection);
}

describe(`faults of the storage under load (RINGCAST_SEED=${SEED}, ${CYCLES} cycles)`, () => {
  const demands = { acknowledged: CYCLES * 30, faults: CYCLES };

  it(
    "a full disk refuses publishes while everybody reads, and is forgotten when there is room",
    async () => {
      using disk = new SmallDisk(24 * MIB);
      await using hub = await startHub({ data: join(disk.path, "data") });
      const recoveries: Recoveries = [];
      const full = shortage("full disk", { begin: () => disk.fill(), end: () => disk.free() }, recoveries);

      // Of many partitions there is always one that has to grow.
      const result = await run({ hub, seed: SEED, injections: times(full), demands, partitions: 32 });

      addRunRow("storage: full disk", result, recoveries);
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
      expect(result.counts.refused).toBeGreaterThan(0);
    },
    CYCLES * CYCLE_MS,
  );

  it(
    "a device that can't take what is new latches logs until they are written anew; what was acknowledged is on it",
    async () => {
      await using device = new FailingDevice(96 * MIB, 48 * MIB);
      const hub = await startHub({ data: join(device.path, "data") });
      const recoveries: Recoveries = [];
      const fail = shortage("failed sync", { begin: () => device.fail(), end: () => device.mend() }, recoveries);
      const forgetCache: Injection = async () => {
        await hub.stop();
        await device.forgetCache();
        await hub.restart();
        return harmless("cache forgotten");
      };
      try {
        const result = await run({
          hub,
          seed: SEED,
          injections: [...times(fail), forgetCache],
          demands,
          partitions: 4,
        });

        addRunRow("storage: failed sync", result, recoveries);
        expect(result.anomalies).toEqual([]);
        expect(result.vacuous).toEqual([]);
      } finally {
        await hub[Symbol.asyncDispose]();
      }
    },
    CYCLES * CYCLE_MS,
  );

  it("another hub on the directory is refused, and costs the first one nothing", async () => {
    await using hub = await startHub();

    const result = await run({ hub, seed: SEED, injections: times(secondHub), demands });

    addRunRow("storage: second hub", result);
    expect(result.anomalies).toEqual([]);
    expect(result.vacuous).toEqual([]);
    expect(result.counts.refused).toBe(0);
  });
});
