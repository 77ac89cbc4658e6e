import { describe, expect, it } from "vitest";
import { createMetrics, type MetricSources } from "../../../../server/src/telemetry/index.js";

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
    },
    sessions: {
      connections: 6,
      opened: 8,
      receivedFrames: 11,
      receivedBytes: 1100,
      errors: new Map([["bad_request", 3]]),
      closes: new Map([[1007, 1]]),
    },
    http: { streams: 1, responses: new Map([[200, 5]]), errors: new Map([["unknown_topic", 2]]) },
    transport: { refused: new Map([["bad_request", 4]]) },
    log: { totalBytes: 4096, mappedBytes: 8192, failedPartitions: 0 },
  };
}

describe("metrics", () => {
  it("tells what the rooms have counted, the same at every scrape", async () => {
    const metrics = createMetrics(sources());
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
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("names everything as Prometheus wants it", async () => {
    const text = await createMetrics(sources()).text();
    const types = [...text.matchAll(/^# TYPE (ringcast_\S+) (\S+)$/gm)];
    expect(types.length).toBeGreaterThan(20);
    for (const [, name, type] of types) {
      expect(name).toMatch(/^[a-z_]+$/);
      expect(name?.endsWith("_total")).toBe(type === "counter");
    }
  });

  it("sorts syncs by how long they took", async () => {
    const metrics = createMetrics(sources());
    metrics.observeSync(2);
    metrics.observeSync(200);
    const text = await metrics.text();
    expect(text).toContain('ringcast_sync_seconds_bucket{le="0.003"} 1');
    expect(text).toContain("ringcast_sync_seconds_count 2");
  });

  it("tells memory, processor and event-loop delay of the process", async () => {
    const text = await createMetrics(sources()).text();
    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_eventloop_lag_p99_seconds",
    ]) {
      expect(text).toContain(`\n${name} `);
    }
  });
});
