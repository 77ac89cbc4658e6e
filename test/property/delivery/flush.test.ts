import { describe, expect, it } from "vitest";
import { startInProcess } from "./in-process-hub.js";

describe("the flush", () => {
  it("gives 1,000 readers at one place the very same frame, each in one write", async () => {
    await using world = await startInProcess();
    const clients = Array.from({ length: 1_000 }, () => world.connect());
    for (const client of clients) client.ask({ op: "subscribe", id: 1, topic: "t" });
    world.runtime.settle();
    for (const client of clients) client.writes = client.sent.length = 0;
    const { builtFrames } = world.hub.stats;

    for (let n = 0; n < 3; n++) clients[0]?.ask({ op: "publish", id: n, topic: "t", data: n });
    world.runtime.settle();

    expect(world.hub.stats.builtFrames - builtFrames).toBe(1);
    expect(new Set(clients.map(({ sent }) => sent.at(-1))).size).toBe(1);
    expect(new Set(clients.map(({ writes }) => writes))).toEqual(new Set([1]));
    expect(
      clients[0]
        ?.take()
        .slice(1)
        .map(({ op }) => op),
    ).toEqual(["published", "published", "published", "messages"]);
  });

  it("reads live deliveries from the log: what is damaged between publish and flush is a gap", async () => {
    await using world = await startInProcess();
    const client = world.connect();
    client.ask({ op: "subscribe", id: 1, topic: "t" });
    world.runtime.settle();
    client.take();

    const messages = ["one", "two-to-be-damaged", "three"].map((data) => ({ data }));
    client.ask({ op: "publish", id: 2, topic: "t", messages });
    damage(world.store, "two-to-be-damaged");
    world.runtime.settle();
    const frames = client.take();

    expect(frames.map(({ op }) => op)).toEqual(["published", "messages", "gap", "messages"]);
    expect(frames[1]).toMatchObject({ next: 1, messages: [{ offset: 0, data: "one" }] });
    expect(frames[2]).toMatchObject({ from: 1, to: 1, reason: "corrupt", next: 2 });
    expect(frames[3]).toMatchObject({ next: 3, messages: [{ offset: 2, data: "three" }] });
    expect(world.events).toContainEqual({ type: "corrupt", topic: "t", partition: 0, from: 1, to: 1 });
  });

  it("gives binary readers one copy of the log's bytes, and what is damaged as it is, unless they ask for checks", async () => {
    await using world = await startInProcess();
    const plain = [1, 2, 3].map(() => world.connect("127.0.0.1", "msgpack"));
    const checked = world.connect("127.0.0.1", "msgpack");
    for (const client of plain) client.ask({ op: "subscribe", id: 1, topic: "t" });
    checked.ask({ op: "subscribe", id: 1, topic: "t", verify: true });
    world.runtime.settle();
    for (const client of [...plain, checked]) client.take();

    const messages = ["one", "two-to-be-damaged", "three"].map((data) => ({ data }));
    world.connect().ask({ op: "publish", id: 2, topic: "t", messages });
    damage(world.store, "two-to-be-damaged");
    world.runtime.settle();

    expect(new Set(plain.map(({ sent }) => sent.at(-1))).size).toBe(1);
    expect(plain[0]?.take()[0]?.records.map(({ isIntact }) => isIntact)).toEqual([true, false, true]);
    const frames = checked.take();
    expect(frames.map(({ op }) => op)).toEqual(["messages", "gap", "messages"]);
    expect(frames[1]).toMatchObject({ from: 1, to: 1, reason: "corrupt", next: 2 });
  });

  it("reports which gate holds each cursor, and how far it is behind", async () => {
    await using world = await startInProcess();
    const live = world.connect();
    const windowed = world.connect();
    const full = world.connect();
    live.ask({ op: "subscribe", id: 1, topic: "t" });
    windowed.ask({ op: "subscribe", id: 1, topic: "t", window: 2 });
    full.ask({ op: "subscribe", id: 1, topic: "t", filter: { keys: ["k"] } });
    world.runtime.settle();
    full.nextResult = "full";
    const publisher = world.connect();
    for (let n = 0; n < 5; n++) {
      publisher.ask({ op: "publish", id: n, topic: "t", data: n, key: "k" });
      world.runtime.settle();
      world.runtime.advance(10);
    }

    const { cursorStates, lagSum, lagMax, publishToSend, flushBytes } = world.hub.stats;
    expect(cursorStates).toEqual({ live: 1, "catching-up": 0, "waiting-for-window": 1, "waiting-for-drain": 1 });
    // The window let two through, the socket one. The oldest that waits is 40 ms old.
    expect([lagSum.records, lagMax.records, lagMax.ms]).toEqual([7, 4, 40]);
    expect(lagMax.bytes).toBeGreaterThan(4 * 48);
    expect(publishToSend.counts.reduce((sum, count) => sum + count)).toBe(5);
    expect(flushBytes.sum).toBe(world.hub.stats.deliveredBytes);
  });

  it("closes a connection whose delivery fails, and no other", async () => {
    await using world = await startInProcess();
    const bad = world.connect();
    const good = world.connect();
    for (const client of [bad, good]) client.ask({ op: "subscribe", id: 1, topic: "t" });
    world.runtime.settle();
    good.take();
    let isBroken = true;
    const send = bad.send.bind(bad);
    bad.send = (frames, count) => {
      if (!isBroken) return send(frames, count);
      isBroken = false;
      throw new Error("A fault of the transport");
    };

    good.ask({ op: "publish", id: 2, topic: "t", data: 1 });
    world.runtime.settle();

    expect(bad.take().at(-1)).toMatchObject({ op: "error", code: "internal" });
    expect(bad.closeCode).toBe(1011);
    expect(good.take().map(({ op }) => op)).toEqual(["published", "messages"]);
    expect(world.events).toContainEqual({ type: "delivery-failed", error: expect.any(Error) as Error });
  });

  it("holds one slice for a reader that takes nothing, whatever is published", async () => {
    await using world = await startInProcess();
    world.hub.putTopic("t", { capacityBytes: 4_194_304 }, { ifAbsent: true });
    const slow = world.connect();
    const publisher = world.connect();
    for (const topic of ["t", "u"]) slow.ask({ op: "subscribe", id: topic, topic });
    world.runtime.settle();
    slow.take();

    slow.nextResult = "full";
    const messages = Array.from({ length: 10 }, () => ({ data: "x".repeat(1_000) }));
    for (let n = 0; n < 300; n++) {
      publisher.ask({ op: "publish", id: n, topic: n % 2 === 0 ? "t" : "u", messages });
      if (n % 3 === 0) world.runtime.settle();
    }
    world.runtime.settle();

    expect(slow.unsent).toBeGreaterThan(0);
    expect(slow.unsent).toBeLessThan(163_840);
    expect(world.runtime.isBusy).toBe(false);
  });

  it("serves live readers in the turn in which a hundred replay", async () => {
    await using world = await startInProcess();
    world.hub.putTopic("old", { capacityBytes: 16_777_216 }, { ifAbsent: true });
    const publisher = world.connect();
    const messages = Array.from({ length: 10 }, () => ({ data: "x".repeat(10_000) }));
    for (let n = 0; n < 40; n++) publisher.ask({ op: "publish", id: n, topic: "old", messages });
    world.runtime.settle();
    const live = world.connect();
    live.ask({ op: "subscribe", id: 1, topic: "new" });
    world.runtime.settle();
    live.take();
    const replays = Array.from({ length: 100 }, () => world.connect());
    for (const reader of replays) reader.ask({ op: "subscribe", id: 1, topic: "old", from: "earliest" });
    // By now they are known to be behind.
    for (let n = 0; n < 20; n++) world.runtime.turn();

    let slowest = 0;
    for (let n = 0; n < 20 && world.runtime.isBusy; n++) {
      publisher.ask({ op: "publish", id: n, topic: "new", data: n });
      let turns = 0;
      for (; live.frames.length === 0; turns++) world.runtime.turn();
      live.take();
      slowest = Math.max(slowest, turns);
    }
    world.runtime.settle();

    expect(slowest).toBe(1);
    for (const reader of replays) expect(reader.take().at(-1)?.next).toBe(400);
  });

  it("lets a deleted topic's reader with a full window know at once", async () => {
    await using world = await startInProcess();
    const client = world.connect();
    client.ask({ op: "subscribe", id: 1, topic: "t", window: 1 });
    for (let n = 0; n < 3; n++) client.ask({ op: "publish", id: `p${n}`, topic: "t", data: n });
    world.runtime.settle();
    client.take();

    world.hub.deleteTopic("t");
    world.runtime.settle();

    expect(client.take()).toMatchObject([{ op: "gap", from: 1, to: 1, reason: "deleted", next: 0 }]);
  });
});

/** Flips a bit of the only place where this text stands in the log. */
function damage(store: { topic(name: string): { partitions: readonly unknown[] } | undefined }, text: string): void {
  const log = store.topic("t")?.partitions[0] as { region: { bytes: Uint8Array } };
  const at = Buffer.from(log.region.bytes.buffer, log.region.bytes.byteOffset, log.region.bytes.length).indexOf(text);
  expect(at).toBeGreaterThan(0);
  log.region.bytes[at] = (log.region.bytes[at] as number) ^ 1;
}
