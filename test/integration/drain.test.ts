import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";

describe("a hub that is stopped", () => {
  it("tells every client to come back, at times of their own, and closes with 1001", async () => {
    await using hub = await startHub();
    const clients = await Promise.all(Array.from({ length: 20 }, () => JsonClient.connect(hub.wsUrl)));

    const stopped = hub.stop();
    const frames = await Promise.all(clients.map((client) => client.nextOf("draining")));
    const closes = await Promise.all(clients.map((client) => client.closed));

    expect(await stopped).toBe(0);
    expect(closes.map(({ code }) => code)).toEqual(clients.map(() => 1001));
    const times = new Set(frames.map(({ reconnectAfterMs }) => reconnectAfterMs));
    expect(times.size).toBeGreaterThan(5);
    for (const time of times) expect(Number.isInteger(time) && time >= 0).toBe(true);
  });

  it("answers what it has taken and keeps exactly what it acknowledged", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let id = 0; id < 200; id++) {
      client.send({ op: "publish", id, topic: "t", data: id, ...(id % 2 === 0 ? { durability: "synced" } : {}) });
    }
    await client.next();

    const exit = hub.stop();
    let acknowledged = 1;
    for (let frame = await client.next(); frame.op !== "draining"; frame = await client.next()) {
      if (frame.op === "published") acknowledged += 1;
      else expect(frame).toMatchObject({ op: "error", code: "shutting_down" });
    }
    expect(await exit).toBe(0);
    await hub.restart();
    await using after = await JsonClient.connect(hub.wsUrl);
    const { topic } = await after.request({ op: "topic", topic: "t" });

    expect(topic.partitions[0]?.head).toBe(acknowledged);
  });

  it("exits in bounded time although a client reads nothing", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "1000"] });
    await using publisher = await JsonClient.connect(hub.wsUrl);
    await using stalled = await JsonClient.connect(hub.wsUrl);
    await stalled.request({ op: "subscribe", topic: "t" });
    stalled.socket.pause();
    for (let n = 0; n < 60; n++) {
      const messages = Array.from({ length: 12 }, () => ({ data: "x".repeat(10_000) }));
      await publisher.request({ op: "publish", topic: "t", messages });
    }

    const begin = performance.now();
    const code = await hub.stop();

    expect(code).toBe(0);
    expect(performance.now() - begin).toBeLessThan(8_000);
  });
});
