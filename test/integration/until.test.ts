import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient, type AnyFrame } from "../support/json-client.js";

const DIALECTS = { json: JsonClient, msgpack: BinaryClient };

let hub: TestHub;

beforeAll(async () => void (hub = await startHub()));
afterAll(() => hub[Symbol.asyncDispose]());

describe.each(Object.entries(DIALECTS))("until over %s", (dialect, Client) => {
  it("head: delivers what is there, says that it is over, and spends the number", async () => {
    const topic = `head-${dialect}`;
    await publish(topic, 5);
    await using reader = await Client.connect(hub.wsUrl);

    const { subscription } = await reader.request({ op: "subscribe", topic, from: "earliest", until: "head" });
    const frames = await untilEnded(reader);
    await publish(topic, 1);
    const again = await reader.request({ op: "subscribe", topic, from: { offset: 4 }, until: "head" });

    expect(offsetsOf(frames)).toEqual([0, 1, 2, 3, 4]);
    expect(frames.at(-1)).toEqual({ op: "ended", subscription });
    expect(await reader.request({ op: "unsubscribe", subscription })).toMatchObject({ code: "unknown_subscription" });
    // An acknowledgement may have been under way.
    expect(await reader.request({ op: "ack", subscription, offset: 4 })).toMatchObject({ op: "acked" });
    expect(again.subscription).not.toBe(subscription);
    expect(offsetsOf(await untilEnded(reader))).toEqual([4, 5]);
  });

  it("an offset: ends before it, also where it is yet to come", async () => {
    const topic = `offset-${dialect}`;
    await publish(topic, 3);
    await using reader = await Client.connect(hub.wsUrl);

    await reader.request({ op: "subscribe", topic, from: { offset: 1 }, until: { offset: 5 } });
    expect(offsetsOf([await reader.nextOf("messages")])).toEqual([1, 2]);
    await publish(topic, 4);

    expect(offsetsOf(await untilEnded(reader))).toEqual([3, 4]);
  });

  it("an offset below the start: over at once", async () => {
    const topic = `below-${dialect}`;
    await publish(topic, 3);
    await using reader = await Client.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic, until: { offset: 2 } });

    expect((await untilEnded(reader)).map(({ op }) => op)).toEqual(["ended"]);
  });

  it("a time to come: goes on until the clock has passed it", async () => {
    const topic = `time-${dialect}`;
    await publish(topic, 2);
    await using reader = await Client.connect(hub.wsUrl);
    const { time } = await reader.request({ op: "ping" });

    await reader.request({ op: "subscribe", topic, from: "earliest", until: { time: time + 700 } });
    await reader.nextOf("messages");
    await publish(topic, 1);
    const frames = await untilEnded(reader);

    expect(offsetsOf(frames)).toEqual([2]);
    expect((await reader.request({ op: "ping" })).time).toBeGreaterThanOrEqual(time + 700);
  });

  it("head of a pattern: leaves out topics that come later, and ends where none matches", async () => {
    await publish(`pattern.${dialect}.a`, 2);
    await publish(`pattern.${dialect}.b`, 2);
    await using reader = await Client.connect(hub.wsUrl);
    const pattern = `pattern.${dialect}.*`;

    await reader.request({ op: "subscribe", pattern, from: "earliest", until: "head" });
    await publish(`pattern.${dialect}.c`, 2);
    const frames = await untilEnded(reader);
    await reader.request({ op: "subscribe", pattern: `nobody.${dialect}.>`, until: "head" });

    expect(new Set(frames.map(({ topic }) => topic))).toEqual(
      new Set([`pattern.${dialect}.a`, `pattern.${dialect}.b`, undefined]),
    );
    expect((await untilEnded(reader)).map(({ op }) => op)).toEqual(["ended"]);
  });

  it("ends with a full window, too, and behind a gap", async () => {
    const topic = `gap-${dialect}`;
    await publish(topic, 200, "x".repeat(1_000), 65_536);
    await using reader = await Client.connect(hub.wsUrl);

    await reader.request({ op: "subscribe", topic, from: { offset: 0 }, until: { offset: 10 }, window: 1 });
    const frames = await untilEnded(reader);

    expect(frames.map(({ op }) => op)).toEqual(["gap", "ended"]);
    expect(frames[0]).toMatchObject({ from: 0, reason: "retention" });
  });

  it("an offset on a pattern is refused", async () => {
    await using reader = await Client.connect(hub.wsUrl);
    const answer = await reader.request({ op: "subscribe", pattern: "x.*", until: { offset: 1 } });
    expect(answer).toMatchObject({ code: "bad_request", details: { field: "until" } });
  });
});

async function publish(topic: string, count: number, data = "x", capacityBytes?: number): Promise<void> {
  if (capacityBytes !== undefined) {
    const body = JSON.stringify({ capacityBytes });
    const headers = { "content-type": "application/json" };
    await fetch(`${hub.url}/v1/topics/${topic}`, { method: "PUT", headers, body });
  }
  await using client = await JsonClient.connect(hub.wsUrl);
  for (let n = 0; n < count; n++) await client.request({ op: "publish", topic, data });
}

/** Everything up to and with `ended`. */
async function untilEnded(reader: JsonClient | BinaryClient): Promise<AnyFrame[]> {
  const frames: AnyFrame[] = [];
  do frames.push(await reader.next());
  while (frames.at(-1)?.op !== "ended");
  return frames;
}

function offsetsOf(frames: readonly AnyFrame[]): number[] {
  return frames.flatMap(({ op, messages }) => (op === "messages" ? messages.map(({ offset }) => offset) : []));
}
