/** What a scenario came to: the content of `bench/results/<scenario>.json`. */
import type { FigureName, Figures } from "./figures.js";
import type { Machine } from "./machine.js";

export interface ScenarioResult {
  readonly scenario: string;
  readonly title: string;
  readonly rows: readonly RowResult[];
}

/** Where, when and how rows were measured. */
export interface Run {
  readonly machine: Machine;
  /** Commit of the tree that was measured, `+` behind it when there were changes. */
  readonly commit: string;
  readonly command: string;
  /** When it began, ISO 8601. */
  readonly date: string;
  /** Length of a window. */
  readonly seconds: number;
  readonly rounds: number;
  /** Version of each server that was there. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A server that is not installed. */
export interface Skipped {
  readonly name: string;
  /** Command that installs it. */
  readonly install: string;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  /** What the figures with "each" are divided by: `delivery`, `record`. */
  readonly unit: string;
  /** What the row shows; the first is what bars compare. */
  readonly figures: readonly FigureName[];
  /** What keeps the figures from being better. */
  readonly limit?: string;
  readonly series: readonly Series[];
  readonly run: Run;
}

/** One server in one row. */
export interface Series {
  readonly name: string;
  /** Every turn as it was, in order. */
  readonly rounds: readonly Figures[];
  /** Turns that came to nothing, and why. */
  readonly failures: readonly string[];
  /** What is to be known when it is compared. */
  readonly notes?: readonly string[];
}

/** The middle of several turns, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @returns undefined when no turn has the figure */
export function spreadOf(series: Series, name: FigureName): Spread | undefined {
  const values = series.rounds.map((figures) => figures[name]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1]!;
  const lower = sorted[(sorted.length - 1) >> 1]!;
  return { median: (lower + upper) / 2, min: sorted[0]!, max: sorted.at(-1)! };
}

const BUSY_GENERATOR = 0.95;
const BUSY_SERVER = 0.9;

/**
 * Whether the load generator was what held the turns up: a thread of it had no time left, and the server still had. What the server could have delivered is unknown
 * then; its processor time for each record stands.
 */
export function isGeneratorBound(series: Series): boolean {
  const generator = spreadOf(series, "generatorBusy")?.median;
  const server = spreadOf(series, "serverCores")?.median;
  return generator !== undefined && server !== undefined && generator > BUSY_GENERATOR && server < BUSY_SERVER;
}
