/** The SDK as a reader, over real sockets and a real hub. */
import { connect, GapError, type Gap, type Message } from "@ringcast/client";
import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

const shared = sharedHub();

/** Takes messages until there are `count`. */
async function take<Data>(messages: AsyncIterable<Message<Data>>, count: number): Promise<Message<Data>[]> {
  const taken: Message<Data>[] = [];
  for await (const message of messages) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
}

describe("reading with the SDK", () => {
  it("gets everything retained and then what comes, with key and headers", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    await hub.publish(topic, { n: 0 }, { key: "k", headers: { h: "1" } });
    const subscription = hub.subscribe<string>(topic, { from: "earliest" });
    await subscription.ready;
    await hub.publish(topic, Uint8Array.of(1, 2, 3));
    await hub.publish(topic, { nested: Uint8Array.of(4) });
    const messages = await take(subscription, 3);
    expect(messages[0]).toMatchObject({ offset: 0, key: "k", headers: { h: "1" }, data: { n: 0 } });
    expect(messages.map(({ data }) => data).slice(1)).toEqual([Uint8Array.of(1, 2, 3), { nested: Uint8Array.of(4) }]);
  });

  it("reads five subscriptions over one socket", async () => {
    await using proxy = await startTcpProxy(shared.port);
    await using hub = connect(proxy.wsUrl);
    const names = ["a", "b", "c.x", "c.y"];
    for (const name of names) await hub.publishMany(name, [{ data: 0 }, { data: 1 }, { data: 2 }]);
    const all = [...names, "c.*"].map((name) =>
      take(hub.subscribe(name, { from: "earliest" }), name === "c.*" ? 6 : 3),
    );
    const counts = (await Promise.all(all)).map(({ length }) => length);
    expect(counts).toEqual([3, 3, 3, 3, 6]);
    expect(proxy.connections).toBe(1);
  });

  it("goes on without loss or repetition when the hub is killed and started again", async () => {
    await using node = await startHub();
    await using reader = connect(node.wsUrl);
    await using writer = connect(node.wsUrl);
    const seen: unknown[] = [];
    const subscription = reader.subscribe("t", { from: "earliest", onMessage: ({ data }) => seen.push(data) });
    await subscription.ready;
    const stored: Promise<unknown>[] = [];
    for (let n = 0; n < 3_000; n++) {
      stored.push(writer.publish("t", n));
      if (n % 1_000 === 500) {
        await until("some have arrived", () => seen.length > n / 2);
        await node.kill();
        await node.restart();
      }
    }
    await Promise.all(stored);
    await until("all have arrived", () => seen.length >= 3_000);
    expect(seen).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
  });

  it("goes on with a pattern, topics created meanwhile included", async () => {
    await using proxy = await startTcpProxy(shared.port);
    await using reader = connect(proxy.wsUrl);
    await using writer = connect(shared.wsUrl);
    await writer.publish("p.a", 0);
    const seen: string[] = [];
    const subscription = reader.subscribe("p.*", {
      onMessage: ({ topic, data }) => seen.push(`${topic}:${String(data)}`),
    });
    await subscription.ready;
    await writer.publish("p.a", 1);
    await until("the first arrived", () => seen.length === 1);
    proxy.cut();
    await writer.publish("p.b", 0);
    await writer.publish("p.a", 2);
    await until("all arrived", () => seen.length === 3);
    expect(seen.sort()).toEqual(["p.a:1", "p.a:2", "p.b:0"]);
  });

  it("keeps no more than its window while the loop rests, and goes on when it asks", async () => {
    const topic = freshTopic();
    await using proxy = await startTcpProxy(shared.port);
    await using writer = connect(shared.wsUrl);
    const data = "x".repeat(1_000);
    await writer.publishMany(
      topic,
      Array.from({ length: 2_000 }, () => ({ data })),
    );
    await using reader = connect(proxy.wsUrl);
    const subscription = reader.subscribe(topic, { from: "earliest", window: 100 });
    const messages = subscription[Symbol.asyncIterator]();
    await messages.next();
    await until("the window is full", () => proxy.receivedBytes > 100 * 1_000);
    // A question behind it: whatever the hub would still send by itself has come before the answer.
    await reader.topic(topic);
    expect(proxy.receivedBytes).toBeLessThan(2 * 100 * 1_000);
    for (let n = 1; n < 2_000; n++) expect((await messages.next()).value?.offset).toBe(n);
  });

  it("announces a gap in its place, or rejects with it", async () => {
    await using hub = connect(shared.wsUrl);
    await fetch(`${shared.url}/v1/topics/small`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ capacityBytes: 65_536 }),
    });
    const data = "x".repeat(1_000);
    for (let n = 0; n < 4; n++)
      await hub.publishMany(
        "small",
        Array.from({ length: 15 }, () => ({ data })),
      );
    for (let n = 0; n < 10; n++)
      await hub.publishMany(
        "small",
        Array.from({ length: 15 }, () => ({ data })),
      );
    const { tail } = await hub.history("small");
    expect(tail).toBeGreaterThan(0);

    const gaps: Gap[] = [];
    const subscription = hub.subscribe("small", { from: { offset: 0 }, onGap: (gap) => gaps.push(gap) });
    const [first] = await take(subscription, 1);
    expect(first?.offset).toBe(tail);
    expect(gaps).toMatchObject([{ from: 0, to: tail - 1, reason: "retention", next: tail }]);

    const strict = hub.subscribe("small", { from: { offset: 0 }, gaps: "reject" });
    const failure = await take(strict, 1).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GapError);
    const [next] = await take(hub.subscribe("small", { from: strict.position }), 1);
    expect(next?.offset).toBe(tail);
  });

  it("goes on after a reload from a position kept as JSON, in all partitions", async () => {
    await fetch(`${shared.url}/v1/topics/many`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ partitions: 3 }),
    });
    await using writer = connect(shared.wsUrl);
    for (let n = 0; n < 60; n++) await writer.publish("many", n, { key: `k${n}` });
    const seen: unknown[] = [];
    let kept = "";
    {
      await using page = connect(shared.wsUrl);
      const subscription = page.subscribe("many", { from: "earliest" });
      for await (const { data } of subscription) {
        seen.push(data);
        kept = JSON.stringify(subscription.position);
        if (seen.length === 25) break;
      }
    }
    await using page = connect(shared.wsUrl);
    const from = JSON.parse(kept) as { positions: Record<string, { epoch: string; offset: number }> };
    for (const { data } of await take(page.subscribe("many", { from }), 35)) seen.push(data);
    expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  it("resumes behind a single message", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    await hub.publishMany(
      topic,
      [0, 1, 2, 3].map((data) => ({ data })),
    );
    const [, second] = await take(hub.subscribe(topic, { from: "earliest" }), 2);
    const [next] = await take(hub.subscribe(topic, { from: second!.position }), 1);
    expect(next?.offset).toBe(2);
  });

  it("gets nothing more after break and abort", async () => {
    const topic = freshTopic();
    await using proxy = await startTcpProxy(shared.port);
    await using reader = connect(proxy.wsUrl);
    await using writer = connect(shared.wsUrl);
    const aborter = new AbortController();
    const aborted = reader.subscribe(topic, { from: "earliest", signal: aborter.signal });
    const left = reader.subscribe(topic, { from: "earliest" });
    await writer.publish(topic, "first");
    await take(left, 1);
    aborter.abort();
    await reader.topic(topic);
    const before = proxy.receivedBytes;
    await writer.publish(topic, "x".repeat(10_000));
    await reader.topic(topic);
    expect(proxy.receivedBytes - before).toBeLessThan(5_000);
    expect(await take(aborted, 1)).toEqual([]);
  });

  it("reads pages of the past", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    await hub.publishMany(
      topic,
      Array.from({ length: 25 }, (_, n) => ({ data: n })),
    );
    const seen: unknown[] = [];
    let page = await hub.history(topic, { limit: 10 });
    for (;;) {
      seen.push(...page.messages.map(({ data }) => data));
      if (page.next.offset === page.head) break;
      page = await hub.history(topic, { limit: 10, from: page.next });
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n));
    expect((await hub.topic(topic)).partitions[0]).toMatchObject({ tail: 0, head: 25 });
    await expect(hub.history("unknown")).rejects.toMatchObject({ code: "unknown_topic" });
  });

  it("comes back after a drained hub was started again", async () => {
    await using node = await startHub();
    await using reader = connect(node.wsUrl);
    await using writer = connect(node.wsUrl);
    const seen: unknown[] = [];
    const states: string[] = [];
    reader.on("state", ({ state }) => states.push(state));
    await reader.subscribe("t", { from: "earliest", onMessage: ({ data }) => seen.push(data) }).ready;
    await writer.publish("t", 0);
    expect(await node.stop()).toBe(0);
    const stored = writer.publish("t", 1);
    await node.restart();
    await stored;
    await until("both arrived", () => seen.length === 2);
    expect(seen).toEqual([0, 1]);
    expect(states).toContain("reconnecting");
  });
});
