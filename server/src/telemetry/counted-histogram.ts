/** A histogram that was counted elsewhere, in the shape that prom-client's registry prints. */
import { Histogram } from "prom-client";
import type { BucketCounts, MetricSources } from "./metric-sources.js";
import type { HistogramRow, Labels } from "./metric-table.js";

interface PrintedValue {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

export class CountedHistogram extends Histogram {
  readonly #name: string;
  readonly #row: HistogramRow;
  readonly #sources: () => MetricSources;

  constructor(name: string, row: HistogramRow, sources: () => MetricSources) {
    super({ name, help: row.help, registers: [] });
    this.#name = name;
    this.#row = row;
    this.#sources = sources;
  }

  /** What the registry asks every histogram for; missing in the library's types. */
  getForPromString(): Promise<object> {
    const values = valuesOf(this.#name, this.#row.read(this.#sources()));
    return Promise.resolve({ name: this.#name, help: this.#row.help, type: "histogram", values });
  }
}

/** Buckets of the exposition format are cumulative; the last one counts all. */
function valuesOf(name: string, { bounds, counts, sum }: BucketCounts): readonly PrintedValue[] {
  let total = 0;
  const buckets = counts.map((count, index): PrintedValue => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? "+Inf" }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: total },
  ];
}
