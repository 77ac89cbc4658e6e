import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";

// Each has a hub of its own, which is waited for.
describe.concurrent("a hub that is stopped", () => {
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

  // Over ws, where a reader that is silent holds the hub until its time is over; with uWebSockets.js the kernel may take what it left, and there is no meanwhile.
  it("says that it is going away to whoever asks meanwhile", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "3000", "--transport", "ws"] });
    await using stalled = await stall(hub);

    const exit = hub.stop();
    await stalled.publisher.closed;
    const [ready, alive, handshake] = await Promise.all([
      fetch(`${hub.url}/readyz`),
      fetch(`${hub.url}/healthz`),
      JsonClient.open(hub.wsUrl).then(
        () => "opened",
        (error: unknown) => (error as Error).message,
      ),
    ]);

    expect([ready.status, ready.headers.get("retry-after"), await ready.json()]).toEqual([
      503,
      "1",
      expect.objectContaining({ code: "shutting_down" }),
    ]);
    expect([alive.status, handshake]).toEqual([200, "Unexpected server response: 503"]);
    expect(await exit).toBe(0);
  });

  it("exits in bounded time although a client reads nothing", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "1000"] });
    await using stalled = await stall(hub);

    const begin = performance.now();
    const code = await hub.stop();

    expect([code, (await stalled.publisher.closed).code]).toEqual([0, 1001]);
    expect(performance.now() - begin).toBeLessThan(8_000);
  });
});

/** A subscriber that reads nothing of what a publisher has sent: the hub's socket to it is full. */
async function stall(hub: { readonly wsUrl: string }): Promise<AsyncDisposable & { readonly publisher: JsonClient }> {
  const publisher = await JsonClient.connect(hub.wsUrl);
  const subscriber = await JsonClient.connect(hub.wsUrl);
  await subscriber.request({ op: "subscribe", topic: "t" });
  subscriber.socket.pause();
  for (let n = 0; n < 150; n++) {
    const messages = Array.from({ length: 12 }, () => ({ data: "x".repeat(10_000) }));
    await publisher.request({ op: "publish", topic: "t", messages });
  }
  return {
    publisher,
    [Symbol.asyncDispose]: async () => {
      await publisher[Symbol.asyncDispose]();
      await subscriber[Symbol.asyncDispose]();
    },
  };
}
