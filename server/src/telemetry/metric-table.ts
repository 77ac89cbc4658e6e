/** Every number the hub tells Prometheus, in one table. */
import type { BucketCounts, MetricSources } from "./metric-sources.js";

export type Labels = Readonly<Record<string, string | number>>;
export type Sample = readonly [Labels, number];

/** One metric. Label values come from closed sets: codes, reasons, states; never from what strangers send. */
export type Row = NumberRow | HistogramRow;

export interface NumberRow {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (sources: MetricSources) => number | readonly Sample[];
}

export interface HistogramRow {
  readonly type: "histogram";
  readonly help: string;
  readonly read: (sources: MetricSources) => BucketCounts;
}

/** All metrics but those of the process, by name. Units are in the names: seconds, bytes. */
export const METRIC_TABLE: Readonly<Record<string, Row>> = {
  ringcast_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what runs.",
    labels: ["version", "node", "transport"],
    read: ({ build }) => [[build, 1]],
  },
  ringcast_connections: gauge("WebSocket connections that are open.", (s) => s.sessions.connections),
  ringcast_connections_limit: gauge("The most WebSocket connections there may be.", (s) => s.limits.connections),
  ringcast_dialect_connections: {
    type: "gauge",
    help: "WebSocket connections that are open, by dialect.",
    labels: ["dialect"],
    read: ({ sessions }) => samples("dialect", entriesOf(sessions.dialects)),
  },
  ringcast_connections_opened_total: counter("WebSocket connections opened.", (s) => s.sessions.opened),
  ringcast_connections_closed_total: {
    type: "counter",
    help: "Connections closed by the hub, by WebSocket close code.",
    labels: ["code"],
    read: ({ sessions }) => samples("code", sessions.closes),
  },
  ringcast_event_streams: gauge("Server-Sent Events streams that are open.", (s) => s.http.streams),
  ringcast_event_streams_limit: gauge(
    "The most Server-Sent Events streams there may be.",
    (s) => s.limits.eventStreams,
  ),
  ringcast_subscriptions: gauge("Subscriptions of all connections and streams.", (s) => s.hub.subscriptions),
  ringcast_cursors: gauge("Partitions being read, over all subscriptions.", (s) => s.hub.cursors),
  ringcast_cursor_states: {
    type: "gauge",
    help: "Partitions being read, by what holds their cursors: nothing at the head (live), nothing although behind, the window, the socket.",
    labels: ["state"],
    read: ({ hub }) => samples("state", entriesOf(hub.cursorStates)),
  },
  ringcast_lag_records: gauge("Records not yet sent, over all cursors.", (s) => s.hub.lagSum.records),
  ringcast_lag_bytes: gauge("Bytes of log not yet sent, over all cursors.", (s) => s.hub.lagSum.bytes),
  ringcast_lag_seconds: gauge(
    "Age of the oldest record not yet sent, added up over all cursors.",
    (s) => s.hub.lagSum.ms / 1000,
  ),
  ringcast_max_lag_records: gauge("Records not yet sent, of the furthest cursor.", (s) => s.hub.lagMax.records),
  ringcast_max_lag_bytes: gauge("Bytes of log not yet sent, of the furthest cursor.", (s) => s.hub.lagMax.bytes),
  ringcast_max_lag_seconds: gauge("Age of the oldest record not yet sent to a reader.", (s) => s.hub.lagMax.ms / 1000),
  ringcast_topics: gauge("Topics.", (s) => s.hub.topics),
  ringcast_topics_limit: gauge("The most topics there may be.", (s) => s.limits.topics),
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
  ringcast_publish_to_send_seconds: {
    type: "histogram",
    help: "Time from the append of a record to the write of the frame that has it, for readers at the head.",
    read: ({ hub }) => hub.publishToSend,
  },
  ringcast_flush_bytes: {
    type: "histogram",
    help: "Bytes written to one reader in one flush.",
    read: ({ hub }) => hub.flushBytes,
  },
  ringcast_gaps_total: {
    type: "counter",
    help: "Losses announced to readers, by reason.",
    labels: ["reason"],
    read: ({ hub }) => samples("reason", entriesOf(hub.gaps)),
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
  ringcast_log_limit_bytes: gauge("The most bytes that all logs may take; 0: no limit.", (s) => s.limits.dataBytes),
  ringcast_log_mapped_bytes: gauge("Bytes of logs mapped into memory.", (s) => s.log.mappedBytes),
  ringcast_unmapped_logs_total: counter("Logs unmapped to make room for others.", (s) => s.log.unmappedLogs),
  ringcast_page_faults_total: {
    type: "counter",
    help: "Page faults of the process; a major one had to read from the storage device.",
    labels: ["kind"],
    read: ({ log }) => [
      [{ kind: "minor" }, log.minorPageFaults],
      [{ kind: "major" }, log.majorPageFaults],
    ],
  },
  ringcast_block_reads_total: counter(
    "Blocks read off the event loop for readers far behind.",
    (s) => s.log.blockReads,
  ),
  ringcast_block_read_bytes_total: counter("Bytes of these blocks.", (s) => s.log.blockReadBytes),
  ringcast_expired_records_total: counter(
    "Records that retention by age or count has let go.",
    (s) => s.log.expiredRecords,
  ),
  ringcast_log_failed_partitions: gauge(
    "Partitions refusing publishes after a storage error.",
    (s) => s.log.failedPartitions,
  ),
  ringcast_tls_certificate_expiry_timestamp_seconds: {
    type: "gauge",
    help: "When the certificate of the hub ends, as seconds since 1970.",
    read: ({ certificateExpiresMs }) => (certificateExpiresMs === undefined ? [] : [[{}, certificateExpiresMs / 1000]]),
  },
};

function gauge(help: string, read: (sources: MetricSources) => number): NumberRow {
  return { type: "gauge", help, read };
}

function counter(help: string, read: (sources: MetricSources) => number): NumberRow {
  return { type: "counter", help, read };
}

function entriesOf(counts: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(counts));
}

function samples(label: string, counts: ReadonlyMap<string | number, number>, more: Labels = {}): Sample[] {
  return [...counts].map(([value, count]) => [{ [label]: value, ...more }, count]);
}
