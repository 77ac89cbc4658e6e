import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient, type AnyMessage } from "../support/json-client.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";

/** Ten messages with data 0 to 9. */
const TEN = Array.from({ length: 10 }, (_, n) => ({ data: n }));

const hub = sharedHub();

describe("subscribe to a topic", () => {
  it.each([
    ["earliest", 0],
    [{ offset: 4 }, 4],
    [{ last: 3 }, 7],
    [{ last: 1_000 }, 0],
    [{ time: 0 }, 0],
  ])("from %j begins at offset %d", async (from, first) => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });

    const reply = await client.request({ op: "subscribe", topic, from });
    const messages = await client.messages(10 - first);

    expect(reply).toMatchObject({
      op: "subscribed",
      topic,
      partitions: { "0": { next: first, tail: 0, head: 10 } },
    });
    expect(offsets(messages)).toEqual(range(first, 10));
    expect(messages.map(({ data }) => data)).toEqual(range(first, 10));
  });

  it.each([["latest"], [undefined], [{ time: 8_640_000_000_000_000 }]])(
    "from %j gets only what comes after",
    async (from) => {
      const topic = freshTopic();
      await using client = await JsonClient.connect(hub.wsUrl);
      await client.request({ op: "publish", topic, messages: TEN });

      const reply = await client.request({ op: "subscribe", topic, ...(from === undefined ? {} : { from }) });
      await client.request({ op: "publish", topic, data: "new" });
      const frame = await client.nextOf("messages");

      expect(reply.partitions["0"]?.next).toBe(10);
      expect(frame).toMatchObject({ subscription: reply.subscription, topic, partition: 0, next: 11 });
      expect(frame.messages).toMatchObject([{ offset: 10, data: "new" }]);
    },
  );

  it("resumes at a position without loss or repeat", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });
    const { epoch } = (await client.request({ op: "topic", topic })).topic.partitions[0] as { epoch: string };

    await client.request({ op: "subscribe", topic, from: { positions: { "0": { epoch, offset: 6 } } } });

    expect(offsets(await client.messages(4))).toEqual([6, 7, 8, 9]);
  });

  it("announces a gap where the epoch is unknown, and goes on at the tail", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });

    const from = { positions: { "0": { epoch: "other", offset: 600 } } };
    const reply = await client.request({ op: "subscribe", topic, from });
    const gap = await client.next();

    expect(reply.op).toBe("subscribed");
    expect(gap).toMatchObject({ op: "gap", from: 600, to: 600, reason: "epoch", next: 0 });
    expect(gap.epoch).toBe(reply.partitions["0"]?.epoch);
    expect(offsets(await client.messages(10))).toEqual(range(0, 10));
  });

  it("announces a gap first where the ring has passed the offset", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await fetch(`${hub.url}/v1/topics/ring`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ capacityBytes: 65_536 }),
    });
    const messages = Array.from({ length: 10 }, () => ({ data: "x".repeat(1_000) }));
    for (let n = 0; n < 20; n++) await client.request({ op: "publish", topic: "ring", messages });

    const reply = await client.request({ op: "subscribe", topic: "ring", from: { offset: 5 } });
    const gap = await client.next();
    const { tail } = reply.partitions["0"] as { tail: number };

    expect(tail).toBeGreaterThan(5);
    expect(gap).toMatchObject({ op: "gap", from: 5, to: tail - 1, reason: "retention", next: tail });
    expect(offsets(await client.messages(200 - tail))).toEqual(range(tail, 200));
  });

  it.each([
    [{ offset: 11 }, "invalid_offset"],
    [{ offset: -1 }, "invalid_offset"],
    [{ offset: 1.5 }, "invalid_offset"],
    [{ offset: "4" }, "invalid_offset"],
    [{ time: -1 }, "bad_request"],
    [{ last: 0 }, "bad_request"],
    [{ positions: { "1": { epoch: "e", offset: 0 } } }, "bad_request"],
    ["newest", "bad_request"],
    [null, "bad_request"],
  ])("from %j is refused with %s", async (from, code) => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });

    const reply = await client.request({ op: "subscribe", topic, from });

    expect(reply).toMatchObject({ op: "error", code });
  });

  it("tells the head where an offset is ahead of it", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });

    const reply = await client.request({ op: "subscribe", topic, from: { offset: 1_000_000_010 } });

    expect(reply).toMatchObject({ code: "invalid_offset", details: { head: 10 } });
  });

  it("refuses an offset where there are several partitions, and too many positions", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await fetch(`${hub.url}/v1/topics/two`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ partitions: 2 }),
    });
    const positions = Object.fromEntries(range(0, 60_000).map((n) => [String(n % 1_024), { epoch: "e", offset: 0 }]));
    const many = `{${range(0, 70_000)
      .map((n) => `"${n}":{"epoch":"e","offset":0}`)
      .join(",")}}`;

    const offset = await client.request({ op: "subscribe", topic: "two", from: { offset: 0 } });
    const unknown = await client.request({ op: "subscribe", topic: "two", from: { positions } });
    client.send(`{"op":"subscribe","id":"many","topic":"two","from":{"positions":${many}}}`);

    expect(offset).toMatchObject({ code: "bad_request", details: { field: "from" } });
    expect(unknown).toMatchObject({ code: "bad_request" });
    expect(await client.next()).toMatchObject({ id: "many", code: "too_many" });
  });

  it("gives one number to the same topic on all connections, and never the same twice on one", async () => {
    const topic = freshTopic();
    await using one = await JsonClient.connect(hub.wsUrl);
    await using two = await JsonClient.connect(hub.wsUrl);
    const subscribe = { op: "subscribe", topic };

    const a = await one.request(subscribe);
    const b = await two.request(subscribe);
    const second = await one.request(subscribe);
    await one.request({ op: "unsubscribe", subscription: a.subscription });
    const third = await one.request(subscribe);

    expect(b.subscription).toBe(a.subscription);
    expect(new Set([a.subscription, second.subscription, third.subscription]).size).toBe(3);
  });

  it("delivers every record to each of several subscriptions of one connection", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    const a = await client.request({ op: "subscribe", topic });
    const b = await client.request({ op: "subscribe", topic });

    await client.request({ op: "publish", topic, data: 1 });
    const frames = [await client.next(), await client.next()];

    expect(new Set(frames.map(({ subscription }) => subscription))).toEqual(new Set([a.subscription, b.subscription]));
  });

  it("sends nothing after the reply to unsubscribe", async () => {
    const topic = freshTopic();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic, messages: TEN });
    const { subscription } = await client.request({ op: "subscribe", topic });

    for (let n = 0; n < 50; n++) client.send({ op: "publish", id: `p${n}`, topic, data: n });
    const reply = await client.request({ op: "unsubscribe", subscription });
    const before = client.waiting.filter(({ op }) => op === "messages").length;
    await client.request({ op: "publish", topic, data: "late" });
    await client.request({ op: "ping" });

    expect(reply).toMatchObject({ op: "unsubscribed", subscription });
    expect(client.waiting.filter(({ op }) => op === "messages")).toHaveLength(before);
    expect(await client.request({ op: "unsubscribe", subscription })).toMatchObject({ code: "unknown_subscription" });
  });

  it("refuses one subscription more than maxSubscriptions, and takes it when another has ended", async () => {
    await using hub = await startHub({ args: ["--max-subscriptions", "3"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    const numbers = [];
    for (const topic of ["a", "b", "c"]) numbers.push((await client.request({ op: "subscribe", topic })).subscription);

    const refused = await client.request({ op: "subscribe", topic: "d" });
    await client.request({ op: "unsubscribe", subscription: numbers[0] });
    const taken = await client.request({ op: "subscribe", topic: "d" });

    expect(refused).toMatchObject({ op: "error", code: "too_many" });
    expect(taken.op).toBe("subscribed");
  });
});

describe("subscribe to a pattern", () => {
  it("lists the topics that match and delivers from each", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (const topic of ["chat.a", "chat.b", "chat.b.c", "news"])
      await client.request({ op: "publish", topic, data: topic });

    const one = await client.request({ op: "subscribe", pattern: "chat.*", from: "earliest" });
    const all = await client.request({ op: "subscribe", pattern: ">" });
    const frames = [await client.next(), await client.next()];

    expect(Object.keys(one.topics).sort()).toEqual(["chat.a", "chat.b"]);
    expect(Object.keys(all.topics).sort()).toEqual(["chat.a", "chat.b", "chat.b.c", "news"]);
    expect(frames.map(({ topic }) => topic).sort()).toEqual(["chat.a", "chat.b"]);
  });

  it("delivers a topic created later from its first record, after `matched`", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const { subscription } = await client.request({ op: "subscribe", pattern: "later.>", from: "latest" });

    client.send({ op: "publish", id: "p", topic: "later.x", data: "first" });

    expect(await client.next()).toMatchObject({ op: "published", id: "p" });
    expect(await client.next()).toMatchObject({
      op: "matched",
      subscription,
      topic: "later.x",
      partitions: { "0": { next: 0, tail: 0 } },
    });
    expect(await client.next()).toMatchObject({
      op: "messages",
      subscription,
      messages: [{ offset: 0, data: "first" }],
    });
  });

  it("resumes by topic, and begins the others where it is told", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    for (const topic of ["p.a", "p.b"]) await client.request({ op: "publish", topic, messages: TEN });
    const { epoch } = (await client.request({ op: "topic", topic: "p.a" })).topic.partitions[0] as { epoch: string };

    const from = { topics: { "p.a": { "0": { epoch, offset: 8 } } }, others: { last: 1 } };
    const reply = await client.request({ op: "subscribe", pattern: "p.*", from });

    expect(reply.topics["p.a"]?.["0"]?.next).toBe(8);
    expect(reply.topics["p.b"]?.["0"]?.next).toBe(9);
    expect(await client.messages(3)).toHaveLength(3);
  });

  it("tells who stood in a topic that is no more, when it is made anew, that its history is another", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const { epoch } = await client.request({ op: "publish", topic: "g.a", data: "former" });
    await fetch(`${hub.url}/v1/topics/g.a`, { method: "DELETE" });
    const from = { topics: { "g.a": { "0": { epoch, offset: 1 } } }, others: "latest" };
    const { subscription } = await client.request({ op: "subscribe", pattern: "g.*", from });

    await client.request({ op: "publish", topic: "g.a", data: "new" });

    expect(await client.next()).toMatchObject({ op: "matched", topic: "g.a", partitions: { "0": { next: 0 } } });
    const gap = { op: "gap", subscription, topic: "g.a", partition: 0, from: 1, to: 1, reason: "epoch", next: 0 };
    expect(await client.next()).toMatchObject(gap);
    expect(await client.next()).toMatchObject({ op: "messages", messages: [{ offset: 0, data: "new" }] });
  });

  it("never matches the hub's own names by a wildcard", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: "$own" });

    const all = await client.request({ op: "subscribe", pattern: ">" });
    const own = await client.request({ op: "subscribe", pattern: "$own" });

    expect(all.topics).toEqual({});
    expect(Object.keys(own.topics)).toEqual(["$own"]);
  });

  it("lists 1,000 topics and tells the others by `matched`", { timeout: 60_000 }, async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let n = 0; n < 1_003; n++) client.send({ op: "publish", id: n, topic: `many.t${n}`, data: n });
    for (let n = 0; n < 1_003; n++) await client.next(30_000);

    const reply = await client.request({ op: "subscribe", pattern: "many.*", from: "earliest" });
    const matched = new Set<string>();
    const delivered = new Set<string>();
    while (delivered.size < 1_003) {
      const frame = await client.next();
      if (frame.op === "matched") matched.add(frame.topic);
      else delivered.add(frame.topic);
      if (frame.op === "messages") {
        expect(Object.hasOwn(reply.topics, frame.topic) || matched.has(frame.topic)).toBe(true);
      }
    }

    expect(Object.keys(reply.topics)).toHaveLength(1_000);
    expect(reply.more).toBe(true);
    expect(matched.size).toBe(3);
  });

  it.each([[{ offset: 0 }], [{ positions: {} }]])("refuses from %j", async (from) => {
    await using client = await JsonClient.connect(hub.wsUrl);

    expect(await client.request({ op: "subscribe", pattern: "a.*", from })).toMatchObject({ code: "bad_request" });
  });
});

function offsets(messages: readonly AnyMessage[]): number[] {
  return messages.map(({ offset }) => offset);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}
