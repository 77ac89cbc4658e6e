import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

const hub = sharedHub();

describe("publish", () => {
  it("answers with the offset, densely from 0", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const first = await client.request({ op: "publish", topic: "orders", data: 1 });
    const second = await client.request({ op: "publish", topic: "orders", data: null });

    expect(first).toMatchObject({ op: "published", topic: "orders", partition: 0, offset: 0 });
    expect(second).toMatchObject({ op: "published", offset: 1, epoch: first.epoch });
    expect(second.timestamp).toBeGreaterThanOrEqual(first.timestamp);
    expect(second).not.toHaveProperty("duplicate");
  });

  it("keeps data byte for byte, with key and headers", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const raw: string[] = [];
    client.socket.on("message", (bytes: Buffer) => raw.push(bytes.toString()));
    const data = `{"big":9007199254740993,"exact" : 1e400,"lone":"\\ud800","__proto__":{"x":1}}`;

    client.send(`{"op":"publish","id":1,"topic":"raw","data":${data},"key":"","headers":{"a":"ü"}}`);
    await client.next();
    await client.request({ op: "history", topic: "raw", from: "earliest" });

    const page = raw.find((text) => text.includes(`"history"`)) as string;
    expect(page).toContain(`"data":${data}`);
    expect(page).toContain(`"key":"","headers":{"a":"ü"}`);
  });

  it("stores bytes and gives them back as $bytes", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    await client.request({ op: "publish", topic: "bytes", data: { $bytes: "AP+A" } });
    const nested = { deep: [{ $bytes: "%%%" }] };
    await client.request({ op: "publish", topic: "bytes", data: nested });
    const page = await client.request({ op: "history", topic: "bytes", from: "earliest" });

    expect(page.messages.map(({ data }) => data)).toEqual([{ $bytes: "AP+A" }, nested]);
  });

  it("stores a batch whole and answers with its offsets", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const reply = await client.request({ op: "publish", topic: "batch", messages: [{ data: 1 }, { data: 2 }] });

    expect(reply.offsets).toEqual([{ partition: 0, epoch: reply.offsets[0]?.epoch, first: 0, count: 2 }]);
    expect(reply.timestamp).toBeTypeOf("number");
    expect(reply).not.toHaveProperty("offset");
  });

  it("splits a batch by key, in order within each partition", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub.url, "split", { partitions: 4 });
    const messages = Array.from({ length: 40 }, (_, n) => ({ data: n, key: `k${n % 8}` }));

    const reply = await client.request({ op: "publish", topic: "split", messages });
    const pages = [];
    for (const partition of [0, 1, 2, 3]) {
      pages.push(await client.request({ op: "history", topic: "split", partition, from: "earliest" }));
    }

    expect(reply.offsets.reduce((sum, { count }) => sum + count, 0)).toBe(40);
    for (const { messages: stored, partition } of pages) {
      const numbers = stored.map(({ data }) => data as number);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      for (const { key } of stored) expect(fnv1a(key as string) % 4).toBe(partition);
    }
  });

  it("goes round robin without a key and to the partition that is named", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub.url, "round", { partitions: 3 });

    const partitions: number[] = [];
    for (let n = 0; n < 6; n++) {
      partitions.push((await client.request({ op: "publish", topic: "round", data: n })).partition);
    }
    const named = await client.request({ op: "publish", topic: "round", data: 6, key: "k", partition: 2 });
    const unknown = await client.request({ op: "publish", topic: "round", data: 7, partition: 3 });

    expect([...partitions.slice(0, 3)].sort()).toEqual([0, 1, 2]);
    expect(partitions.slice(3)).toEqual(partitions.slice(0, 3));
    expect(named.partition).toBe(2);
    expect(unknown).toMatchObject({ op: "error", code: "bad_request", details: { field: "partition" } });
  });

  it("stores nothing of a batch of which one message is wrong", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const good = { data: 1 };

    const reply = await client.request({
      op: "publish",
      topic: "whole",
      messages: [good, good, { data: 1, key: 7 }],
    });

    expect(reply).toMatchObject({ op: "error", code: "bad_request", details: { field: "key", index: 2 } });
    const described = await client.request({ op: "topic", topic: "whole" });
    expect(described.code).toBe("unknown_topic");
  });

  it("refuses what takes more than a quarter of the ring, and stores none of it in any partition", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub.url, "tight", { capacityBytes: 65_536, partitions: 2 });
    const data = "x".repeat(17_000);

    const single = await client.request({ op: "publish", topic: "tight", data });
    const spread = await client.request({
      op: "publish",
      topic: "tight",
      messages: [
        { data: 1, key: "a" },
        { data: 1, key: "b" },
        { data, key: "c" },
      ],
    });
    const described = await client.request({ op: "topic", topic: "tight" });

    expect([single.code, spread.code]).toEqual(["too_large", "too_large"]);
    expect(described.topic.partitions.map(({ head }) => head)).toEqual([0, 0]);
  });

  it("refuses a message over maxMessageBytes and a batch over maxBatch, and stays open", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const large = await client.request({ op: "publish", topic: "big", data: "x".repeat(1_048_576) });
    const many = await client.request({
      op: "publish",
      topic: "big",
      messages: Array.from({ length: 10_001 }, () => ({ data: 0 })),
    });
    const exact = await client.request({ op: "publish", topic: "big", data: "x".repeat(1_048_574) });

    expect([large.code, many.code, exact.op]).toEqual(["too_large", "too_large", "published"]);
  });

  it("answers a synced publish, and a synced topic's every publish", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub.url, "safe", { durability: "synced" });

    const asked = await client.request({ op: "publish", topic: "plain", data: 1, durability: "synced" });
    const configured = await client.request({ op: "publish", topic: "safe", data: 1 });

    expect([asked.op, configured.op]).toEqual(["published", "published"]);
  });

  it("refuses publishes beyond maxInflight that wait for the device, and stores exactly those it acknowledges", async () => {
    await using hub = await startHub({ args: ["--max-inflight", "8"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    const count = 400;

    for (let id = 0; id < count; id++) {
      client.send({ op: "publish", id, topic: "gate", data: id, durability: "synced" });
    }
    const replies = [];
    while (replies.length < count) replies.push(await client.next());
    const refused = replies.filter(({ op }) => op === "error");
    const described = await client.request({ op: "topic", topic: "gate" });

    expect(refused.length).toBeGreaterThan(0);
    for (const { code, details } of refused) {
      expect(code).toBe("rate_limited");
      expect(details["retryAfterMs"]).toBeGreaterThan(0);
    }
    expect(described.topic.partitions[0]?.head).toBe(count - refused.length);
    expect(new Set(replies.map(({ id }) => id)).size).toBe(count);
  });

  it("answers the requests of one connection in their order", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    for (let id = 0; id < 300; id++) {
      client.send(
        id % 3 === 0
          ? { op: "ping", id }
          : id % 3 === 1
            ? { op: "publish", id, topic: "order", data: id }
            : { op: "history", id, topic: "order", from: "earliest" },
      );
    }
    const ids = [];
    while (ids.length < 300) ids.push((await client.next()).id);

    expect(ids).toEqual(Array.from({ length: 300 }, (_, id) => id));
  });

  it("makes no topic where that is switched off", async () => {
    await using hub = await startHub({ args: ["--no-auto-create-topics"] });
    await using client = await JsonClient.connect(hub.wsUrl);

    const published = await client.request({ op: "publish", topic: "none", data: 1 });
    const subscribed = await client.request({ op: "subscribe", topic: "none" });

    expect([published.code, subscribed.code]).toEqual(["unknown_topic", "unknown_topic"]);
  });

  it("refuses the hub's own names and illegal ones", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const own = await client.request({ op: "publish", topic: "$hub.x", data: 1 });
    const illegal = await client.request({ op: "publish", topic: "a.*", data: 1 });

    expect([own.code, illegal.code]).toEqual(["forbidden", "invalid_topic"]);
  });
});

async function put(url: string, topic: string, config: object): Promise<void> {
  const response = await fetch(`${url}/v1/topics/${topic}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(config),
  });
  expect(response.ok).toBe(true);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
