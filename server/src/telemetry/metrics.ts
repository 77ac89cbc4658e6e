/**
 * Every number the hub tells Prometheus, in one table. The rooms count for themselves; a scrape reads their counters, so that
 * counting costs an addition and telemetry knows nobody.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Where the numbers come from. Totals since the start, except where it says gauge. */
export interface MetricSources {
  readonly build: { readonly version: string; readonly node: string; readonly transport: string };
  readonly hub: {
    readonly subscriptions: number;
    readonly cursors: number;
    readonly topics: number;
    readonly inflightPublishes: number;
    readonly publishes: number;
    readonly duplicates: number;
    readonly appendedRecords: number;
    readonly appendedBytes: number;
    readonly deliveredRecords: number;
    readonly deliveredBytes: number;
    readonly builtFrames: number;
    readonly deliveredFrames: number;
    readonly flushes: number;
    readonly flushMs: number;
    readonly gaps: Readonly<Record<string, number>>;
  };
  readonly sessions: {
    /** Gauge. */
    readonly connections: number;
    readonly opened: number;
    readonly receivedFrames: number;
    readonly receivedBytes: number;
    readonly errors: ReadonlyMap<string, number>;
    readonly closes: ReadonlyMap<number, number>;
  };
  readonly http: {
    /** Gauge. */
    readonly streams: number;
    readonly responses: ReadonlyMap<number, number>;
    readonly errors: ReadonlyMap<string, number>;
  };
  readonly transport: {
    /** Requests that the transport refused by itself, by protocol error code. */
    readonly refused: ReadonlyMap<string, number>;
  };
  readonly log: {
    /** Gauge. */
    readonly totalBytes: number;
    /** Gauge. */
    readonly mappedBytes: number;
    /** Gauge: partitions that take nothing because their storage failed. */
    readonly failedPartitions: number;
  };
}

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [Labels, number];

interface Row {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (sources: MetricSources) => number | readonly Sample[];
}

const TABLE: Readonly<Record<string, Row>> = {
  ringcast_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what runs.",
    labels: ["version", "node", "transport"],
    read: ({ build }) => [[build, 1]],
  },
  ringcast_connections: gauge("WebSocket connections that are open.", (s) => s.sessions.connections),
  ringcast_connections_opened_total: counter("WebSocket connections opened.", (s) => s.sessions.opened),
  ringcast_connections_closed_total: {
    type: "counter",
    help: "Connections closed by the hub, by WebSocket close code.",
    labels: ["code"],
    read: ({ sessions }) => samples("code", sessions.closes),
  },
  ringcast_event_streams: gauge("Server-Sent Events streams that are open.", (s) => s.http.streams),
  ringcast_subscriptions: gauge("Subscriptions of all connections and streams.", (s) => s.hub.subscriptions),
  ringcast_cursors: gauge("Partitions being read, over all subscriptions.", (s) => s.hub.cursors),
  ringcast_topics: gauge("Topics.", (s) => s.hub.topics),
  ringcast_publishes_total: counter("Publish requests carried out.", (s) => s.hub.publishes),
  ringcast_duplicate_publishes_total: counter("Repeated publish requests, not stored again.", (s) => s.hub.duplicates),
  ringcast_inflight_publishes: gauge("Publishes waiting for the storage device.", (s) => s.hub.inflightPublishes),
  ringcast_appended_records_total: counter("Records stored.", (s) => s.hub.appendedRecords),
  ringcast_appended_bytes_total: counter("Bytes of key, headers and data stored.", (s) => s.hub.appendedBytes),
  ringcast_delivered_records_total: counter("Records sent, over all readers.", (s) => s.hub.deliveredRecords),
  ringcast_delivered_bytes_total: counter("Bytes of frames sent, over all readers.", (s) => s.hub.deliveredBytes),
  ringcast_frames_built_total: counter("Frames made.", (s) => s.hub.builtFrames),
  ringcast_frames_delivered_total: counter(
    "Frames sent; one that is shared counts for each.",
    (s) => s.hub.deliveredFrames,
  ),
  ringcast_flushes_total: counter("Flushes, at most one per turn of the event loop.", (s) => s.hub.flushes),
  ringcast_flush_seconds_total: counter("Time spent in flushes.", (s) => s.hub.flushMs / 1000),
  ringcast_gaps_total: {
    type: "counter",
    help: "Losses announced to readers, by reason.",
    labels: ["reason"],
    read: ({ hub }) => samples("reason", new Map(Object.entries(hub.gaps))),
  },
  ringcast_received_frames_total: counter("WebSocket messages received.", (s) => s.sessions.receivedFrames),
  ringcast_received_bytes_total: counter("Bytes of WebSocket messages received.", (s) => s.sessions.receivedBytes),
  ringcast_rejected_requests_total: {
    type: "counter",
    help: "Requests refused, by error code and by what they came in.",
    labels: ["code", "via"],
    read: ({ sessions, http, transport }) => [
      ...samples("code", sessions.errors, { via: "websocket" }),
      ...samples("code", http.errors, { via: "http" }),
      ...samples("code", transport.refused, { via: "transport" }),
    ],
  },
  ringcast_http_responses_total: {
    type: "counter",
    help: "HTTP answers, by status.",
    labels: ["status"],
    read: ({ http }) => samples("status", http.responses),
  },
  ringcast_log_bytes: gauge("Bytes that all logs take.", (s) => s.log.totalBytes),
  ringcast_log_mapped_bytes: gauge("Bytes of logs mapped into memory.", (s) => s.log.mappedBytes),
  ringcast_log_failed_partitions: gauge(
    "Partitions refusing publishes after a storage error.",
    (s) => s.log.failedPartitions,
  ),
};

/** The hub's metrics. */
export interface Metrics {
  /** The exposition format's `Content-Type`. */
  readonly contentType: string;
  /** All numbers as Prometheus text. */
  text(): Promise<string>;
  /** A sync to the storage device took so long. */
  observeSync(tookMs: number): void;
}

/** Sets up all rows of the table, and those of the process: memory, processor, event-loop delay, collections. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  for (const [name, row] of Object.entries(TABLE)) register(registry, name, row, sources);
  const syncs = new Histogram({
    name: "ringcast_sync_seconds",
    help: "How long syncs to the storage device took.",
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observeSync: (tookMs) => syncs.observe(tookMs / 1000),
  };
}

function register(registry: Registry, name: string, row: Row, sources: MetricSources): void {
  const options = { name, help: row.help, labelNames: [...(row.labels ?? [])], registers: [registry] };
  if (row.type === "gauge") {
    const metric: Gauge = new Gauge({
      ...options,
      collect: () => each(row.read(sources), (labels, value) => metric.set(labels, value)),
    });
    return;
  }
  const metric: Counter = new Counter({
    ...options,
    collect: () => {
      metric.reset();
      each(row.read(sources), (labels, value) => metric.inc(labels, value));
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

function gauge(help: string, read: (sources: MetricSources) => number): Row {
  return { type: "gauge", help, read };
}

function counter(help: string, read: (sources: MetricSources) => number): Row {
  return { type: "counter", help, read };
}

function samples(label: string, counts: ReadonlyMap<string | number, number>, more: Labels = {}): Sample[] {
  return [...counts].map(([value, count]) => [{ [label]: value, ...more }, count]);
}
