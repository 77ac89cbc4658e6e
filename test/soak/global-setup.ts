/** Collects the rows of all tests, and prints the table when all have run. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import type { FaultRow } from "./rows.js";

const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "../fault/results");
/** Of this run alone: another one may be under way in the same tree. */
const ROWS = join(RESULTS, `rows-${process.pid}.ndjson`);

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the file that rows are added to. */
    faultRows: string;
  }
}

export function setup(project: TestProject): void {
  mkdirSync(RESULTS, { recursive: true });
  rmSync(ROWS, { force: true });
  project.provide("faultRows", ROWS);
}

export function teardown(): void {
  if (!existsSync(ROWS)) return;
  const rows = readFileSync(ROWS, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as FaultRow)
    .toSorted((a, b) => (a.fault < b.fault ? -1 : 1));
  console.table(Object.fromEntries(rows.map(({ fault, ...row }) => [fault, cellsOf(row)])));
  writeFileSync(join(RESULTS, "faults.json"), `${JSON.stringify({ node: process.version, rows }, undefined, 2)}\n`);
  rmSync(ROWS);
}

function cellsOf(row: Omit<FaultRow, "fault">): Record<string, number | string> {
  const { recoveryMs, peakMiB, bystanderP99Ms: p99, ...counts } = row;
  return {
    ...counts,
    "recovery ms (max)": recoveryMs === undefined ? "" : `${recoveryMs.median} (${recoveryMs.max})`,
    "peak MiB": peakMiB ?? "",
    "bystander's p99 ms (ratio)": p99 === undefined ? "" : `${p99.quiet} → ${p99.meanwhile} (${p99.ratio})`,
  };
}
