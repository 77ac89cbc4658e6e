import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

const CAPACITY = 65_536;

async function put(hub: Pick<TestHub, "url">, topic: string, config: object): Promise<number> {
  const body = JSON.stringify(config);
  const headers = { "content-type": "application/json" };
  return (await fetch(`${hub.url}/v1/topics/${topic}`, { method: "PUT", headers, body })).status;
}

async function tailOf(hub: Pick<TestHub, "url">, topic: string): Promise<number | undefined> {
  const response = await fetch(`${hub.url}/v1/topics/${topic}`);
  return ((await response.json()) as { partitions: { tail: number }[] }).partitions[0]?.tail;
}

describe("retention", () => {
  const hub = sharedHub();

  it("by count keeps the newest records, and tells a reader that was away what it missed", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    expect(await put(hub, topic, { retentionRecords: 3 })).toBe(201);
    for (let n = 0; n < 10; n++) await client.request({ op: "publish", topic, data: n });

    const { partitions } = await client.request({ op: "subscribe", topic, from: { offset: 2 } });
    const gap = await client.nextOf("gap");
    const frame = await client.nextOf("messages");

    expect(partitions["0"]).toMatchObject({ head: 10, tail: 7 });
    expect(gap).toMatchObject({ from: 2, to: 6, reason: "retention", next: 7 });
    expect(frame["messages"]).toMatchObject([{ data: 7 }, { data: 8 }, { data: 9 }]);
  });

  it("that is put holds at once", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let n = 0; n < 10; n++) await client.request({ op: "publish", topic, data: n });
    expect(await put(hub, topic, { retentionRecords: 4 })).toBe(200);
    expect(await tailOf(hub, topic)).toBe(6);
  });
});

// Each has a hub of its own, and waits until records are old.
describe.concurrent("retention by age", () => {
  it("lets records go although nobody publishes, and their file with them, also after a kill", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub, "t", { retentionMs: 300 });
    for (let n = 0; n < 5; n++) await client.request({ op: "publish", topic: "t", data: n });

    await until("all records are gone", async () => (await tailOf(hub, "t")) === 5);
    await until("the file is gone", () => readdirSync(join(hub.data, "logs")).length === 0);
    await hub.kill();
    await hub.restart();
    await using again = await JsonClient.connect(hub.wsUrl);
    const reply = await again.request({ op: "publish", topic: "t", data: 5 });

    expect(reply).toMatchObject({ offset: 5 });
  });

  it("goes on after a restart for topics that nobody asks for", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub, "t", { retentionMs: 1_500 });
    await client.request({ op: "publish", topic: "t", data: 1 });
    await hub.stop();
    await hub.restart();
    expect(readdirSync(join(hub.data, "logs"))).toHaveLength(1);
    await until("the file is gone", () => readdirSync(join(hub.data, "logs")).length === 0);
    expect(await tailOf(hub, "t")).toBe(1);
  });
});

describe("the limit of the data directory", () => {
  it("refuses what would grow beyond it, reads and overwrites go on, and room lets it recover", async () => {
    await using hub = await startHub({ env: { RINGCAST_MAX_DATA_BYTES: String(3 * CAPACITY) } });
    await using client = await JsonClient.connect(hub.wsUrl);
    for (const topic of ["a", "b", "c"]) await put(hub, topic, { capacityBytes: CAPACITY });
    const data = "x".repeat(8_000);
    const publish = (topic: string): ReturnType<JsonClient["request"]> =>
      client.request({ op: "publish", topic, data });
    for (let n = 0; n < 20; n++) expect(await publish("a")).toMatchObject({ op: "published" });
    for (let n = 0; n < 5; n++) expect(await publish("b")).toMatchObject({ op: "published" });

    let refused = await publish("c");
    for (let n = 0; n < 10 && refused.op === "published"; n++) refused = await publish("c");
    expect(refused).toMatchObject({ op: "error", code: "unavailable" });
    expect(refused["message"]).toContain("maxDataBytes");
    expect(await publish("a")).toMatchObject({ op: "published" });
    expect(await client.request({ op: "history", topic: "b", from: "earliest" })).toMatchObject({ op: "history" });
    // A hub that a load balancer left for it would never get a publish again, and so never show that there is room.
    expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);

    await fetch(`${hub.url}/v1/topics/a`, { method: "DELETE" });
    await until("there is room", async () => (await publish("c")).op === "published");
  });
});

describe("topics made by themselves", () => {
  it("are made where the first rule that matches says so, and where none says anything by the setting", async () => {
    using folder = tempDir();
    const config = join(folder.path, "ringcast.json");
    const rules = [
      { pattern: "open.closed", autoCreate: false },
      { pattern: "open.>", autoCreate: true },
    ];
    writeFileSync(config, JSON.stringify({ autoCreateTopics: false, topics: rules }));
    await using hub = await startHub({ args: ["--config", config] });
    await using client = await JsonClient.connect(hub.wsUrl);
    const publish = async (topic: string): Promise<unknown> =>
      (await client.request({ op: "publish", topic, data: 1 })).code;

    expect(await publish("open.a")).toBeUndefined();
    expect(await publish("open.closed")).toBe("unknown_topic");
    expect(await publish("other")).toBe("unknown_topic");
    expect(await put(hub, "open.closed", {})).toBe(201);
    expect(await publish("open.closed")).toBeUndefined();
  });
});
