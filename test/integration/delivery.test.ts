import { describe, expect, it } from "vitest";
import { JsonClient, type AnyFrame } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

const hub = sharedHub();

describe("delivery", () => {
  it("goes from what is retained to what is live without a seam", async () => {
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using reader = await JsonClient.connect(hub.wsUrl);
    const total = 3_000;
    const publishAll = async (): Promise<void> => {
      for (let n = 0; n < total; n += 50) {
        const messages = Array.from({ length: 50 }, (_, i) => ({ data: `${n + i} ${"x".repeat(200)}` }));
        await publisher.request({ op: "publish", topic: "seam", messages });
      }
    };

    const published = publishAll();
    await reader.request({ op: "ping" });
    await reader.request({ op: "subscribe", topic: "seam", from: "earliest" });
    const frames = await framesOf(reader, total);
    await published;

    expectContinuous(frames, 0);
    expect(frames.flatMap(({ messages }) => messages.map(({ data }) => parseInt(data as string)))).toEqual(
      Array.from({ length: total }, (_, n) => n),
    );
  });

  it("gives the same bytes to readers that came at different times", async () => {
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using live = await JsonClient.connect(hub.wsUrl);
    await live.request({ op: "subscribe", topic: "same" });

    for (let n = 0; n < 200; n++) publisher.send({ op: "publish", id: n, topic: "same", data: { n } });
    const seen = await live.messages(200);
    await using late = await JsonClient.connect(hub.wsUrl);
    await late.request({ op: "subscribe", topic: "same", from: "earliest" });

    expect(await late.messages(200)).toEqual(seen);
  });

  it("delivers what was published on the publisher's own subscription, after the reply", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: "own" });

    client.send({ op: "publish", id: "p", topic: "own", data: 1 });

    expect(await client.next()).toMatchObject({ op: "published", id: "p", offset: 0 });
    expect(await client.next()).toMatchObject({ op: "messages", messages: [{ offset: 0, data: 1 }] });
  });

  it("delivers all partitions, each in order", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await fetch(`${hub.url}/v1/topics/parts`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ partitions: 4 }),
    });
    await client.request({ op: "subscribe", topic: "parts" });

    const messages = Array.from({ length: 100 }, (_, n) => ({ data: n, key: `k${n}` }));
    await client.request({ op: "publish", topic: "parts", messages });
    const frames = await framesOf(client, 100);

    for (const partition of [0, 1, 2, 3]) {
      expectContinuous(
        frames.filter((frame) => frame.partition === partition),
        0,
      );
    }
  });

  it("cuts frames at the blocks of the log, so that a long replay comes in pieces", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const messages = Array.from({ length: 100 }, () => ({ data: "x".repeat(10_000) }));
    await client.request({ op: "publish", topic: "blocks", messages });

    await client.request({ op: "subscribe", topic: "blocks", from: "earliest" });
    const frames = await framesOf(client, 100);

    expectContinuous(frames, 0);
    expect(frames.length).toBeGreaterThan(10);
    for (const { messages: some } of frames) expect(some.length).toBeLessThanOrEqual(7);
  });

  it("tells a history page where it ends, and a gap where the ring has passed", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await fetch(`${hub.url}/v1/topics/pages`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ capacityBytes: 65_536 }),
    });
    for (let n = 0; n < 200; n += 10) {
      const messages = Array.from({ length: 10 }, (_, i) => ({ data: `${n + i} ${"x".repeat(1_000)}` }));
      await client.request({ op: "publish", topic: "pages", messages });
    }

    const first = await client.request({ op: "history", topic: "pages", from: { offset: 0 }, limit: 5 });
    const all = [...first.messages];
    let page = first;
    while (page.next.offset < page.head) {
      page = await client.request({ op: "history", topic: "pages", from: { offset: page.next.offset }, limit: 1_000 });
      expect(page.gap).toBeUndefined();
      all.push(...page.messages);
    }

    expect(first.gap).toMatchObject({ reason: "retention", from: 0, to: first.tail - 1, next: first.tail });
    expect(first.messages).toHaveLength(5);
    expect(all.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 - first.tail }, (_, n) => first.tail + n));
  });

  it("answers 100 histories at once without holding up a live reader", async () => {
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using reader = await JsonClient.connect(hub.wsUrl);
    const messages = Array.from({ length: 90 }, () => ({ data: "x".repeat(10_000) }));
    await publisher.request({ op: "publish", topic: "long", messages });
    await publisher.request({ op: "subscribe", topic: "live" });

    for (let id = 0; id < 100; id++) reader.send({ op: "history", id, topic: "long", from: "earliest", limit: 1_000 });
    await publisher.request({ op: "publish", topic: "live", data: 1 });
    const live = await publisher.nextOf("messages");
    const ids = [];
    while (ids.length < 100) ids.push((await reader.nextOf("history")).id);

    expect(live.messages).toHaveLength(1);
    expect(ids).toEqual(Array.from({ length: 100 }, (_, id) => id));
  });
});

async function framesOf(client: JsonClient, count: number): Promise<AnyFrame[]> {
  const frames: AnyFrame[] = [];
  for (let seen = 0; seen < count;) {
    const frame = await client.nextOf("messages");
    frames.push(frame);
    seen += frame.messages.length;
  }
  return frames;
}

/** Each frame begins at the `next` of the one before, and its offsets are dense. */
function expectContinuous(frames: readonly AnyFrame[], from: number): void {
  let next = from;
  for (const frame of frames) {
    for (const { offset } of frame.messages) expect(offset).toBe(next++);
    expect(frame.next).toBe(next);
  }
}
