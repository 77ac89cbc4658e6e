/** Where the processor time of a delivery or a record goes: the content of `bench/results/parts.json`, and its table. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figureText } from "./figures.js";
import { spreadOf, type RowResult } from "./result.js";
import type { Table } from "./table.js";

/** `transport`: uWebSockets.js. `script`: JavaScript, as V8 has compiled or interprets it. `runtime`: everything else, V8's collector, Node and libc above all. */
export type Part = "kernel" | "transport" | "script" | "runtime";

/** Shares of the processor time of a process, 0 to 1. */
export type Parts = Readonly<Record<Part, number>>;

/** Of a row, by the name of the server. */
export type PartsOfRows = Readonly<Record<string, Readonly<Record<string, Parts>>>>;

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
export function writeParts(row: string, parts: Readonly<Record<string, Parts>>, directory: string): void {
  mkdirSync(directory, { recursive: true });
  const all = { ...readParts(directory), [row]: parts };
  writeFileSync(join(directory, FILE), `${JSON.stringify(all, (_key, value: unknown) => rounded(value), 1)}\n`);
}

/** A line for each row and server of which both the time and its parts are known. */
export function partsTable(rows: readonly RowResult[], known: PartsOfRows): Table {
  return {
    title: "Where the processor time goes",
    head: ["", "", "server CPU each", ...PARTS.map((part) => LABELS[part]), ""],
    body: rows.flatMap((row) =>
      Object.entries(known[row.id] ?? {}).flatMap(([name, parts]) => {
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
