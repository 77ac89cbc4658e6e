import { describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { EventReader } from "../support/event-reader.js";
import { readExposition, type MetricFamily } from "../support/exposition.js";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { until } from "../support/until.js";

describe("/metrics", () => {
  it("holds Prometheus' rules, and each number moves when what it counts happens", async () => {
    await using hub = await startHub({ args: ["--max-data-bytes", "500000000", "--max-topics", "77"] });
    const before = await scrape(hub);
    await using client = await JsonClient.connect(hub.wsUrl);
    await using binary = await BinaryClient.connect(hub.wsUrl);
    using stream = await EventReader.open(`${hub.url}/v1/topics/t/events?from=earliest`);
    await client.request({ op: "subscribe", topic: "t", window: 3 });
    await binary.request({ op: "subscribe", topic: "t" });
    await ask(hub, "/v1/topics/small", { method: "PUT" });
    await askJson(hub, "PUT", "/v1/topics/kept", { retentionRecords: 2 });
    for (let n = 0; n < 5; n++) {
      await client.request({ op: "publish", topic: "t", data: n, durability: "synced" });
      await client.request({ op: "publish", topic: "kept", data: n });
    }
    await client.request({ op: "publish", topic: "a..b", data: 1 });
    await ask(hub, "/nowhere");
    await until("the stream has all", async () => (await stream.next()).data.includes('"offset":4'));
    await until(
      "the window is full",
      async () => value(await scrape(hub), `cursor_states{state="waiting-for-window"}`) === 1,
    );
    const after = await scrape(hub);

    const grown = (series: string): number => value(after, series) - value(before, series);
    expect({
      connections: grown("connections"),
      json: grown('dialect_connections{dialect="json"}'),
      msgpack: grown('dialect_connections{dialect="msgpack"}'),
      streams: grown("event_streams"),
      opened: grown("connections_opened_total"),
      subscriptions: grown("subscriptions"),
      cursors: grown("cursors"),
      live: grown('cursor_states{state="live"}'),
      topics: grown("topics"),
      publishes: grown("publishes_total"),
      appended: grown("appended_records_total"),
      delivered: grown("delivered_records_total"),
      lag: [grown("lag_records"), grown("max_lag_records")],
      expired: grown("expired_records_total"),
      rejected: grown('rejected_requests_total{code="invalid_topic",via="websocket"}'),
      refused: grown('rejected_requests_total{code="unknown_op",via="http"}'),
    }).toEqual({
      connections: 2,
      json: 1,
      msgpack: 1,
      streams: 1,
      opened: 2,
      subscriptions: 3,
      cursors: 3,
      live: 2,
      topics: 3,
      publishes: 10,
      appended: 10,
      delivered: 13,
      lag: [2, 2],
      expired: 3,
      rejected: 1,
      refused: 1,
    });
    for (const series of [
      "appended_bytes_total",
      "delivered_bytes_total",
      "frames_built_total",
      "frames_delivered_total",
      "flushes_total",
      "flush_seconds_total",
      "received_frames_total",
      "received_bytes_total",
      "publish_to_send_seconds_count",
      "publish_to_send_seconds_sum",
      "flush_bytes_count",
      "flush_bytes_sum",
      "sync_seconds_count",
      "lag_bytes",
      "max_lag_bytes",
      "log_bytes",
      "log_mapped_bytes",
      'page_faults_total{kind="minor"}',
      'http_responses_total{status="200"}',
    ]) {
      expect.soft(grown(series), series).toBeGreaterThan(0);
    }
    expect(value(after, "lag_seconds")).toBeGreaterThanOrEqual(0);
    expect(value(after, "publish_to_send_seconds_sum") / value(after, "publish_to_send_seconds_count")).toBeLessThan(5);
    expect([value(after, "log_limit_bytes"), value(after, "topics_limit")]).toEqual([500_000_000, 77]);
    expect(value(after, "connections_limit")).toBeGreaterThan(value(after, "connections"));
    expect(after.get("nodejs_eventloop_lag_p99_seconds")?.samples.size).toBe(1);
  });

  it("counts gaps by reason, and no name that a stranger gave becomes a label", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    const strange = "stranger-chosen-name";
    await askJson(hub, "PUT", `/v1/topics/${strange}`, { retentionRecords: 1 });
    for (let n = 0; n < 3; n++) await client.request({ op: "publish", topic: strange, data: n });
    await client.request({ op: "subscribe", topic: strange, from: { offset: 0 } });
    await client.request({ op: strange });
    await ask(hub, `/${strange}`, { method: "POST" });
    await until("the gap is counted", async () => value(await scrape(hub), 'gaps_total{reason="retention"}') === 1);
    expect((await ask(hub, "/metrics")).text).not.toContain(strange);
  });
});

async function scrape(hub: TestHub): Promise<Map<string, MetricFamily>> {
  return readExposition((await ask(hub, "/metrics")).text);
}

/** Of a series without its prefix; 0 where it isn't there yet. */
function value(families: Map<string, MetricFamily>, series: string): number {
  for (const { samples } of families.values()) {
    const found = samples.get(`ringcast_${series}`);
    if (found !== undefined) return found;
  }
  return 0;
}
