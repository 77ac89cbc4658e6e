/** Faults of the network while everybody works on the hub. */
import { describe, expect, it } from "vitest";
import * as injections from "../fault/workload/injections/network.js";
import { run, type Injection } from "../fault/workload/run.js";
import { startHub } from "../support/hub.js";
import { addRunRow } from "./rows.js";
import { cycles, SEED } from "./scale.js";

const CYCLES = cycles(3, 25);
/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 20_000;

describe(`faults of the network under load (RINGCAST_SEED=${SEED}, ${CYCLES} cycles)`, () => {
  it.each(Object.entries(injections))(
    "%s",
    async (fault, injection: Injection) => {
      await using hub = await startHub({ args: ["--drain-timeout-ms", "200"] });
      const demands = { acknowledged: CYCLES * 30, faults: CYCLES };

      const result = await run({
        hub,
        seed: SEED,
        injections: Array.from({ length: CYCLES }, () => injection),
        demands,
      });

      addRunRow(`network: ${fault}`, result);
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
    },
    CYCLES * CYCLE_MS + 30_000,
  );
});
