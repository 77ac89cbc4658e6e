import { describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";

const hub = sharedHub();

describe("a producer's sequence", () => {
  it("makes a repeated publish harmless: the same reply, marked as a duplicate", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);

    const first = await client.request(publish(topic, 0));
    await client.request(publish(topic, 1));
    const again = await client.request(publish(topic, 0));

    expect(again).toEqual({ ...first, id: again.id, duplicate: true });
    expect(await head(client, topic)).toBe(2);
  });

  it("repeats the reply of a batch word for word", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub, topic, { partitions: 3 });
    const messages = Array.from({ length: 30 }, (_, n) => ({ data: n, key: `k${n}` }));
    const request = { op: "publish", topic, messages, producer: { id: "p", sequence: 0 } };

    const first = await client.request(request);
    const again = await client.request(request);

    expect(again).toEqual({ ...first, id: again.id, duplicate: true });
  });

  it("goes to the same partition again without a key", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await put(hub, topic, { partitions: 5 });

    for (let sequence = 0; sequence < 10; sequence++) {
      const first = await client.request(publish(topic, sequence));
      const again = await client.request(publish(topic, sequence));
      expect(again).toMatchObject({ duplicate: true, partition: first.partition, offset: first.offset });
    }
  });

  it("is refused where it leaves one out, and where it does not begin at 0", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);

    const unknown = await client.request(publish(topic, 3));
    await client.request(publish(topic, 0));
    const skipped = await client.request(publish(topic, 2));
    const next = await client.request(publish(topic, 1));

    expect(unknown).toMatchObject({ code: "out_of_sequence", details: { expected: 0 } });
    expect(skipped).toMatchObject({ code: "out_of_sequence", details: { expected: 1 } });
    expect(next.op).toBe("published");
  });

  it("is a conflict with other bytes, never a duplicate", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);

    await client.request(publish(topic, 0));
    const other = await client.request({ ...publish(topic, 0), data: "other" });
    const otherKey = await client.request({ ...publish(topic, 0), key: "k" });

    expect([other.code, otherKey.code]).toEqual(["conflict", "conflict"]);
    expect(await head(client, topic)).toBe(1);
  });

  it("is not used up by a refused request", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);

    const refused = await client.request({ ...publish(topic, 0), partition: 7 });
    const taken = await client.request(publish(topic, 0));

    expect(refused.code).toBe("bad_request");
    expect(taken).toMatchObject({ op: "published", offset: 0 });
    expect(taken).not.toHaveProperty("duplicate");
  });

  it("counts for each producer and topic by itself, on whatever connection", async () => {
    const topic = freshTopic();
    await using one = await JsonClient.connect(hub.wsUrl);
    await using two = await JsonClient.connect(hub.wsUrl);

    const replies = [
      await one.request(publish(topic, 0)),
      await two.request({ ...publish(topic, 0), producer: { id: "q", sequence: 0 } }),
      await two.request({ ...publish(topic, 0), topic: `${topic}.other` }),
      await two.request(publish(topic, 1)),
    ];

    expect(replies.map(({ duplicate }) => duplicate)).toEqual([undefined, undefined, undefined, undefined]);
    expect(await two.request(publish(topic, 0))).toMatchObject({ duplicate: true });
  });

  it("knows the last maxInflight replies word for word, older ones as duplicates without offsets", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let sequence = 0; sequence < 1_030; sequence++) client.send({ ...publish(topic, sequence), id: sequence });
    for (let sequence = 0; sequence < 1_030; sequence++) await client.next();

    const old = await client.request(publish(topic, 0));
    const known = await client.request(publish(topic, 6));

    expect(old).toEqual({ op: "published", id: old.id, topic, duplicate: true });
    expect(known).toMatchObject({ offset: 6, duplicate: true });
  });

  it("over HTTP is the same producer", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    const first = await client.request(publish(topic, 0));

    const response = await fetch(`${hub.url}/v1/topics/${topic}/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ data: "message 0", producer: { id: "p", sequence: 0 } }),
    });

    expect(await response.json()).toMatchObject({ offset: first.offset, duplicate: true });
  });
});

describe("after kill -9", () => {
  it("keeps records, producer state, configuration, epochs and deletions", async () => {
    await using hub = await startHub();
    let client = await JsonClient.connect(hub.wsUrl);
    await put(hub, "t", { partitions: 2, capacityBytes: 131_072 });
    const first = await client.request(publish("t", 0));
    const second = await client.request(publish("t", 1));
    await client.request({ op: "publish", topic: "gone", data: 1 });
    const gone = (await client.request({ op: "topic", topic: "gone" })).topic.partitions[0]?.epoch;
    await fetch(`${hub.url}/v1/topics/gone`, { method: "DELETE" });
    const before = (await client.request({ op: "topic", topic: "t" })).topic;

    await hub.kill();
    await client.closed;
    await hub.restart();
    client = await JsonClient.connect(hub.wsUrl);

    expect((await client.request({ op: "topic", topic: "t" })).topic).toEqual(before);
    expect(await client.request(publish("t", 1))).toMatchObject({ offset: second.offset, duplicate: true });
    expect(await client.request(publish("t", 0))).toMatchObject({ offset: first.offset, duplicate: true });
    expect((await client.request(publish("t", 3))).code).toBe("out_of_sequence");
    expect((await client.request(publish("t", 2))).op).toBe("published");
    expect((await client.request({ op: "topic", topic: "gone" })).code).toBe("unknown_topic");
    const anew = await client.request({ op: "publish", topic: "gone", data: 2 });
    expect(anew.offset).toBe(0);
    expect(anew.epoch).not.toBe(gone);
    await client[Symbol.asyncDispose]();
  });

  it("resumes a reader seamlessly where it was", async () => {
    await using hub = await startHub();
    await using publisher = await JsonClient.connect(hub.wsUrl);
    for (let n = 0; n < 20; n++) await publisher.request({ op: "publish", topic: "t", data: n });
    const page = await publisher.request({ op: "history", topic: "t", from: "earliest", limit: 12 });

    await hub.kill();
    await hub.restart();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: "t", from: { positions: { "0": page.next } } });

    expect((await client.messages(8)).map(({ data }) => data)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  });
});

function publish(topic: string, sequence: number): object {
  return { op: "publish", topic, data: `message ${sequence}`, producer: { id: "p", sequence } };
}

async function head(client: JsonClient, topic: string): Promise<number | undefined> {
  return (await client.request({ op: "topic", topic })).topic.partitions[0]?.head;
}

async function put(hub: Pick<TestHub, "url">, topic: string, config: object): Promise<void> {
  await fetch(`${hub.url}/v1/topics/${topic}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(config),
  });
}
