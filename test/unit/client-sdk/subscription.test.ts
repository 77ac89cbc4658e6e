import { GapError, type Gap, type Message } from "@ringcast/client";
import { describe, expect, it } from "vitest";
import { settle } from "../../support/virtual-runtime.js";
import { connected, dial, readAll, records, subscribed } from "./support.js";

const GAP = {
  op: "gap",
  subscription: 7,
  topic: "t",
  partition: 0,
  from: 2,
  to: 9,
  reason: "retention",
  epoch: "e1",
  next: 10,
};

/** Subscribed to `t`, standing at offset 0. */
async function reading(options: object = {}) {
  const setup = await connected();
  const subscription = setup.hub.subscribe("t", { from: "earliest", ...options });
  await setup.network.socket.reply("subscribe", subscribed(0));
  return { ...setup, subscription };
}

async function reconnect({ network, runtime }: Pick<Awaited<ReturnType<typeof connected>>, "network" | "runtime">) {
  await network.socket.cut();
  await runtime.advance(250);
  await network.socket.welcome();
}

describe("a subscription", () => {
  it("hands out messages with everything that the hub says of them", async () => {
    const { network, subscription } = await reading();
    await network.socket.deliver({
      ...records(0, 1),
      messages: [{ offset: 0, timestamp: 5, key: "k", headers: { h: "1" }, data: { a: 1 } }],
    });
    const { value } = await subscription[Symbol.asyncIterator]().next();
    expect(value).toEqual({
      topic: "t",
      partition: 0,
      epoch: "e1",
      offset: 0,
      timestamp: 5,
      key: "k",
      headers: { h: "1" },
      data: { a: 1 },
      lag: 1_700_000_000_000 - 5,
      position: { topic: "t", partition: 0, epoch: "e1", offset: 1 },
    });
  });

  it("tells the partitions when the hub has answered", async () => {
    const { subscription } = await reading();
    expect(await subscription.ready).toEqual({ t: { 0: { epoch: "e1", next: 0, tail: 0, head: 0 } } });
  });

  it("resumes behind the last message that came, and repeats none", async () => {
    const { network, runtime, subscription } = await reading();
    const { seen } = readAll(subscription);
    await network.socket.deliver(records(0, 3));
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]?.from).toEqual({ positions: { 0: { epoch: "e1", offset: 3 } } });
    await network.socket.reply("subscribe", subscribed(3));
    await network.socket.deliver(records(1, 4));
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it("resumes all subscriptions without waiting for a reply", async () => {
    const { network, runtime, hub } = await connected();
    for (let i = 0; i < 5; i++) hub.subscribe(`t${i}`);
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe").map(({ topic }) => topic)).toEqual(["t0", "t1", "t2", "t3", "t4"]);
  });

  it("follows a new epoch that begins where the old one ended", async () => {
    const { network, subscription } = await reading();
    const { seen } = readAll(subscription);
    await network.socket.deliver(records(0, 2), records(2, 2, { epoch: "e2" }));
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(subscription.position).toEqual({ positions: { 0: { epoch: "e2", offset: 4 } } });
  });

  it.each([
    ["a hole", records(5, 1)],
    ["another epoch elsewhere", records(1, 1, { epoch: "e2" })],
  ])("ends with an error at %s that no gap announced, after what came before", async (_, frame) => {
    const { network, subscription } = await reading();
    const { seen, outcome } = readAll(subscription);
    await network.socket.deliver(records(0, 2), frame);
    expect(seen).toEqual([0, 1]);
    expect(outcome.error).toMatchObject({ code: "internal", details: {} });
    expect(network.socket.requests("unsubscribe")).toHaveLength(1);
  });

  it("tells a gap in its place, and goes on behind it", async () => {
    const { network, hub, subscription } = await reading({
      onGap: (gap: Gap) => order.push(`own ${gap.from}-${gap.to}`),
    });
    const order: unknown[] = [];
    hub.on("gap", ({ reason }) => order.push(reason));
    await network.socket.deliver(records(0, 2), GAP, records(10, 1));
    void (async () => {
      for await (const { data } of subscription) order.push(data);
    })();
    await settle();
    expect(order).toEqual([0, 1, "own 2-9", "retention", 10]);
    expect(subscription.position).toEqual({ positions: { 0: { epoch: "e1", offset: 11 } } });
  });

  it("goes back where a gap of another epoch says so", async () => {
    const { network, runtime, subscription } = await reading();
    const { seen } = readAll(subscription);
    await network.socket.deliver(records(0, 5), { ...GAP, reason: "epoch", from: 5, to: 5, epoch: "e2", next: 3 });
    await network.socket.deliver(records(3, 1, { epoch: "e2" }));
    expect(seen).toEqual([0, 1, 2, 3, 4, 3]);
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]?.from).toEqual({ positions: { 0: { epoch: "e2", offset: 4 } } });
  });

  it("ends with a GapError where that was asked for; its position is behind the gap", async () => {
    const { network, subscription } = await reading({ gaps: "reject" });
    const { seen, outcome } = readAll(subscription);
    await network.socket.deliver(records(0, 2), GAP, records(10, 1));
    expect(seen).toEqual([0, 1]);
    expect(outcome.error).toBeInstanceOf(GapError);
    expect((outcome.error as GapError).gap).toMatchObject({ from: 2, to: 9, reason: "retention" });
    expect(subscription.position).toEqual({ positions: { 0: { epoch: "e1", offset: 10 } } });
  });

  it("asks for a window and acknowledges by quarters what the loop is done with", async () => {
    const { network, subscription } = await reading({ window: 8 });
    expect(network.socket.requests("subscribe")[0]?.window).toBe(8);
    await network.socket.deliver(records(0, 8));
    const messages = subscription[Symbol.asyncIterator]();
    const acked = () => network.socket.requests("ack").map(({ offset }) => offset);
    for (let i = 0; i < 3; i++) await messages.next();
    expect(acked()).toEqual([1]);
    for (let i = 0; i < 2; i++) await messages.next();
    expect(acked()).toEqual([1, 3]);
  });

  it("keeps what waits over a reconnect, and asks for that much less", async () => {
    const { network, runtime, subscription } = await reading({ window: 8 });
    await network.socket.deliver(records(0, 3));
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]).toMatchObject({
      window: 5,
      from: { positions: { 0: { epoch: "e1", offset: 3 } } },
    });
    const { seen } = readAll(subscription);
    await settle();
    expect(seen).toEqual([0, 1, 2]);
    // What came over the old connection is nothing that the new one wants acknowledged.
    expect(network.socket.requests("ack")).toHaveLength(0);
  });

  it("lets the loop come first when more than half a window waits", async () => {
    const { network, runtime, subscription } = await reading({ window: 8 });
    await network.socket.deliver(records(0, 6));
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")).toHaveLength(0);
    const messages = subscription[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await messages.next();
    expect(network.socket.requests("subscribe")[0]).toMatchObject({
      window: 4,
      from: { positions: { 0: { epoch: "e1", offset: 6 } } },
    });
  });

  it("takes no larger window than the hub allows", async () => {
    const { network, hub } = await connected({}, { maxWindow: 10 });
    hub.subscribe("t", { window: 5_000 });
    expect(network.socket.requests("subscribe")[0]?.window).toBe(10);
  });

  it.each([0, -1, NaN])("refuses a window of %d", async (window) => {
    const { hub } = await connected();
    expect(() => hub.subscribe("t", { window })).toThrow("window");
  });

  it.each([
    [
      "break",
      async (loop: AsyncIterable<unknown>) => {
        for await (const message of loop) if (message !== undefined) break;
      },
    ],
    [
      "close",
      async (loop: AsyncDisposable) => {
        await loop[Symbol.asyncDispose]();
      },
    ],
  ] as const)("unsubscribes on %s", async (_, leave) => {
    const { network, subscription } = await reading();
    await network.socket.deliver(records(0, 2));
    await leave(subscription);
    expect(network.socket.requests("unsubscribe")[0]).toMatchObject({ subscription: 7 });
    await network.socket.deliver(records(2, 2));
    expect((await reader(subscription)).seen).toEqual([]);
  });

  it("ends the loop quietly when its signal is aborted, also before it begins", async () => {
    const aborter = new AbortController();
    const { network, hub, subscription } = await reading({ signal: aborter.signal });
    const { outcome } = readAll(subscription);
    aborter.abort();
    await settle();
    expect(outcome).toEqual({ done: true });
    expect(network.socket.requests("unsubscribe")).toHaveLength(1);
    const late = readAll(hub.subscribe("t", { signal: aborter.signal }));
    await settle();
    expect(late.outcome).toEqual({ done: true });
    expect(network.socket.requests("subscribe")).toHaveLength(1);
  });

  it("unsubscribes when it was closed before the hub answered", async () => {
    const { network, hub } = await connected();
    const subscription = hub.subscribe("t");
    await subscription.close();
    await network.socket.reply("subscribe", subscribed(0));
    expect(network.socket.requests("unsubscribe")[0]).toMatchObject({ subscription: 7 });
  });

  it("can be read once", async () => {
    const { subscription } = await reading();
    subscription[Symbol.asyncIterator]();
    expect(() => subscription[Symbol.asyncIterator]()).toThrow();
  });

  it("calls back one message after the other", async () => {
    const order: string[] = [];
    const { network } = await reading({
      onMessage: async ({ data }: { data: unknown }) => {
        order.push(`begin ${String(data)}`);
        await settle();
        order.push(`end ${String(data)}`);
      },
    });
    await network.socket.deliver(records(0, 2));
    for (let i = 0; i < 5; i++) await settle();
    expect(order).toEqual(["begin 0", "end 0", "begin 1", "end 1"]);
  });

  it("ends with what its callback throws", async () => {
    let error: unknown;
    const { network } = await reading({
      onMessage: () => {
        throw new Error("broken");
      },
      onError: (thrown: unknown) => (error = thrown),
    });
    await network.socket.deliver(records(0, 2));
    expect(error).toMatchObject({ message: "broken" });
    expect(network.socket.requests("unsubscribe")).toHaveLength(1);
  });

  it("ends with what the hub refuses it with", async () => {
    const { network, hub } = await connected();
    const subscription = hub.subscribe("a..b");
    const { outcome } = readAll(subscription);
    await network.socket.refuse("subscribe", "invalid_topic");
    expect(outcome.error).toMatchObject({ code: "invalid_topic" });
    await expect(subscription.ready).rejects.toMatchObject({ code: "invalid_topic" });
  });

  it("asks again where the hub can't at the moment", async () => {
    const { network, runtime, hub } = await connected();
    hub.subscribe("t");
    await network.socket.refuse("subscribe", "rate_limited", { retryAfterMs: 300 });
    await runtime.advance(300);
    expect(network.socket.requests("subscribe")).toHaveLength(2);
  });

  it("ends with the reason when the hub takes it away", async () => {
    const { network, subscription } = await reading();
    const { outcome } = readAll(subscription);
    await network.socket.deliver({ op: "unsubscribed", subscription: 7, reason: "forbidden" });
    expect(outcome.error).toMatchObject({ code: "forbidden" });
  });

  it("begins where a kept position says: that of a message, or its own", async () => {
    const { network, hub } = await dial();
    hub.subscribe("t", { from: { topic: "t", partition: 2, epoch: "e1", offset: 4 } });
    hub.subscribe("t", { from: { positions: { 0: { epoch: "e1", offset: 9 } } } });
    hub.subscribe("a.*", { from: { topic: "a.b", partition: 0, epoch: "e1", offset: 4 } });
    await network.socket.welcome();
    expect(network.socket.requests("subscribe").map(({ from }) => from)).toEqual([
      { positions: { 2: { epoch: "e1", offset: 4 } } },
      { positions: { 0: { epoch: "e1", offset: 9 } } },
      { topics: { "a.b": { 0: { epoch: "e1", offset: 4 } } }, others: "latest" },
    ]);
  });
});

describe("a subscription with an end or a filter", () => {
  it("ends once, after what waits, when the hub says so", async () => {
    const { network, runtime, subscription } = await reading({ until: { offset: 2 } });
    expect(network.socket.requests("subscribe")[0]).toMatchObject({ until: { offset: 2 } });
    await network.socket.deliver(records(0, 2), { op: "ended", subscription: 7 }, { op: "ended", subscription: 7 });
    const { seen, outcome } = readAll(subscription);
    await settle();
    expect([seen, outcome]).toEqual([[0, 1], { done: true }]);
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")).toHaveLength(0);
  });

  it("keeps the head of its first request over a reconnect, and gives back the credit of what lies beyond", async () => {
    const { network, runtime, hub } = await connected();
    const subscription = hub.subscribe("t", { from: "earliest", until: "head" });
    const state = { 0: { epoch: "e1", next: 0, tail: 0, head: 3 } };
    await network.socket.reply("subscribe", subscribed(0, { partitions: state }));
    const { seen, outcome } = readAll(subscription);
    await network.socket.deliver(records(0, 2));
    await reconnect({ network, runtime });
    const later = { 0: { epoch: "e1", next: 2, tail: 0, head: 6 } };
    await network.socket.reply("subscribe", subscribed(2, { partitions: later }));
    await network.socket.deliver(records(2, 4), { op: "ended", subscription: 7 });
    expect([seen, outcome]).toEqual([[0, 1, 2], { done: true }]);
    expect(network.socket.requests("ack").at(0)).toMatchObject({ offset: 5 });
    expect(subscription.position).toEqual({ positions: { 0: { epoch: "e1", offset: 3 } } });
  });

  it("moves its position over what a filter left out, also without a message", async () => {
    const { network, runtime, subscription } = await reading({ filter: { keys: ["k"] } });
    const { seen } = readAll(subscription);
    await network.socket.deliver(records(4, 1, { next: 9 }), records(0, 0, { next: 20 }));
    expect(seen).toEqual([4]);
    expect(subscription.position).toEqual({ positions: { 0: { epoch: "e1", offset: 20 } } });
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]).toMatchObject({
      filter: { keys: ["k"] },
      from: { positions: { 0: { epoch: "e1", offset: 20 } } },
    });
  });

  it("ends with an error where a frame without a filter leaves one out in its middle or at its end", async () => {
    const { network, subscription } = await reading();
    const { outcome } = readAll(subscription);
    await network.socket.deliver(records(0, 2, { next: 3 }));
    expect(outcome.error).toMatchObject({ code: "internal" });
  });
});

describe("a subscription to a pattern", () => {
  const STATE = { 0: { epoch: "e1", next: 0, tail: 0, head: 0 } };

  async function matching(reply: object, from: "latest" | "earliest" | { last: number } = "latest") {
    const setup = await connected();
    const subscription = setup.hub.subscribe("a.>", { from });
    await setup.network.socket.reply("subscribe", { op: "subscribed", subscription: 7, pattern: "a.>", ...reply });
    return { ...setup, subscription };
  }

  it("resumes every topic, and takes those created meanwhile from their first record", async () => {
    const { network, runtime, subscription } = await matching({ topics: { "a.b": STATE } });
    const { seen } = readAll(subscription);
    await network.socket.deliver({ op: "matched", subscription: 7, topic: "a.__proto__", partitions: STATE });
    await network.socket.deliver(records(0, 1, { topic: "a.b" }), records(0, 2, { topic: "a.__proto__" }));
    expect(seen).toEqual([0, 0, 1]);
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]).toMatchObject({
      pattern: "a.>",
      from: {
        topics: { "a.b": { 0: { epoch: "e1", offset: 1 } }, "a.__proto__": { 0: { epoch: "e1", offset: 2 } } },
        others: "earliest",
      },
    });
  });

  it.each([
    ["latest", { time: 1_700_000_000_000 }],
    ["earliest", "earliest"],
    [{ last: 5 }, "earliest"],
  ] as const)("resumes topics that were never listed as from %j", async (from, others) => {
    const { network, runtime } = await matching({ topics: { "a.b": STATE }, more: true }, from);
    await reconnect({ network, runtime });
    expect(network.socket.requests("subscribe")[0]?.from).toMatchObject({ others });
  });

  it("names the topic when it acknowledges", async () => {
    const { network, subscription } = await matching({ topics: { "a.b": STATE } });
    const messages = subscription[Symbol.asyncIterator]();
    await network.socket.deliver(records(0, 300, { topic: "a.b" }));
    for (let i = 0; i < 257; i++) await messages.next();
    expect(network.socket.requests("ack")).toEqual([
      { op: "ack", subscription: 7, topic: "a.b", partition: 0, offset: 255 },
    ]);
  });
});

/** What is still handed out. */
async function reader(subscription: AsyncIterable<Message>) {
  try {
    const all = readAll(subscription);
    await settle();
    return all;
  } catch {
    // The loop was used up before.
    return { seen: [] };
  }
}
