/** Where the processor time of a delivery or a record goes: the content of `bench/results/parts.json`, and its table. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figureText } from "./figures.js";
import { spreadOf, type RowResult, type Run } from "./result.js";
import type { Table } from "./table.js";

/** `transport`: uWebSockets.js. `script`: JavaScript, as V8 has compiled or interprets it. `runtime`: everything else, V8's collector, Node and libc above all. */
export type Part = "kernel" | "transport" | "script" | "runtime";

/** Shares of the processor time of a process, 0 to 1. */
export type Parts = Readonly<Record<Part, number>>;

/** Of one row. */
export interface RowParts {
  /** Of the tree that was looked at, see {@link Run.commit}. */
  readonly commit: Run["commit"];
  /** ISO 8601. */
  readonly date: string;
  /** By the name of the server. */
  readonly servers: Readonly<Record<string, Parts>>;
}

/** By the id of the row. */
export type PartsOfRows = Readonly<Record<string, RowParts>>;

const LABELS: Readonly<Record<Part, string>> = {
  kernel: "kernel",
  transport: "uWebSockets.js",
  script: "JavaScript",
  runtime: "all else",
};
const PARTS = Object.keys(LABELS) as readonly Part[];
const FILE = "parts.json";

/** Where the time of each row and server goes, as far as it was looked at. */
export function readParts(directory: string): PartsOfRows {
  const path = join(directory, FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as PartsOfRows) : {};
}

/** Adds a row to what is known, in place of what was known of it. */
export function writeParts(row: string, parts: RowParts, directory: string): void {
  mkdirSync(directory, { recursive: true });
  const all = { ...readParts(directory), [row]: parts };
  writeFileSync(join(directory, FILE), `${JSON.stringify(all, (_key, value: unknown) => rounded(value), 1)}\n`);
}

/** Commits and days of all that is known: `fc10d21 on 2026-11-22`. */
export function partsOrigin(known: PartsOfRows): string {
  return [...new Set(Object.values(known).map(({ commit, date }) => `${commit} on ${date.slice(0, 10)}`))].join(", ");
}

/** A line for each row and server of which both the time and its parts are known. */
export function partsTable(rows: readonly RowResult[], known: PartsOfRows): Table {
  return {
    title: "Where the processor time goes",
    head: ["", "", "server CPU each", ...PARTS.map((part) => LABELS[part]), ""],
    body: rows.flatMap((row) =>
      Object.entries(known[row.id]?.servers ?? {}).flatMap(([name, parts]) => {
        const line = partsLine(row, name, parts);
        return line === undefined ? [] : [line];
      }),
    ),
  };
}

function partsLine(row: RowResult, name: string, parts: Parts): readonly string[] | undefined {
  const series = row.series.find((each) => each.name === name);
  const spread = series === undefined ? undefined : spreadOf(series, "cpuNs");
  if (spread === undefined) return undefined;
  const cells = PARTS.map((part) => figureText("cpuNs", spread.median * parts[part]));
  return [row.title, name, figureText("cpuNs", spread.median), ...cells, ""];
}

function rounded(value: unknown): unknown {
  return typeof value === "number" ? Number(value.toFixed(3)) : value;
}
