/**
 * `npm run test:faults`: each fault so many times under load, a table of what came of it, and the same for programs in test/fault/results/faults.json.
 * RINGCAST_CYCLES says how many times (default 4), RINGCAST_SEED which run it is.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { AnomalyName, History } from "../fault/history/history.js";
import * as injections from "../fault/workload/injections.js";
import { run, type Injection, type RunResult } from "../fault/workload/run.js";
import { startHub } from "../support/hub.js";

const CYCLES = Number(process.env["RINGCAST_CYCLES"] ?? 4);
const SEED = Number(process.env["RINGCAST_SEED"] ?? Date.now() % 2 ** 31);
const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "../fault/results");
/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 20_000;

/** What is counted under which heading. */
const HEADINGS = {
  lost: ["A1", "A2", "A16"],
  duplicated: ["A5", "A6"],
  reordered: ["A8", "A9", "A10", "A18"],
  divergent: ["A14", "A15", "A17", "A19"],
  unannounced: ["A11", "A12", "A13"],
  epochs: ["A20"],
  answers: ["A3", "A4", "A7"],
} as const satisfies Record<string, readonly AnomalyName[]>;

type Counted = Record<keyof typeof HEADINGS, number>;
interface Row extends Counted {
  readonly fault: string;
  readonly cycles: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** From the fault to the next acknowledgement, ms */
  readonly recoveryMs: { readonly median: number; readonly max: number };
  readonly peakMiB: number;
}

const rows: Row[] = [];

describe(`faults under load (RINGCAST_SEED=${SEED}, RINGCAST_CYCLES=${CYCLES})`, () => {
  it.each(Object.entries(injections))(
    "%s",
    async (fault, injection: Injection) => {
      await using hub = await startHub({ args: ["--drain-timeout-ms", "200"] });
      const cycles = Array.from({ length: CYCLES }, () => injection);

      const result = await run({
        hub,
        seed: SEED,
        injections: cycles,
        demands: { acknowledged: CYCLES * 30, faults: CYCLES },
      });

      rows.push(rowOf(fault, result));
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
    },
    CYCLES * CYCLE_MS + 30_000,
  );

  afterAll(() => {
    console.table(
      Object.fromEntries(
        rows.map(({ fault, recoveryMs, ...row }) => [
          fault,
          { ...row, recovery: `${recoveryMs.median} (${recoveryMs.max}) ms` },
        ]),
      ),
    );
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(
      join(RESULTS, "faults.json"),
      `${JSON.stringify({ seed: SEED, node: process.version, rows }, undefined, 2)}\n`,
    );
  });
});

function rowOf(fault: string, { anomalies, counts, history, peakBytes }: RunResult): Row {
  const counted = Object.entries(HEADINGS).map(([heading, names]) => [
    heading,
    anomalies.filter(({ name }) => (names as readonly AnomalyName[]).includes(name)).length,
  ]);
  const recoveries = recoveriesOf(history);
  return {
    fault,
    cycles: counts.faults,
    operations: counts.publishes,
    acknowledged: counts.acknowledged,
    delivered: counts.delivered,
    ...(Object.fromEntries(counted) as Counted),
    recoveryMs: { median: recoveries[recoveries.length >> 1] ?? Number.NaN, max: recoveries.at(-1) ?? Number.NaN },
    peakMiB: Math.round(peakBytes / 1024 ** 2),
  };
}

/** From the beginning of each fault to the first acknowledgement after it was over, ascending. */
function recoveriesOf(history: History): number[] {
  const recoveries: number[] = [];
  let begun: number | undefined;
  let isOver = false;
  for (const { type, at } of history) {
    if (type === "injected") [begun, isOver] = [at, false];
    if (type === "fault") isOver = true;
    if (type !== "published" || begun === undefined || !isOver) continue;
    recoveries.push(at - begun);
    begun = undefined;
  }
  return recoveries.toSorted((a, b) => a - b);
}
