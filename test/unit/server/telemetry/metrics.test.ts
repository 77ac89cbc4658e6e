import { describe, expect, it } from "vitest";
import { createMetrics, type MetricSources } from "../../../../server/src/telemetry/index.js";
import { readExposition } from "../../../support/exposition.js";

function sources(): MetricSources {
  return {
    build: { version: "1.2.3", node: "v20.0.0", transport: "ws" },
    hub: {
      subscriptions: 2,
      cursors: 3,
      topics: 4,
      inflightPublishes: 0,
      publishes: 10,
      duplicates: 1,
      appendedRecords: 12,
      appendedBytes: 1200,
      deliveredRecords: 24,
      deliveredBytes: 4800,
      builtFrames: 5,
      deliveredFrames: 9,
      flushes: 7,
      flushMs: 1500,
      gaps: { retention: 2, epoch: 0 },
      cursorStates: { live: 2, "waiting-for-window": 1 },
      lagSum: { records: 30, bytes: 3000, ms: 2500 },
      lagMax: { records: 20, bytes: 2000, ms: 1500 },
      publishToSend: { bounds: [0.001, 0.01], counts: [5, 3, 1], sum: 0.05 },
      flushBytes: { bounds: [1024], counts: [2, 0], sum: 900 },
    },
    sessions: {
      connections: 6,
      dialects: { json: 4, msgpack: 2 },
      opened: 8,
      receivedFrames: 11,
      receivedBytes: 1100,
      errors: new Map([["bad_request", 3]]),
      closes: new Map([[1007, 1]]),
    },
    http: { streams: 1, responses: new Map([[200, 5]]), errors: new Map([["unknown_topic", 2]]) },
    transport: { refused: new Map([["bad_request", 4]]) },
    log: {
      totalBytes: 4096,
      mappedBytes: 8192,
      failedPartitions: 0,
      minorPageFaults: 100,
      majorPageFaults: 7,
      blockReads: 3,
      blockReadBytes: 196_608,
      expiredRecords: 9,
      unmappedLogs: 2,
    },
    limits: { topics: 100_000, dataBytes: 0, connections: 50, eventStreams: 60 },
    certificateExpiresMs: 1_800_000_000_000,
  };
}

describe("metrics", () => {
  it("tells what the rooms have counted, the same at every scrape", async () => {
    const metrics = createMetrics(sources);
    await metrics.text();
    const text = await metrics.text();
    for (const line of [
      'ringcast_build_info{version="1.2.3",node="v20.0.0",transport="ws"} 1',
      "ringcast_connections 6",
      "ringcast_appended_records_total 12",
      "ringcast_flush_seconds_total 1.5",
      'ringcast_gaps_total{reason="retention"} 2',
      'ringcast_connections_closed_total{code="1007"} 1',
      'ringcast_rejected_requests_total{code="bad_request",via="websocket"} 3',
      'ringcast_rejected_requests_total{code="bad_request",via="transport"} 4',
      'ringcast_http_responses_total{status="200"} 5',
      'ringcast_cursor_states{state="waiting-for-window"} 1',
      "ringcast_lag_seconds 2.5",
      "ringcast_max_lag_records 20",
      'ringcast_publish_to_send_seconds_bucket{le="0.01"} 8',
      'ringcast_publish_to_send_seconds_bucket{le="+Inf"} 9',
      "ringcast_publish_to_send_seconds_count 9",
      "ringcast_flush_bytes_sum 900",
      'ringcast_dialect_connections{dialect="msgpack"} 2',
      'ringcast_page_faults_total{kind="major"} 7',
      "ringcast_expired_records_total 9",
      "ringcast_topics_limit 100000",
      "ringcast_tls_certificate_expiry_timestamp_seconds 1800000000",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("names everything as Prometheus wants it", async () => {
    const families = readExposition(await createMetrics(sources).text());
    expect([...families.keys()].filter((name) => name.startsWith("ringcast_")).length).toBeGreaterThan(45);
  });

  it("looks at the counters once per scrape", async () => {
    let looks = 0;
    const metrics = createMetrics(() => {
      looks += 1;
      return sources();
    });
    await metrics.text();
    await metrics.text();
    expect(looks).toBe(2);
  });

  it("sorts syncs by how long they took", async () => {
    const metrics = createMetrics(sources);
    metrics.observeSync(2);
    metrics.observeSync(200);
    const text = await metrics.text();
    expect(text).toContain('ringcast_sync_seconds_bucket{le="0.003"} 1');
    expect(text).toContain("ringcast_sync_seconds_count 2");
  });

  it("tells memory, processor and event-loop delay of the process", async () => {
    const text = await createMetrics(sources).text();
    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_eventloop_lag_p99_seconds",
    ]) {
      expect(text).toContain(`\n${name} `);
    }
  });
});
