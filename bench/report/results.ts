/** `bench/results/<scenario>.json`: the latest of each row, with every turn as it was. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RowResult, ScenarioResult } from "./result.js";

/** What is known of a scenario here. */
interface Named {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly { readonly id: string }[];
}

/** Where they are kept unless somebody wants them elsewhere. */
export const RESULTS = join(dirname(fileURLToPath(import.meta.url)), "../results");

/** What of these scenarios has been measured, each row as it was the last time. */
export function readResults(scenarios: readonly Named[], directory: string): readonly ScenarioResult[] {
  return scenarios.map((scenario) => readResult(scenario, directory)).filter(({ rows }) => rows.length > 0);
}

/** Puts rows into their scenario's file, in place of what it had of them. Rows that the scenario no longer has go. */
export function writeResults(scenario: Named, rows: readonly RowResult[], directory: string): void {
  const before = readResult(scenario, directory).rows;
  const now = scenario.rows
    .map(({ id }) => rows.find((row) => row.id === id) ?? before.find((row) => row.id === id))
    .filter((row) => row !== undefined);
  const result: ScenarioResult = { scenario: scenario.name, title: scenario.title, rows: now };
  mkdirSync(directory, { recursive: true });
  writeFileSync(pathOf(scenario, directory), `${JSON.stringify(result, rounded, 1)}\n`);
}

function readResult(scenario: Named, directory: string): ScenarioResult {
  const path = pathOf(scenario, directory);
  if (!existsSync(path)) return { scenario: scenario.name, title: scenario.title, rows: [] };
  return JSON.parse(readFileSync(path, "utf8")) as ScenarioResult;
}

function pathOf({ name }: Named, directory: string): string {
  return join(directory, `${name}.json`);
}

const DIGITS = 6;

/** No measurement has more digits than that. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}
