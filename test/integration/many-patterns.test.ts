/** Names and patterns as a stranger may send them, and very many of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";

const PER_CONNECTION = 5_000;

let hub: TestHub;
beforeAll(async () => void (hub = await startHub()));
afterAll(() => hub[Symbol.asyncDispose]());

describe("a name or pattern that isn't one", () => {
  const levels = (count: number, level: string): string => new Array<string>(count).fill(level).join(".");

  it.each([
    ["nothing", "", ""],
    ["an empty level at the beginning", ".a", ".*"],
    ["an empty level at the end", "a.", "*."],
    ["an empty level inside", "a..b", "*..>"],
    ["a dot alone", ".", "."],
    ["white space", "a b", "a .*"],
    ["a control character", "a\u0000b", "\u0000.*"],
    ["half a character", "a\ud800", "\udc00.*"],
    ["a slash", "a/b", "a/*"],
    ["a mark first", "a.\u0301", "*.\u0301"],
    ["a bare dollar", "$", "$.*"],
    ["256 bytes", levels(128, "é"), `${levels(127, "é")}.>>`],
    ["wildcards where they don't belong", "a.*", "a.>.b"],
    ["a wildcard inside a level", "a*", "a.b*"],
    ["two wildcards in a level", ">", "a.**"],
  ])("(%s) is refused as invalid_topic, wherever it stands", async (_what, topic, pattern) => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const replies = [
      await client.request({ op: "publish", topic, data: 1 }),
      await client.request({ op: "subscribe", topic }),
      await client.request({ op: "history", topic, from: "earliest" }),
      await client.request({ op: "subscribe", pattern }),
    ];

    expect(replies.map(({ code }) => code)).toEqual(new Array<string>(4).fill("invalid_topic"));
    expect(replies.every(({ message }) => message.length < 400)).toBe(true);
  });
});

describe("10,000 patterns of strangers", () => {
  it("let exactly those hear of a record that match it, and end as they came", async () => {
    const readers = [await JsonClient.connect(hub.wsUrl), await JsonClient.connect(hub.wsUrl)];
    const numbers = await Promise.all(readers.map((reader, half) => subscribe(reader, (n) => patternOf(n, half))));
    await using publisher = await JsonClient.connect(hub.wsUrl);

    await publisher.request({ op: "publish", topic: "p.7.x.y", data: 1 });
    await publisher.request({ op: "publish", topic: "nobody.listens", data: 1 });
    // Carried out behind the deliveries: whatever was to come has come before its reply.
    for (const reader of readers) await reader.request({ op: "ping" });

    for (const [half, reader] of readers.entries()) {
      const heard = reader.waiting.filter(({ op }) => op === "messages");
      const wanted = (numbers[half] ?? []).filter((_, n) => matchesSeven(n, half));
      expect(heard.map(({ subscription }) => subscription).sort((a, b) => a - b)).toEqual(
        [...wanted].sort((a, b) => a - b),
      );
      expect(heard.every(({ topic }) => topic === "p.7.x.y")).toBe(true);
    }
    for (const reader of readers) await reader[Symbol.asyncDispose]();
    expect((await publisher.request({ op: "publish", topic: "p.7.x.y", data: 2 })).offset).toBe(1);
  });

  it("that all match give each its own delivery, once", async () => {
    await using reader = await JsonClient.connect(hub.wsUrl);
    const wildcards = (n: number): string =>
      Array.from({ length: 12 }, (_, level) => ((n >> level) & 1 ? "*" : "w")).join(".");
    const numbers = await subscribe(reader, wildcards, 4_096);

    await reader.request({ op: "publish", topic: new Array<string>(12).fill("w").join("."), data: 1 });
    const heard: number[] = [];
    while (heard.length < numbers.length) heard.push((await reader.nextOf("messages")).subscription);
    await reader.request({ op: "ping" });

    expect(heard.sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
    expect(reader.waiting.filter(({ op }) => op === "messages")).toEqual([]);
  });
});

const SHAPES = [
  (n: number, half: number) => `p.${n}.*.y${half === 0 ? "" : ".>"}`,
  (n: number) => `*.${n}.>`,
  (n: number) => `p.*.${n}.>`,
  (n: number) => `q${n}.>`,
];

function patternOf(n: number, half: number): string {
  return SHAPES[n % SHAPES.length]?.(Math.floor(n / SHAPES.length), half) as string;
}

/** Of the patterns above, the topic p.7.x.y is matched by `*.7.>` alone, and in the first half by `p.7.*.y`. */
function matchesSeven(n: number, half: number): boolean {
  const shape = n % SHAPES.length;
  return Math.floor(n / SHAPES.length) === 7 && (shape === 1 || (shape === 0 && half === 0));
}

/** Subscribes to `count` patterns, many requests at a time, and gives the subscriptions' numbers. */
async function subscribe(
  reader: JsonClient,
  pattern: (n: number) => string,
  count = PER_CONNECTION,
): Promise<readonly number[]> {
  const replies = await Promise.all(
    Array.from({ length: count }, (_, n) => reader.request({ op: "subscribe", pattern: pattern(n) }, 30_000)),
  );
  expect(replies.filter(({ op }) => op !== "subscribed")).toEqual([]);
  return replies.map(({ subscription }) => subscription);
}
