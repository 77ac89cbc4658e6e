/** The table of `npm run test:faults`: each test adds its row, whoever ran them all prints it. */
import { appendFileSync } from "node:fs";
import { inject } from "vitest";
import type { AnomalyName, History } from "../fault/history/history.js";
import type { RunResult } from "../fault/workload/run.js";

/** What is counted under which heading. */
export const HEADINGS = {
  lost: ["A1", "A2", "A16"],
  duplicated: ["A5", "A6"],
  reordered: ["A8", "A9", "A10", "A18"],
  divergent: ["A14", "A15", "A17", "A19"],
  unannounced: ["A11", "A12", "A13"],
  needlessEpochs: ["A20"],
  wrongAnswers: ["A3", "A4", "A7"],
} as const satisfies Record<string, readonly AnomalyName[]>;

export type Counted = Record<keyof typeof HEADINGS, number>;

/** What one fault has cost. */
export interface FaultRow extends Counted {
  /** `family: fault` */
  readonly fault: string;
  /** How many times it was really done. */
  readonly cycles: number;
  /** What clients asked for, or what was looked at, meanwhile. */
  readonly operations: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** From the fault to the next acknowledgement, milliseconds; undefined where nothing had to recover. */
  readonly recoveryMs?: { readonly median: number; readonly max: number };
  /** The hub's private memory at its peak; undefined where no hub's process ran. */
  readonly peakMiB?: number;
  /** From publish to arrival at somebody who has nothing to do with it, 99 of 100 messages, milliseconds: without it, meanwhile, and how many times as much that is. */
  readonly bystanderP99Ms?: { readonly quiet: number; readonly meanwhile: number; readonly ratio: number };
}

/** Nothing found. */
export const NOTHING: Counted = {
  lost: 0,
  duplicated: 0,
  reordered: 0,
  divergent: 0,
  unannounced: 0,
  needlessEpochs: 0,
  wrongAnswers: 0,
};

/** Adds a row; before what it says is asserted, so that a finding is in the table as well. */
export function addRow(row: FaultRow): void {
  appendFileSync(inject("faultRows"), `${JSON.stringify(row)}\n`);
}

/** Anomalies under their headings. */
export function countedOf(anomalies: readonly { readonly name: AnomalyName }[]): Counted {
  const counted = Object.entries(HEADINGS).map(([heading, names]) => [
    heading,
    anomalies.filter(({ name }) => (names as readonly AnomalyName[]).includes(name)).length,
  ]);
  return Object.fromEntries(counted) as Counted;
}

/** Median and maximum; undefined of nothing. */
export function spreadOf(values: readonly number[]): FaultRow["recoveryMs"] {
  const ascending = values.toSorted((a, b) => a - b);
  const median = ascending[ascending.length >> 1];
  const max = ascending.at(-1);
  return median === undefined || max === undefined ? undefined : { median, max };
}

/**
 * Adds the row of a run of the workload, or of several, one after another.
 *
 * @param since what the recovery is counted from: the beginning of a fault, or its end, where it takes a time of its own; or the times that the
 *   injections have measured themselves, milliseconds
 */
export function addRunRow(
  fault: string,
  runs: RunResult | readonly RunResult[],
  since: "beginning" | "end" | readonly number[] = "beginning",
): void {
  const all = Array.isArray(runs) ? (runs as readonly RunResult[]) : [runs as RunResult];
  const sum = (of: (counts: RunResult["counts"]) => number): number =>
    all.reduce((total, { counts }) => total + of(counts), 0);
  const recoveryMs = spreadOf(
    typeof since === "string" ? all.flatMap(({ history }) => recoveriesOf(history, since)) : since,
  );
  addRow({
    fault,
    cycles: sum(({ faults }) => faults),
    operations: sum(({ publishes }) => publishes),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    delivered: sum(({ delivered }) => delivered),
    ...countedOf(all.flatMap(({ anomalies }) => anomalies)),
    ...(recoveryMs === undefined ? {} : { recoveryMs }),
    peakMiB: Math.round(Math.max(...all.map(({ peakBytes }) => peakBytes)) / 1024 ** 2),
  });
}

/** From each fault to the first acknowledgement after it was over. */
export function recoveriesOf(history: History, since: "beginning" | "end"): number[] {
  return recoveriesByFault([history], since).flatMap(({ recoveriesMs }) => recoveriesMs);
}

/** What was done how often, and how long each time it took until something was acknowledged again. */
export interface FaultRecoveries {
  readonly fault: string;
  count: number;
  readonly recoveriesMs: number[];
}

export function recoveriesByFault(
  histories: readonly History[],
  since: "beginning" | "end" = "beginning",
): FaultRecoveries[] {
  const byFault = new Map<string, FaultRecoveries>();
  for (const history of histories) {
    let begun = 0;
    let open: FaultRecoveries | undefined;
    for (const event of history) {
      if (event.type === "injected") [begun, open] = [event.at, undefined];
      if (event.type === "fault") {
        open = byFault.get(event.name) ?? { fault: event.name, count: 0, recoveriesMs: [] };
        byFault.set(event.name, open);
        open.count++;
        if (since === "end") begun = event.at;
      }
      if (event.type !== "published" || open === undefined) continue;
      open.recoveriesMs.push(event.at - begun);
      open = undefined;
    }
  }
  return [...byFault.values()];
}
