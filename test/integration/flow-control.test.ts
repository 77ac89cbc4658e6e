import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

const hub = sharedHub();

const TEN = Array.from({ length: 10 }, (_, n) => ({ data: n }));

describe("the window of a subscription", () => {
  it("stops delivery when it is full and goes on at exactly the next record", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic: "w", messages: TEN });
    const { subscription } = await client.request({ op: "subscribe", topic: "w", from: "earliest", window: 4 });

    const first = await client.messages(4);
    await client.request({ op: "ping" });
    const whileFull = client.waiting.length;
    client.send({ op: "ack", subscription, offset: 1 });
    const second = await client.messages(2);
    const acked = await client.request({ op: "ack", subscription, offset: 5 });
    const third = await client.messages(4);

    expect(offsetsOf(first)).toEqual([0, 1, 2, 3]);
    expect(whileFull).toBe(0);
    expect(offsetsOf(second)).toEqual([4, 5]);
    expect(acked).toEqual({ op: "acked", id: acked.id });
    expect(offsetsOf(third)).toEqual([6, 7, 8, 9]);
  });

  it("counts over all topics of a pattern", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    for (const topic of ["p.a", "p.b"]) await client.request({ op: "publish", topic, messages: TEN });
    const { subscription } = await client.request({ op: "subscribe", pattern: "p.*", from: "earliest", window: 12 });

    const frames = [await client.next(), await client.next()];
    await client.request({ op: "ping" });
    const [full, cut] = frames;
    const whileFull = client.waiting.length;
    await client.request({ op: "ack", subscription, topic: full?.topic, offset: 9 });
    const rest = await client.next();

    expect(frames.map(({ messages }) => messages.length)).toEqual([10, 2]);
    expect(whileFull).toBe(0);
    expect(rest).toMatchObject({ topic: cut?.topic, next: 10 });
    expect(offsetsOf(rest.messages)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("ignores an ack lower than before, and refuses one for what was not delivered", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "publish", topic: "acks", messages: TEN });
    const { subscription } = await client.request({ op: "subscribe", topic: "acks", from: "earliest", window: 5 });
    await client.messages(5);

    const ahead = await client.request({ op: "ack", subscription, offset: 5 });
    client.send({ op: "ack", subscription, offset: 7 });
    const silent = await client.next();
    await client.request({ op: "ack", subscription, offset: 3 });
    await client.request({ op: "ack", subscription, offset: 0 });
    const next = await client.next();
    await client.request({ op: "ping" });

    expect(ahead).toMatchObject({ op: "error", code: "invalid_offset" });
    expect(silent).toMatchObject({ op: "error", code: "invalid_offset", subscription, partition: 0, offset: 7 });
    expect(silent).not.toHaveProperty("id");
    expect(offsetsOf(next.messages)).toEqual([5, 6, 7, 8]);
    expect(client.waiting).toHaveLength(0);
  });

  it("refuses an ack for another connection's or an ended subscription, or without a pattern's topic", async () => {
    await using one = await JsonClient.connect(hub.wsUrl);
    await using two = await JsonClient.connect(hub.wsUrl);
    const own = await one.request({ op: "subscribe", topic: "w" });
    const pattern = await one.request({ op: "subscribe", pattern: "w.*" });

    const foreign = await two.request({ op: "ack", subscription: own.subscription, offset: 0 });
    const nameless = await one.request({ op: "ack", subscription: pattern.subscription, offset: 0 });
    await one.request({ op: "unsubscribe", subscription: own.subscription });
    const ended = await one.request({ op: "ack", subscription: own.subscription, offset: 0 });

    expect(foreign.code).toBe("unknown_subscription");
    expect(nameless).toMatchObject({ code: "bad_request", details: { field: "topic" } });
    expect(ended.code).toBe("unknown_subscription");
  });

  it.each([[-1], [1.5], [100_001], [2 ** 31], [null], ["1"]])("refuses a window of %j", async (window) => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const reply = await client.request({ op: "subscribe", topic: "w", window });

    expect(reply).toMatchObject({ code: "bad_request", details: { field: "window" } });
  });
});

describe("a reader that stops reading", () => {
  it("goes on where it was when it reads again, and holds nobody else up", { timeout: 60_000 }, async () => {
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using fast = await JsonClient.connect(hub.wsUrl);
    await using slow = await JsonClient.connect(hub.wsUrl);
    await fast.request({ op: "subscribe", topic: "s" });
    await slow.request({ op: "subscribe", topic: "s" });
    const total = 1_200;

    slow.socket.pause();
    for (let n = 0; n < total; n += 12) {
      const messages = Array.from({ length: 12 }, (_, i) => ({ data: `${n + i} ${"x".repeat(10_000)}` }));
      await publisher.request({ op: "publish", topic: "s", messages });
    }
    const quick = await fast.messages(total);
    slow.socket.resume();
    const late = await slow.messages(total);

    expect(offsetsOf(quick)).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(late).toEqual(quick);
  });

  it("gets a gap where the ring has passed it, and everything after", { timeout: 60_000 }, async () => {
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using slow = await JsonClient.connect(hub.wsUrl);
    await fetch(`${hub.url}/v1/topics/ring`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ capacityBytes: 262_144 }),
    });
    await slow.request({ op: "subscribe", topic: "ring" });

    slow.socket.pause();
    // More than the sockets' buffers and the ring hold together.
    const total = 2_000;
    for (let n = 0; n < total; n += 5) {
      const messages = Array.from({ length: 5 }, () => ({ data: "x".repeat(10_000) }));
      await publisher.request({ op: "publish", topic: "ring", messages });
    }
    slow.socket.resume();
    let next = 0;
    let gaps = 0;
    while (next < total) {
      const frame = await slow.next();
      if (frame.op === "gap") {
        expect(frame).toMatchObject({ from: next, reason: "retention", next: frame.to + 1 });
        gaps += 1;
      } else {
        expect(frame.messages[0]?.offset).toBe(next);
      }
      next = frame.next;
    }

    expect(gaps).toBeGreaterThan(0);
    expect(next).toBe(total);
  });

  it("is closed with 4408 when it takes no byte for stallTimeoutMs", { timeout: 60_000 }, async () => {
    await using hub = await startHub({ args: ["--stall-timeout-ms", "1000"] });
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using slow = await JsonClient.connect(hub.wsUrl);
    await slow.request({ op: "subscribe", topic: "s" });

    slow.socket.pause();
    for (let n = 0; n < 150; n++) {
      const messages = Array.from({ length: 12 }, () => ({ data: "x".repeat(10_000) }));
      await publisher.request({ op: "publish", topic: "s", messages });
    }
    const metric = async (): Promise<string> => (await fetch(`${hub.url}/metrics`)).text();
    await expect.poll(metric, { timeout: 20_000 }).toMatch(/code="4408"[^\n]* 1/);
    slow.socket.resume();

    expect([4408, 1006]).toContain((await slow.closed).code);
  });

  it("is closed with 4408 when more than 1 MiB of replies wait for it", { timeout: 60_000 }, async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    // Long names make long replies.
    const topic = "r".repeat(200);
    client.socket.pause();
    for (let n = 0; n < 40_000; n++) {
      client.send(`{"op":"publish","id":"${String(n).padEnd(64, "x")}","topic":"${topic}","data":1}`);
    }
    const metric = async (): Promise<string> => (await fetch(`${hub.url}/metrics`)).text();
    await expect.poll(metric, { timeout: 20_000 }).toMatch(/code="4408"[^\n]* 1/);
    client.socket.resume();

    expect([4408, 1006]).toContain((await client.closed).code);
  });
});

function offsetsOf(messages: readonly { readonly offset: number }[]): number[] {
  return messages.map(({ offset }) => offset);
}
