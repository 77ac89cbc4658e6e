/** Hostile inputs in numbers that a table can't have: what they cost the hub at its peak, and the bystander's stream whole beside them. */
import { describe, expect, it } from "vitest";
import { Bystander } from "../hostile/bystander.js";
import type { FrameClient } from "../support/frame-client.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { MemoryWatch, rssAnonBytes } from "../support/footprint.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

/** So many requests are on their way at once. */
const PIPELINE = 500;
const KIB = 1_024;
const MIB = KIB * KIB;

interface Load {
  readonly name: string;
  readonly args?: readonly string[];
  /** @returns how many requests it made */
  readonly run: (client: FrameClient, hub: TestHub) => Promise<number>;
  /** What the hub may have grown by, once the load is gone. */
  readonly growthBytes: number;
}

/** Sends `count` requests, a number of them at once, and hands each reply over. */
async function pipelined(
  client: FrameClient,
  count: number,
  request: (n: number) => object,
  reply: (frame: Awaited<ReturnType<FrameClient["request"]>>, n: number) => void,
): Promise<number> {
  for (let from = 0; from < count; from += PIPELINE) {
    const part = Array.from({ length: Math.min(PIPELINE, count - from) }, (_, n) => from + n);
    const replies = await Promise.all(part.map((n) => client.request(request(n))));
    replies.forEach((frame, n) => reply(frame, from + n));
  }
  return count;
}

const LOADS: readonly Load[] = [
  {
    name: "a million brackets (J8)",
    growthBytes: 48 * MIB,
    run: async (_client, hub) => {
      const count = amount(20, 200);
      for (let n = 0; n < count; n++) {
        await using client = await JsonClient.connect(hub.wsUrl);
        client.send("[".repeat(1_000_000));
        expect((await client.next()).code).toBe("bad_frame");
      }
      return count;
    },
  },
  {
    name: "300,000 headers in a frame (J22)",
    growthBytes: 64 * MIB,
    run: async (client) => {
      const headers = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`h${n}`, "v"]));
      const frame = JSON.stringify({ op: "publish", id: "x", topic: "t", data: 1, headers });
      const count = amount(10, 100);
      for (let n = 0; n < count; n++) {
        client.send(frame);
        expect((await client.next()).code).toBe("bad_request");
      }
      return count;
    },
  },
  {
    name: "acknowledgements, all of them wrong (J19)",
    growthBytes: 48 * MIB,
    run: async (client) => {
      const { subscription } = await client.request({ op: "subscribe", topic: "acks" });
      const wrong = (offset: number): object => ({ op: "ack", subscription, offset });
      return pipelined(client, amount(50_000, 1_000_000), wrong, ({ code }) => expect(code).toBe("invalid_offset"));
    },
  },
  {
    name: "acknowledgements beyond maxRequestRate (J19)",
    args: ["--max-request-rate", "100"],
    growthBytes: 48 * MIB,
    run: async (client) => {
      const messages = Array.from({ length: 200 }, (_, data) => ({ data }));
      await client.request({ op: "publish", topic: "acks", messages });
      const { subscription } = await client.request({ op: "subscribe", topic: "acks", from: "earliest", window: 200 });
      while ((await client.nextOf("messages")).next < 200);
      const count = amount(100_000, 1_000_000);
      for (let n = 0; n < count; n++) client.send({ op: "ack", subscription, offset: n % 200 });
      // Of all that came too soon the newest holds: the window opens again for all that was acknowledged.
      await client.request({ op: "publish", topic: "acks", messages });
      while ((await client.nextOf("messages", 30_000)).next < 400);
      return count;
    },
  },
  {
    name: "producers of one topic (J24)",
    growthBytes: 192 * MIB,
    run: async (client) => {
      const count = amount(20_000, 100_100);
      const first = (n: number): object => ({
        op: "publish",
        topic: "p",
        data: 1,
        producer: { id: `p${n}`, sequence: 0 },
      });
      return pipelined(client, count, first, ({ op, code }, n) =>
        expect([op, code]).toEqual(n < 100_000 ? ["published", undefined] : ["error", "too_many"]),
      );
    },
  },
  {
    name: "subscribe and unsubscribe (J27)",
    growthBytes: 48 * MIB,
    run: async (client) => {
      const count = amount(20_000, 1_000_000);
      for (let done = 0; done < count; done += PIPELINE) {
        const numbers: number[] = [];
        const subscribe = (n: number): object => ({ op: "subscribe", pattern: `none.${n}.*` });
        await pipelined(client, PIPELINE, subscribe, ({ subscription }) => void numbers.push(subscription));
        const unsubscribe = (n: number): object => ({ op: "unsubscribe", subscription: numbers[n] });
        await pipelined(client, PIPELINE, unsubscribe, ({ op }) => expect(op).toBe("unsubscribed"));
      }
      return count;
    },
  },
  {
    name: "5,000 patterns of *.*.*.* and new topics (T12)",
    growthBytes: 160 * MIB,
    run: async (client, hub) => {
      const pattern = (n: number): object => ({ op: "subscribe", pattern: `*.*.*.${n}` });
      await pipelined(client, 5_000, pattern, ({ op }) => expect(op).toBe("subscribed"));
      await using publisher = await JsonClient.connect(hub.wsUrl);
      const publish = (n: number): object => ({ op: "publish", topic: `a.${n % 7}.${n % 11}.x${n}`, data: n });
      return (
        5_000 + (await pipelined(publisher, amount(2_000, 100_000), publish, ({ op }) => expect(op).toBe("published")))
      );
    },
  },
  {
    name: "new topics beyond maxTopics (T14)",
    args: ["--max-topics", "1000"],
    growthBytes: 96 * MIB,
    run: (client) => {
      const subscribe = (n: number): object => ({ op: "subscribe", topic: `t${n}` });
      return pipelined(client, amount(20_000, 1_000_000), subscribe, ({ op, code }) =>
        expect(op === "subscribed" || code === "too_many").toBe(true),
      );
    },
  },
];

describe("hostile load", () => {
  it.each(LOADS)("$name", { timeout: 600_000 }, async ({ name, args = [], run, growthBytes }) => {
    await using hub = await startHub({ args });
    await using bystander = await Bystander.start(hub);
    const before = rssAnonBytes(hub.pid);
    using memory = new MemoryWatch(hub);

    const client = await JsonClient.connect(hub.wsUrl);
    const operations = await run(client, hub);
    await client[Symbol.asyncDispose]();

    await bystander.complete();
    const delivered = bystander.latencies.length;
    const { peakMiB } = memory;
    addRow({
      fault: `hostile: ${name}`,
      cycles: 1,
      operations,
      acknowledged: delivered,
      delivered,
      ...NOTHING,
      peakMiB,
    });
    expect(rssAnonBytes(hub.pid) - before).toBeLessThan(growthBytes);
    expect(hub.output().stderr).not.toMatch(/uncaught|unhandled/i);
  });
});
