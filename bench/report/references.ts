/**
 * What the others came to on the machine where the targets were set, two cores of the same kind, with a load generator in C. A target in nanoseconds is about that
 * machine; how far another one is from it shows in what the same servers come to there.
 */
import { FIGURES, figureText, type FigureName } from "./figures.js";
import { spreadOf, type RowResult } from "./result.js";
import type { Table } from "./table.js";

interface Reference {
  readonly row: string;
  readonly name: string;
  readonly figure: FigureName;
  readonly value: number;
}

const RAW = "raw uWebSockets.js";

function reference(row: string, name: string, figure: FigureName, value: number): Reference {
  return { row, name, figure, value };
}

const REFERENCES: readonly Reference[] = [
  reference("fanout/1000x128", "NATS", "cpuNs", 391),
  reference("fanout/1000x128", RAW, "cpuNs", 3_748),
  reference("fanout/100x128", "NATS", "cpuNs", 162),
  reference("fanout/1x128-batches", "NATS", "cpuNs", 495),
  reference("latency/1", RAW, "p50Us", 98),
  reference("latency/1", RAW, "p99Us", 192),
  reference("latency/100", RAW, "p50Us", 288),
  reference("latency/100", RAW, "p99Us", 541),
  reference("multiplex/1000x10", RAW, "cpuNs", 2_300),
  reference("multiplex/1000x10", "NATS", "cpuNs", 3_900),
  reference("ingest/pipelined", RAW, "cpuNs", 490),
  reference("ingest/pipelined", "NATS JetStream", "cpuNs", 2_800),
  reference("ingest/batches", RAW, "cpuNs", 42),
  reference("ingest/synced-single", "Redis AOF always", "perSecond", 3_200),
  reference("ingest/synced-pipelined", "Redis AOF always", "perSecond", 287_000),
  reference("ingest/http-1", RAW, "cpuNs", 11_000),
  reference("ingest/http-1", "node:http", "cpuNs", 15_700),
  reference("ingest/http-10", RAW, "cpuNs", 5_600),
  reference("ingest/http-10", "node:http", "cpuNs", 24_100),
  reference("replay/1", "Redis", "cpuNs", 338),
  reference("replay/1", "NATS JetStream", "cpuNs", 1_217),
  reference("storm/5000", RAW, "wallMs", 252),
  reference("storm/5000", "NATS", "wallMs", 723),
];

/** The same servers on the two machines, with how many times as much they take here. */
export function referenceTable(rows: readonly RowResult[]): Table {
  return {
    title: "The same servers where the targets were set, and here",
    head: ["", "", "", "there", "here", "times", ""],
    body: REFERENCES.flatMap((each) => {
      const line = lineOf(each, rows);
      return line === undefined ? [] : [line];
    }),
  };
}

function lineOf({ row, name, figure, value }: Reference, rows: readonly RowResult[]): readonly string[] | undefined {
  const result = rows.find(({ id }) => id === row);
  const series = result?.series.find((each) => each.name === name);
  const here = series === undefined ? undefined : spreadOf(series, figure)?.median;
  if (result === undefined || here === undefined) return undefined;
  const { better, label } = FIGURES[figure];
  const times = better === "lower" ? here / value : value / here;
  const what = label.replace(/each$/, `a ${result.unit}`);
  return [result.title, name, what, figureText(figure, value), figureText(figure, here), times.toPrecision(2), ""];
}
