import { describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { JsonClient, type AnyFrame } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

const DIALECTS = { json: JsonClient, msgpack: BinaryClient };

const hub = sharedHub();

// A reader that wants nothing is told where it stands after seconds: meanwhile the others read.
describe.concurrent.each(Object.entries(DIALECTS))("a filter over %s", (dialect, Client) => {
  it("takes records by key and header, and tells where they end", async () => {
    const topic = `wanted-${dialect}`;
    await fill(topic, 40);
    await using reader = await Client.connect(hub.wsUrl);

    const filter = { keys: ["k1", "k3"], headers: { parity: ["odd"] } };
    await reader.request({ op: "subscribe", topic, from: "earliest", filter });
    const frame = await reader.nextOf("messages");

    expect(frame.messages.map(({ offset }) => offset)).toEqual(
      [1, 3, 6, 8, 11, 13, 16, 18, 21, 23, 26, 28, 31, 33, 36, 38].filter((n) => n % 2 === 1),
    );
    expect(frame.next).toBe(40);
  });

  it("counts only what is wanted for the window, and takes acks of what was left out", async () => {
    const topic = `window-${dialect}`;
    await fill(topic, 40);
    await using reader = await Client.connect(hub.wsUrl);

    const filter = { keys: ["k0"] };
    const wish = { op: "subscribe", topic, from: "earliest", filter, window: 2 };
    const { subscription } = await reader.request(wish);
    const offsets: number[] = [];
    while (offsets.length < 8) {
      const { messages, next } = await reader.nextOf("messages");
      expect(messages.length).toBeLessThanOrEqual(2);
      offsets.push(...messages.map(({ offset }) => offset));
      // The last that was looked at, wanted or not.
      reader.send({ op: "ack", subscription, offset: next - 1 });
    }

    expect(offsets).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
    expect(await reader.request({ op: "ack", subscription, offset: 1_000 })).toMatchObject({ code: "invalid_offset" });
  });

  it("tells where the reader stands although nothing is wanted", async () => {
    const topic = `nothing-${dialect}`;
    await fill(topic, 10);
    await using reader = await Client.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic, from: "earliest", filter: { keys: ["never"] } });

    const frame = await reader.nextOf("messages", 8_000);

    expect(frame).toMatchObject({ topic, partition: 0, next: 10, messages: [] });
  });

  it("tells where the reader stands before 10,000 were left out", async () => {
    const topic = `many-${dialect}`;
    await fill(topic, 25_000);
    await using reader = await Client.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic, from: "earliest", filter: { headers: { parity: ["never"] } } });

    let stands = 0;
    while (stands < 16_000) {
      const { next, messages } = await reader.nextOf("messages");
      expect(messages).toEqual([]);
      expect(next - stands).toBeLessThan(10_000);
      stands = next;
    }
  });

  it("holds for history", async () => {
    const topic = `page-${dialect}`;
    await fill(topic, 40);
    await using reader = await Client.connect(hub.wsUrl);
    const ask = { op: "history", topic, filter: { keys: ["k4"] }, limit: 3 };

    const first = await reader.request({ ...ask, from: "earliest" });
    const second = await reader.request({ ...ask, from: { offset: first.next.offset } });

    expect(offsetsOf(first)).toEqual([4, 9, 14]);
    expect(offsetsOf(second)).toEqual([19, 24, 29]);
  });
});

it("gives readers with the same filter the same bytes, and others theirs", async () => {
  await using publisher = await JsonClient.connect(hub.wsUrl);
  const readers = await Promise.all([1, 2, 3].map(() => JsonClient.connect(hub.wsUrl)));
  const filters = [{ keys: ["a", "b"] }, { keys: ["b", "a", "a"] }, { keys: ["b"] }];
  for (const [at, reader] of readers.entries())
    await reader.request({ op: "subscribe", topic: "shared", filter: filters[at] });

  const messages = ["a", "b", "c"].map((key) => ({ data: key, key }));
  await publisher.request({ op: "publish", topic: "shared", messages });
  const frames = await Promise.all(readers.map((reader) => reader.nextOf("messages")));

  expect(frames[0]).toEqual(frames[1]);
  expect(frames.map(({ messages: all }) => all.map(({ data }) => data))).toEqual([["a", "b"], ["a", "b"], ["b"]]);
  for (const reader of readers) await reader[Symbol.asyncDispose]();
});

/** Keys go round from k0 to k4, the header `parity` by the number. */
async function fill(topic: string, count: number): Promise<void> {
  await using client = await JsonClient.connect(hub.wsUrl);
  for (let first = 0; first < count; first += 5_000) {
    const messages = Array.from({ length: Math.min(5_000, count - first) }, (_, n) => ({
      data: first + n,
      key: `k${(first + n) % 5}`,
      headers: { parity: (first + n) % 2 === 0 ? "even" : "odd" },
    }));
    expect(await client.request({ op: "publish", topic, messages })).toMatchObject({ op: "published" });
  }
}

function offsetsOf(page: AnyFrame): number[] {
  return page.messages.map(({ offset }) => offset);
}
