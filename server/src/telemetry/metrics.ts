/**
 * The hub's metrics: the rows of metric-table.ts over prom-client's registry. A scrape reads the counters of all rooms.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { CountedHistogram } from "./counted-histogram.js";
import type { MetricSources } from "./metric-sources.js";
import { METRIC_TABLE, type Row, type Sample } from "./metric-table.js";

/** Gauges of prom-client whose names say that they are counters; the same numbers are there by type. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** The hub's metrics. */
export interface Metrics {
  /** The exposition format's `Content-Type`. */
  readonly contentType: string;
  /** All numbers as Prometheus text. */
  text(): Promise<string>;
  /** A sync to the storage device took so long. */
  observeSync(tookMs: number): void;
}

/**
 * Sets up all rows of the table, and those of the process: memory, processor, event-loop delay, collections.
 *
 * @param read takes a look at all counters; called once per scrape, since some gauges cost a look at each cursor
 */
export function createMetrics(read: () => MetricSources): Metrics {
  const registry = new Registry();
  let scraped: MetricSources | undefined;
  const sources = (): MetricSources => (scraped ??= read());
  for (const [name, row] of Object.entries(METRIC_TABLE)) register(registry, name, row, sources);
  const syncs = new Histogram({
    name: "ringcast_sync_seconds",
    help: "How long syncs to the storage device took.",
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return {
    contentType: registry.contentType,
    text: () => {
      scraped = undefined;
      return registry.metrics();
    },
    observeSync: (tookMs) => syncs.observe(tookMs / 1000),
  };
}

function register(registry: Registry, name: string, row: Row, sources: () => MetricSources): void {
  if (row.type === "histogram") {
    registry.registerMetric(new CountedHistogram(name, row, sources));
    return;
  }
  const options = { name, help: row.help, labelNames: [...(row.labels ?? [])], registers: [registry] };
  if (row.type === "gauge") {
    const metric: Gauge = new Gauge({
      ...options,
      collect: () => each(row.read(sources()), (labels, value) => metric.set(labels, value)),
    });
    return;
  }
  const metric: Counter = new Counter({
    ...options,
    collect: () => {
      metric.reset();
      each(row.read(sources()), (labels, value) => metric.inc(labels, value));
    },
  });
}

function each(
  read: number | readonly Sample[],
  use: (labels: Record<string, string | number>, value: number) => void,
): void {
  if (typeof read === "number") use({}, read);
  else for (const [labels, value] of read) use({ ...labels }, value);
}
