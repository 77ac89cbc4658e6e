import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";
import { tempDir } from "../support/temp-dir.js";

const hub = sharedHub();

describe("a topic", () => {
  it("is described as it is", async () => {
    const name = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic: name, data: 1 });

    const { topic } = await client.request({ op: "topic", topic: name });

    expect(topic.name).toBe(name);
    expect(topic.partitions).toMatchObject([{ partition: 0, tail: 0, head: 1 }]);
    expect(topic.config).toEqual({
      partitions: 1,
      storage: "file",
      capacityBytes: 16_777_216,
      retentionMs: 0,
      retentionRecords: 0,
      durability: "stored",
    });
  });

  it("is unknown to topic and history until it is published or subscribed to", async () => {
    const name = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);

    const described = await client.request({ op: "topic", topic: name });
    const history = await client.request({ op: "history", topic: name, from: "earliest" });
    await client.request({ op: "subscribe", topic: name });
    const after = await client.request({ op: "topic", topic: name });

    expect([described.code, history.code]).toEqual(["unknown_topic", "unknown_topic"]);
    expect(after.op).toBe("topic");
  });

  it("that is deleted announces a gap and goes on from the first record of its next epoch", async () => {
    const name = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let n = 0; n < 3; n++) await client.request({ op: "publish", topic: name, data: n });
    const { subscription, partitions } = await client.request({ op: "subscribe", topic: name });

    await fetch(`${hub.url}/v1/topics/${name}`, { method: "DELETE" });
    const gap = await client.next();
    const reply = await client.request({ op: "publish", topic: name, data: "anew" });
    const frame = await client.nextOf("messages");

    expect(gap).toMatchObject({ op: "gap", subscription, from: 3, to: 3, reason: "deleted", next: 0 });
    expect(gap.epoch).not.toBe(partitions["0"]?.epoch);
    expect(reply).toMatchObject({ epoch: gap.epoch, offset: 0 });
    expect(frame).toMatchObject({ subscription, epoch: gap.epoch, next: 1, messages: [{ offset: 0, data: "anew" }] });
  });

  it("that is deleted and made anew with more partitions is read whole", async () => {
    const name = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: name });
    await fetch(`${hub.url}/v1/topics/${name}`, { method: "DELETE" });
    await fetch(`${hub.url}/v1/topics/${name}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ partitions: 3 }),
    });

    for (const partition of [0, 1, 2]) {
      await client.request({ op: "publish", topic: name, partition, data: partition });
    }

    expect((await client.messages(3)).map(({ data }) => data)).toEqual([0, 1, 2]);
  });

  it("resumed with a position from before its deletion announces a gap with reason epoch", async () => {
    const name = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    const { epoch } = await client.request({ op: "publish", topic: name, data: 1 });
    await fetch(`${hub.url}/v1/topics/${name}`, { method: "DELETE" });
    await client.request({ op: "publish", topic: name, data: "anew" });

    await client.request({ op: "subscribe", topic: name, from: { positions: { "0": { epoch, offset: 1 } } } });

    expect(await client.next()).toMatchObject({ op: "gap", from: 1, to: 1, reason: "epoch", next: 0 });
    expect(await client.messages(1)).toMatchObject([{ offset: 0, data: "anew" }]);
  });

  it("that a pattern reads stays on the pattern after its deletion", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic: "p.t", data: 1 });
    await client.request({ op: "subscribe", pattern: "p.*" });

    await fetch(`${hub.url}/v1/topics/p.t`, { method: "DELETE" });
    await client.request({ op: "publish", topic: "p.t", data: "anew" });

    expect(await client.next()).toMatchObject({ op: "gap", topic: "p.t", reason: "deleted" });
    expect(await client.next()).toMatchObject({ op: "messages", topic: "p.t", messages: [{ data: "anew" }] });
  });

  it("takes its configuration from the first pattern that matches", async () => {
    using folder = tempDir();
    const file = join(folder.path, "ringcast.config.json");
    const topics = [
      { pattern: "chat.>", partitions: 4 },
      { pattern: ">", partitions: 2 },
    ];
    writeFileSync(file, JSON.stringify({ topics }));
    await using hub = await startHub({ args: ["--config", file] });
    await using client = await JsonClient.connect(hub.wsUrl);

    for (const topic of ["chat.a", "news"]) await client.request({ op: "publish", topic, data: 1 });
    const chat = await client.request({ op: "topic", topic: "chat.a" });
    const news = await client.request({ op: "topic", topic: "news" });

    expect([chat.topic.config.partitions, news.topic.config.partitions]).toEqual([4, 2]);
  });

  it("over the limit is refused, and nothing is made", async () => {
    await using hub = await startHub({ args: ["--max-topics", "2"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    for (const topic of ["a", "b"]) await client.request({ op: "publish", topic, data: 1 });

    const published = await client.request({ op: "publish", topic: "c", data: 1 });
    const subscribed = await client.request({ op: "subscribe", topic: "d" });

    expect([published.code, subscribed.code]).toEqual(["too_many", "too_many"]);
    expect((await client.request({ op: "publish", topic: "a", data: 2 })).op).toBe("published");
  });
});
