/** What a soak has done and found, told as it goes and at the end. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { groupBy } from "../../fault/history/history-index.js";
import type { RunResult } from "../../fault/workload/run.js";
import type { Footprint } from "../../support/footprint.js";
import { countedOf, recoveriesByFault, spreadOf, type FaultRecoveries } from "../rows.js";

const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "../../fault/results");
const MEBIBYTE = 2 ** 20;

/** Some time with everybody at work on new topics of one hub. */
export interface Round {
  readonly hub: string;
  readonly seed: number;
  readonly result: RunResult;
  /** When all clients had gone; undefined where the process didn't live through all rounds. */
  readonly footprint: Footprint | undefined;
}

/** What is kept of a round: its history is too long to be kept for hours. */
interface Kept {
  readonly counts: RunResult["counts"];
  readonly anomalies: RunResult["anomalies"];
  readonly faults: readonly FaultRecoveries[];
}

export class Report {
  readonly #rounds: Kept[] = [];
  /** Of rounds after which the process was looked at, in their order. */
  readonly footprints: Footprint[] = [];
  readonly #startedAt = performance.now();
  readonly #problems: string[] = [];

  /** Prints a line, and what was found wrong. */
  add({ hub, seed, result, footprint }: Round): void {
    const { counts, anomalies, vacuous, history } = result;
    this.#rounds.push({ counts, anomalies, faults: recoveriesByFault([history]) });
    if (footprint !== undefined) this.footprints.push(footprint);
    const minutes = ((performance.now() - this.#startedAt) / 60_000).toFixed(1);
    const held = footprint === undefined ? "" : `, holds ${mebibytes(footprint)} MiB and ${footprint.handles} handles`;
    const done = `${counts.faults} faults, ${counts.acknowledged} acknowledged, ${counts.delivered} delivered`;
    console.log(`${minutes} min, ${hub}, seed ${seed}: ${done}, ${anomalies.length} anomalies${held}`);
    for (const { name, what } of anomalies) this.problem(`${hub}, seed ${seed}: ${name}: ${what}`);
    for (const what of vacuous) this.problem(`${hub}, seed ${seed}: the round says nothing: ${what}`);
  }

  problem(what: string): void {
    this.#problems.push(what);
    console.error(what);
  }

  get isSound(): boolean {
    return this.#problems.length === 0;
  }

  /** Prints the table and writes `test/fault/results/soak.json`. */
  finish(options: { readonly minutes: number; readonly seed: number }): void {
    const faults = this.#faults();
    console.table(Object.fromEntries(faults.map(({ fault, count, recoveryMs }) => [fault, rowOf(count, recoveryMs)])));
    const totals = this.#totals();
    console.table(totals);
    mkdirSync(RESULTS, { recursive: true });
    const problems = this.#problems;
    const memoryMiB = this.footprints.map(mebibytes);
    const handles = this.footprints.map((each) => each.handles);
    const report = { node: process.version, ...options, totals, faults, memoryMiB, handles, problems };
    writeFileSync(join(RESULTS, "soak.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  }

  #faults(): { readonly fault: string; readonly count: number; readonly recoveryMs: ReturnType<typeof spreadOf> }[] {
    const all = groupBy(
      this.#rounds.flatMap(({ faults }) => faults),
      ({ fault }) => fault,
    );
    return [...all].map(([fault, each]) => ({
      fault,
      count: each.reduce((sum, { count }) => sum + count, 0),
      recoveryMs: spreadOf(each.flatMap(({ recoveriesMs }) => recoveriesMs)),
    }));
  }

  #totals(): Record<string, number> {
    const sum = (of: (round: Kept) => number): number => this.#rounds.reduce((all, round) => all + of(round), 0);
    return {
      rounds: this.#rounds.length,
      faults: sum(({ counts }) => counts.faults),
      operations: sum(({ counts }) => counts.publishes),
      acknowledged: sum(({ counts }) => counts.acknowledged),
      delivered: sum(({ counts }) => counts.delivered),
      ...countedOf(this.#rounds.flatMap(({ anomalies }) => anomalies)),
    };
  }
}

function rowOf(count: number, recoveryMs: ReturnType<typeof spreadOf>): Record<string, number | string> {
  return { count, "recovery ms (max)": recoveryMs === undefined ? "" : `${recoveryMs.median} (${recoveryMs.max})` };
}

function mebibytes({ rssAnonBytes }: Footprint): number {
  return Math.round(rssAnonBytes / MEBIBYTE);
}
