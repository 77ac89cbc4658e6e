/**
 * What a delivery and an acknowledged record cost the hub, beside raw uWebSockets.js in the same run, in turns: never an absolute time, and with margins so wide that
 * only something that has gone wrong goes past them.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { spreadOf, type RowResult } from "../../bench/report/result.js";
import { tempDir } from "../support/temp-dir.js";

const ROOT = join(import.meta.dirname, "../..");
const HUB = "Ringcast";
const RAW = "raw uWebSockets.js";
/** uWebSockets.js has no build for newer ones. */
const hasUws = Number(process.versions.node.split(".")[0]) <= 22;

describe.skipIf(!hasUws)("beside raw uWebSockets.js", { timeout: 120_000 }, () => {
  test("a delivery at saturation costs less than half", async () => {
    expect(await ratioOf("fanout/100x128")).toBeLessThan(0.5);
  });

  test("an acknowledged record, which it stores, costs less than ten times an echo", async () => {
    expect(await ratioOf("ingest/pipelined")).toBeLessThan(10);
  });
});

/** The hub's processor time for each to that of raw uWebSockets.js: the best turn of both, which other work on the machine has disturbed least. */
async function ratioOf(id: string): Promise<number> {
  const [scenario = ""] = id.split("/");
  using results = tempDir();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...["--import", "tsx", "bench/run.ts", scenario, "--only", id, "--peers", `${HUB},${RAW}`, "--json"],
      ...["--rounds", "2", "--seconds", "0.5", "--warm-up", "0.25", "--results", results.path],
    ],
    { cwd: ROOT, env: { ...process.env, RINGCAST_LAUNCHER: inject("launcher") } },
  );
  const { rows } = JSON.parse(stdout) as { readonly rows: readonly RowResult[] };
  const row = rows.find((each) => each.id === id);
  const best = (name: string): number => {
    const series = row?.series.find((each) => each.name === name);
    const spread = series === undefined ? undefined : spreadOf(series, "cpuNs");
    if (spread === undefined) throw new Error(`${name} was not measured: ${series?.failures.join(" ")}`);
    return spread.min;
  };
  return best(HUB) / best(RAW);
}
