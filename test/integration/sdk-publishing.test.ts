/** The SDK as a publisher, over real sockets and a real hub. */
import { connect } from "@ringcast/client";
import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { freshTopic, sharedHub } from "../support/shared-hub.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { until } from "../support/until.js";

const shared = sharedHub();

async function contents(url: string, topic: string): Promise<unknown[]> {
  await using hub = connect(url);
  const seen: unknown[] = [];
  let page = await hub.history(topic, { limit: 1_000 });
  for (;;) {
    seen.push(...page.messages.map(({ data }) => data));
    if (page.next.offset === page.head) return seen;
    page = await hub.history(topic, { limit: 1_000, from: page.next });
  }
}

describe("publishing with the SDK", () => {
  it("returns where a message is stored", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    expect(await hub.publish(topic, 0)).toMatchObject({ topic, partition: 0, offset: 0 });
    expect(await hub.publish(topic, 1, { durability: "synced" })).toMatchObject({ offset: 1 });
    const many = await hub.publishMany(topic, [{ data: 2 }, { data: 3 }]);
    expect(many.offsets).toMatchObject([{ partition: 0, first: 2, count: 2 }]);
  });

  it("stores once what it sends again because the replies were lost", async () => {
    const topic = freshTopic();
    await using proxy = await startTcpProxy(shared.port);
    await using hub = connect(proxy.wsUrl);
    await hub.publish(topic, -1);
    proxy.muteHub();
    const stored = Array.from({ length: 50 }, (_, n) => hub.publish(topic, n));
    await until("the hub has stored them", async () => (await contents(shared.wsUrl, topic)).length === 51);
    proxy.cut();
    expect((await Promise.all(stored)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    expect(await contents(shared.wsUrl, topic)).toEqual(Array.from({ length: 51 }, (_, n) => n - 1));
  });

  it("stores everything once and in order while connections break all the time", async () => {
    const topic = freshTopic();
    await using proxy = await startTcpProxy(shared.port);
    await using hub = connect(proxy.wsUrl);
    const stored: Promise<unknown>[] = [];
    for (let n = 0; n < 2_000; n++) {
      stored.push(hub.publish(topic, n));
      if (n % 400 === 399) {
        await stored[n - 200];
        proxy.cut();
      }
    }
    await Promise.all(stored);
    expect(await contents(shared.wsUrl, topic)).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
  });

  it("passes on what the hub refuses, and keeps the order of the others", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    await hub.connected();
    const outcomes = await Promise.allSettled([
      hub.publish(topic, 0),
      hub.publish(topic, "x".repeat(1_100_000)),
      hub.publish(topic, 1),
      hub.publish(topic, 2, { headers: { "ringcast-mine": "1" } }),
      hub.publish(topic, 3),
      hub.publish("a..b", 0),
    ]);
    expect(
      outcomes.map((each) => (each.status === "rejected" ? (each.reason as { code: string }).code : "ok")),
    ).toEqual(["ok", "too_large", "ok", "bad_request", "ok", "invalid_topic"]);
    expect(await contents(shared.wsUrl, topic)).toEqual([0, 1, 3]);
  });

  it("publishes many thousands without awaiting each", async () => {
    const topic = freshTopic();
    await using hub = connect(shared.wsUrl);
    const stored: Promise<unknown>[] = [];
    for (let n = 0; n < 20_000; n++) {
      stored.push(hub.publish(topic, n));
      await hub.drained();
    }
    await Promise.all(stored);
    expect((await hub.topic(topic)).partitions[0]?.head).toBe(20_000);
  });

  it("needs the right token where the hub asks for one", async () => {
    await using node = await startHub({ args: ["--token", "s3cret/with=odd;chars"] });
    await using good = connect(node.wsUrl, { token: "s3cret/with=odd;chars" });
    expect(await good.publish("t", 1)).toMatchObject({ offset: 0 });
    await using bad = connect(node.wsUrl, { token: "wrong" });
    await expect(bad.publish("t", 2)).rejects.toMatchObject({ code: "unauthorized" });
    await until("it has given up", () => bad.state === "closed");
  });

  it("says which hub doesn't answer, and why", async () => {
    await using hub = connect("ws://127.0.0.1:9", { timeoutMs: 500 });
    await expect(hub.connected()).rejects.toMatchObject({ code: "unavailable" });
    await expect(hub.connected()).rejects.toThrow(/127\.0\.0\.1:9.*ECONNREFUSED|127\.0\.0\.1:9/);
  });
});
