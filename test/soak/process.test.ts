/** The hub's process is killed, stopped and stalled while everybody works on it. */
import { describe, expect, it } from "vitest";
import { kill, killAgain, stall, stallFor, terminate } from "../fault/workload/injections/process.js";
import { run, type Injection, type RunResult } from "../fault/workload/run.js";
import { startHub } from "../support/hub.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { addRunRow, recoveriesOf } from "./rows.js";
import { cycles, SEED } from "./scale.js";

/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 20_000;
/** Cycles of one run: what happened in a run is kept until it is judged. */
const RUN_CYCLES = 50;
const LONG_STALL_MS = 30_000;
const RECOVERED_MS = 5_000;

const FAULTS = [
  { name: "SIGKILL", injection: kill, count: cycles(50, 1_000) },
  { name: "SIGKILL, again at the start", injection: killAgain, count: cycles(8, 200) },
  { name: "SIGTERM", injection: terminate, count: cycles(12, 250) },
  { name: "SIGSTOP", injection: stall, count: cycles(12, 250) },
] as const;

const TITLE = `faults of the hub's process under load (RINGCAST_SEED=${SEED})`;

// Beside the half minute in which the other hub does nothing: each has its own, and its own clients.
describe.concurrent(TITLE, () => {
  it.each(FAULTS)(
    "$name, $count times",
    { concurrent: false, timeout: Math.max(...FAULTS.map(({ count }) => count)) * CYCLE_MS + 30_000 },
    async ({ name, injection, count }) => {
      const results = await runInParts(injection, count);

      addRunRow(`process: ${name}`, results);
      expect(results.flatMap(({ anomalies }) => anomalies)).toEqual([]);
      expect(results.flatMap(({ vacuous }) => vacuous)).toEqual([]);
    },
  );
});

describe.concurrent(TITLE, () => {
  it(
    "SIGSTOP for half a minute: everybody is served again soon after",
    async () => {
      const results = await runInParts(stallFor(LONG_STALL_MS), cycles(1, 10));

      addRunRow("process: SIGSTOP 30 s", results, "end");
      expect(results.flatMap(({ anomalies }) => anomalies)).toEqual([]);
      expect(results.flatMap(({ vacuous }) => vacuous)).toEqual([]);
      const recoveries = results.flatMap(({ history }) => recoveriesOf(history, "end"));
      expect(Math.max(...recoveries)).toBeLessThan(RECOVERED_MS);
    },
    cycles(1, 10) * (LONG_STALL_MS + CYCLE_MS) + 30_000,
  );
});

/** Each run on a hub and a seed of its own, over one transport after the other. */
async function runInParts(injection: Injection, count: number): Promise<RunResult[]> {
  const results: RunResult[] = [];
  const part = Math.min(RUN_CYCLES, Math.ceil(count / TRANSPORTS.length));
  for (let left = count; left > 0; left -= part) {
    const transport = TRANSPORTS[results.length % TRANSPORTS.length] as TransportName;
    await using hub = await startHub({ args: ["--drain-timeout-ms", "200", "--transport", transport] });
    const faults = Math.min(left, part);
    const injections = Array.from({ length: faults }, () => injection);
    const demands = { acknowledged: faults * 30, faults };
    results.push(await run({ hub, seed: SEED + results.length, injections, demands }));
  }
  return results;
}
