/** The binary dialect over both transports: every operation has the outcome that it has in the JSON dialect. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordBytes, publishFrame, type PublishDraft, type RecordDraft } from "../support/batch-frame.js";
import { BinaryClient } from "../support/binary-client.js";
import type { AnyFrame, FrameClient } from "../support/frame-client.js";
import { askJson } from "../support/http-request.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { TRANSPORTS } from "../support/transports.js";

type Script = (client: FrameClient, topic: string) => Promise<readonly AnyFrame[]>;

const TEN = Array.from({ length: 10 }, (_, n) => ({ data: { n }, key: `k${n % 3}`, headers: { parity: `${n % 2}` } }));
const KEYED = Array.from({ length: 12 }, (_, n) => ({ data: n, key: `k${n}` }));
const DEEP = JSON.parse("[".repeat(129) + "]".repeat(129)) as unknown;

/** What is asked, and the code or operation of the last answer: so that both can't be wrong in the same way. */
const SCRIPTS: readonly [name: string, expected: string, script: Script][] = [
  ["ping", "pong", asks({ op: "ping" })],
  ["auth where no token is required", "authenticated", asks({ op: "auth", token: "t" })],
  ["an unknown operation", "unknown_op", asks({ op: "fly" })],
  ["settle", "unknown_op", asks({ op: "settle", subscription: 1 })],
  ["a prototype's name", "unknown_op", asks({ op: "__proto__" })],

  ["publish", "published", asks({ op: "publish", data: { a: [1, "ä", null, 1.5, true] } })],
  ["publish null", "published", asks({ op: "publish", data: null })],
  ["publish with key and headers", "published", asks({ op: "publish", data: 1, key: "", headers: { a: "b", c: "" } })],
  ["publish a batch", "published", asks({ op: "publish", messages: TEN })],
  ["publish a batch by key", "published", partitioned(3, asks({ op: "publish", messages: KEYED }))],
  ["publish to a partition", "published", partitioned(3, asks({ op: "publish", data: 1, partition: 2 }))],
  ["publish to a partition beyond", "bad_request", partitioned(3, asks({ op: "publish", data: 1, partition: 3 }))],
  ["publish synced", "published", asks({ op: "publish", data: 1, durability: "synced" })],
  ["publish replicated", "bad_request", asks({ op: "publish", data: 1, durability: "replicated" })],
  ["publish maybe", "bad_request", asks({ op: "publish", data: 1, durability: "maybe" })],
  ["publish nothing", "bad_request", asks({ op: "publish" })],
  ["publish a nil key", "bad_request", asks({ op: "publish", data: 1, key: null })],
  ["publish a long key", "bad_request", asks({ op: "publish", data: 1, key: "k".repeat(1_025) })],
  ["publish a number as key", "bad_request", asks({ op: "publish", data: 1, key: 1 })],
  ["publish the hub's header", "bad_request", asks({ op: "publish", data: 1, headers: { "ringcast-x": "1" } })],
  ["publish a header that is no string", "bad_request", asks({ op: "publish", data: 1, headers: { a: 1 } })],
  ["publish data and messages", "bad_request", asks({ op: "publish", data: 1, messages: [{ data: 1 }] })],
  ["publish no messages", "bad_request", asks({ op: "publish", messages: [] })],
  ["publish a bad one in a batch", "bad_request", asks({ op: "publish", messages: [{ data: 1 }, { key: "k" }] })],
  ["publish too many", "too_large", asks({ op: "publish", messages: new Array(10_001).fill({ data: 1 }) })],
  ["publish too much", "too_large", asks({ op: "publish", data: "x".repeat(1_048_577) })],
  ["publish too deep", "bad_request", asks({ op: "publish", data: DEEP })],
  ["publish to the hub's topic", "forbidden", asks({ op: "publish", topic: "$hub.x", data: 1 })],
  ["publish to no topic", "invalid_topic", asks({ op: "publish", topic: "a..b", data: 1 })],
  ["publish to a number", "bad_request", asks({ op: "publish", topic: 1, data: 1 })],
  [
    "publish again, and otherwise, as a producer",
    "out_of_sequence",
    asks(
      { op: "publish", data: 1, producer: { id: "p", sequence: 0 } },
      { op: "publish", data: 1, producer: { id: "p", sequence: 0 } },
      { op: "publish", data: 2, producer: { id: "p", sequence: 0 } },
      { op: "publish", messages: [{ data: 1 }], producer: { id: "p", sequence: 1 } },
      { op: "publish", messages: [{ data: 1 }], producer: { id: "p", sequence: 1 } },
      { op: "publish", data: 1, producer: { id: "p", sequence: 3 } },
    ),
  ],
  ["publish sequence -1", "bad_request", asks({ op: "publish", data: 1, producer: { id: "p", sequence: -1 } })],
  ["publish sequence 1.5", "bad_request", asks({ op: "publish", data: 1, producer: { id: "p", sequence: 1.5 } })],

  ["topic", "topic", filled(asks({ op: "topic" }))],
  ["an unknown topic", "unknown_topic", asks({ op: "topic" })],
  ["history", "history", filled(asks({ op: "history", from: "earliest" }))],
  ["history of an unknown topic", "unknown_topic", asks({ op: "history", from: "earliest" })],
  ["history from an offset", "history", filled(asks({ op: "history", from: { offset: 3 }, limit: 2 }))],
  ["history of the last", "history", filled(asks({ op: "history", from: { last: 3 } }))],
  ["history until an offset", "history", filled(asks({ op: "history", from: "earliest", until: { offset: 4 } }))],
  ["history by key", "history", filled(asks({ op: "history", from: "earliest", filter: { keys: ["k1"] } }))],
  ["history ahead", "invalid_offset", filled(asks({ op: "history", from: { offset: 99 } }))],
  ["history of another epoch", "history", filled(asks({ op: "history", from: positions("other", 3) }))],
  ["history of none", "bad_request", filled(asks({ op: "history", from: "earliest", limit: 0 }))],
  ["history of a partition beyond", "bad_request", filled(asks({ op: "history", from: "earliest", partition: 7 }))],

  ["subscribe from the earliest", "messages", filled(reads(10, { from: "earliest" }))],
  ["subscribe from an offset", "messages", filled(reads(6, { from: { offset: 4 } }))],
  ["subscribe to the last", "messages", filled(reads(2, { from: { last: 2 } }))],
  ["subscribe from a time", "messages", filled(reads(10, { from: { time: 0 } }))],
  ["subscribe and verify", "messages", filled(reads(10, { from: "earliest", verify: true }))],
  ["subscribe by header", "messages", filled(reads(5, { from: "earliest", filter: { headers: { parity: ["1"] } } }))],
  ["subscribe until the head", "ended", filled(reads(10, { from: "earliest", until: "head" }, "ended"))],
  ["subscribe to a pattern", "messages", filled(reads(10, { topic: undefined, pattern: ">", from: "earliest" }))],
  ["subscribe with another epoch", "gap", filled(reads(0, { from: positions("other", 3) }, "gap"))],
  ["subscribe ahead", "invalid_offset", filled(asks({ op: "subscribe", from: { offset: 99 } }))],
  ["subscribe to nothing", "bad_request", asks({ op: "subscribe", topic: undefined })],
  ["subscribe to a broken pattern", "invalid_topic", asks({ op: "subscribe", topic: undefined, pattern: "a.>.b" })],
  ["subscribe as a group", "bad_request", asks({ op: "subscribe", group: "g" })],
  ["subscribe with half a window", "bad_request", asks({ op: "subscribe", window: 1.5 })],
  ["subscribe with a window too wide", "bad_request", asks({ op: "subscribe", window: 100_001 })],
  ["subscribe with a broken filter", "bad_request", asks({ op: "subscribe", filter: { regex: "(a+)+$" } })],
  ["subscribe until tomorrow", "bad_request", asks({ op: "subscribe", until: "tomorrow" })],
  ["unsubscribe from nothing", "unknown_subscription", asks({ op: "unsubscribe", subscription: 1 })],
  ["acknowledge for nothing", "unknown_subscription", asks({ op: "ack", subscription: 1, offset: 0 })],
  ["a window and its acknowledgements", "unsubscribed", filled(windowed)],
  ["a request without id", "bad_request", nameless({ op: "ping" })],
  ["a request with a negative id", "bad_request", nameless({ op: "ping", id: -1 })],
  ["a request with a nil id", "bad_request", nameless({ op: "ping", id: null })],
  ["an acknowledgement without id", "unknown_subscription", nameless({ op: "ack", subscription: 9, offset: 4 })],
];

// uWebSockets.js has no binary for every version of Node.

describe.each(TRANSPORTS)("over %s", suite);

function suite(transport: "uws" | "ws"): void {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub({ args: ["--transport", transport] });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });
  let topics = 0;
  const newTopic = (): string => `t${++topics}`;

  describe("an operation of the binary dialect answers as in JSON:", () => {
    it.each(SCRIPTS)("%s", async (_name, expected, script) => {
      const [json, binary] = [newTopic(), newTopic()];
      await using one = await JsonClient.connect(hub.wsUrl);
      await using other = await BinaryClient.connect(hub.wsUrl);

      const inJson = await script(one, json);
      const inBinary = await script(other, binary);

      expect(comparable(inBinary, binary)).toEqual(comparable(inJson, json));
      const last = inJson.at(-1);
      expect(last?.op === "error" ? last.code : last?.op).toBe(expected);
    });

    it("welcome", async () => {
      await using one = await JsonClient.open(hub.wsUrl);
      await using other = await BinaryClient.open(hub.wsUrl);

      const [inJson, inBinary] = [await one.next(), await other.next()];

      expect([one.socket.protocol, other.socket.protocol]).toEqual(["ringcast.v1.json", "ringcast.v1.msgpack"]);
      expect({ ...inBinary, connection: "", time: 0 }).toEqual({ ...inJson, connection: "", time: 0 });
    });
  });

  describe("a session of the binary dialect", () => {
    const token = "a-token-that-only-tests-know";

    it("takes a token from the handshake or from auth, and says in its dialect that one is wrong", async () => {
      await using guarded = await startHub({ args: ["--transport", transport, "--token", token] });
      const dial = (...more: string[]) =>
        BinaryClient.open(guarded.wsUrl, { protocols: ["ringcast.v1.msgpack", ...more] });
      await using right = await dial(`bearer.${token}`);
      await using wrong = await dial("bearer.guess");
      await using late = await dial();

      await right.next();
      const answered = await right.request({ op: "topic", topic: "t" });
      const refused = await wrong.next();
      await late.next();
      const early = await late.publish({ topic: "t", records: [{ data: "1" }] });
      const authenticated = await late.request({ op: "auth", token });
      const published = await late.publish({ topic: "t", records: [{ data: "1" }] });

      expect(answered.code).toBe("unknown_topic");
      expect([refused.code, (await wrong.closed).code]).toEqual(["unauthorized", 4401]);
      expect([early.code, authenticated.op, published.offset]).toEqual(["unauthorized", "authenticated", 0]);
    });

    it("is told in its dialect that the hub goes away", async () => {
      await using leaving = await startHub({ args: ["--transport", transport] });
      await using client = await BinaryClient.connect(leaving.wsUrl);

      const stopped = leaving.stop();
      const frame = await client.next();

      expect([frame.op, typeof frame.reconnectAfterMs]).toEqual(["draining", "number"]);
      expect((await client.closed).code).toBe(1001);
      expect(await stopped).toBe(0);
    });

    it("gets pages of history of at most about 1 MiB, a hundred asked for at once in their order", async () => {
      const topic = newTopic();
      await using client = await BinaryClient.connect(hub.wsUrl);
      const records = Array.from({ length: 30 }, () => ({ type: 0, data: Buffer.alloc(100_000) }));
      await client.publish({ topic, records });
      const count = 100;

      for (let id = 0; id < count; id++) {
        client.send({ op: "history", id: `h${id}`, topic, from: { offset: id % 30 }, limit: 1_000 });
      }
      const pages = [];
      while (pages.length < count) pages.push(await client.next());

      expect(pages.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, id) => `h${id}`));
      expect(pages[0]?.messages.length).toBeLessThanOrEqual(11);
      expect(pages[25]?.messages.map(({ offset }) => offset)).toEqual([25, 26, 27, 28, 29]);
    });

    it("that reads no replies is closed with 4408", async () => {
      await using client = await BinaryClient.connect(hub.wsUrl);
      const closes = async (): Promise<number> =>
        Number(
          /ringcast_[a-z_]+\{code="4408"\} (\d+)/.exec(await (await fetch(`${hub.url}/metrics`)).text())?.[1] ?? 0,
        );
      const before = await closes();
      // A long name makes long replies.
      const topic = newTopic().padEnd(200, "x");

      client.socket.pause();
      for (let id = 0; id < 25_000; id++) client.send(publishFrame({ id, topic, records: [{ data: "1" }] }));
      await expect.poll(closes, { timeout: 20_000 }).toBe(before + 1);
      client.socket.resume();

      expect([4408, 1006]).toContain((await client.closed).code);
    });
  });

  describe("a batch frame", () => {
    const publishes: readonly [string, Omit<PublishDraft, "id" | "topic">, readonly object[]][] = [
      ["one JSON value", { records: [{ data: `{ "n" : 1.0 }` }] }, [{ data: { n: 1 } }]],
      ["text", { records: [{ type: 3, data: "grüß" }] }, [{ data: "grüß" }]],
      ["bytes", { records: [{ type: 0, data: Buffer.of(0, 255) }] }, [{ data: { $bytes: "AP8=" } }]],
      ["msgpack", { records: [{ type: 2, data: Buffer.of(0x93, 1, 0xc0, 0xa1, 0x61) }] }, [{ data: [1, null, "a"] }]],
      [
        "key and headers",
        { records: [{ data: "1", key: "", headers: { a: "ä", b: "" } }] },
        [{ data: 1, key: "", headers: { a: "ä", b: "" } }],
      ],
      ["a batch", { records: ["1", "2", "3"].map((data) => ({ data })) }, [{ data: 1 }, { data: 2 }, { data: 3 }]],
      ["a batch of one", { records: [{ data: "1" }], batch: true }, [{ data: 1 }]],
      ["a level of durability", { records: [{ data: "1" }], durability: "synced" }, [{ data: 1 }]],
    ];

    it.each(publishes)("publishes %s, with its own check to the last reader", async (_name, draft, expected) => {
      const topic = newTopic();
      await using client = await BinaryClient.connect(hub.wsUrl);
      await using reader = await JsonClient.connect(hub.wsUrl);

      const reply = await client.publish({ ...draft, topic });
      await client.request({ op: "subscribe", topic, from: "earliest" });
      const { records } = await client.nextOf("messages");
      const { messages } = await reader.request({ op: "history", topic, from: "earliest" });

      const isBatch = draft.batch ?? draft.records.length > 1;
      const { epoch, partition } = isBatch ? (reply.offsets[0] ?? reply) : reply;
      expect(reply).toMatchObject({ op: "published", topic });
      expect([typeof epoch, partition, isBatch ? reply.offsets[0]?.count : reply.offset]).toEqual([
        "string",
        0,
        isBatch ? expected.length : 0,
      ]);
      expect(records.map(({ isIntact }) => isIntact)).toEqual(expected.map(() => true));
      expect(records.map(({ bytes }) => bytes)).toEqual(draft.records.map(({ data }) => Buffer.from(data)));
      expect(messages).toMatchObject(expected);
    });

    it("splits by key as JSON does, and obeys a partition", async () => {
      const [inJson, inBinary] = [newTopic(), newTopic()];
      for (const topic of [inJson, inBinary]) await askJson(hub, "PUT", `/v1/topics/${topic}`, { partitions: 3 });
      await using client = await BinaryClient.connect(hub.wsUrl);
      const records = KEYED.map(({ data, key }) => ({ data: String(data), key }));

      const asked = await client.request({ op: "publish", topic: inJson, messages: KEYED });
      const framed = await client.publish({ topic: inBinary, records });
      const placed = await client.publish({ topic: inBinary, records: records.slice(0, 2), partition: 2 });

      const ranges = ({ offsets }: AnyFrame) => offsets.map(({ partition, first, count }) => [partition, first, count]);
      expect(ranges(framed)).toEqual(ranges(asked));
      expect(placed.offsets.map(({ partition, count }) => [partition, count])).toEqual([[2, 2]]);
    });

    it("of a producer is stored once, also when it comes again in the other dialect", async () => {
      const topic = newTopic();
      await using binary = await BinaryClient.connect(hub.wsUrl);
      await using json = await JsonClient.connect(hub.wsUrl);
      const draft = (data: string, sequence: number) => ({
        topic,
        records: [{ data }],
        producer: { id: "p", sequence },
      });

      const first = await binary.publish(draft("1", 0));
      const again = await binary.publish(draft("1", 0));
      const inJson = await json.request({ op: "publish", topic, data: 1, producer: { id: "p", sequence: 0 } });
      const other = await binary.publish(draft("2", 0));
      const ahead = await binary.publish(draft("2", 2));

      expect([first.offset, first.duplicate]).toEqual([0, undefined]);
      for (const { offset, duplicate } of [again, inJson]) expect([offset, duplicate]).toEqual([0, true]);
      expect(other.code).toBe("conflict");
      expect(ahead).toMatchObject({ code: "out_of_sequence", details: { expected: 1 } });
    });

    it.each([0, 1, 2])("is refused whole where record %i of 3 is damaged", async (at) => {
      const topic = newTopic();
      await using client = await BinaryClient.connect(hub.wsUrl);
      const records = ["1", "2", "3"].map((data) => ({ data }));
      const frame = publishFrame({ id: 7, topic, records });
      const size = recordBytes(records[0] as RecordDraft).length;
      const place = frame.length - size * (3 - at) + 48;

      client.send(frame.fill((frame[place] ?? 0) ^ 4, place, place + 1));
      const error = await client.next();

      expect(error).toMatchObject({ op: "error", id: 7, code: "bad_request", details: { field: "check", index: at } });
      expect((await client.request({ op: "topic", topic })).code).toBe("unknown_topic");
    });
  });
}

/** Asks one after the other; the topic is the script's own unless a request names another. */
function asks(...requests: readonly object[]): Script {
  return async (client, topic) => {
    const replies = [];
    for (const request of requests) replies.push(await client.request(named(topic, request)));
    return replies;
  };
}

/** Subscribes and reads so many messages, and where `last` is given frames up to the first of that operation. */
function reads(count: number, request: object, last?: string): Script {
  return async (client, topic) => {
    const reply = await client.request(named(topic, { op: "subscribe", ...request }));
    const frames: AnyFrame[] = [];
    let left = count;
    while (left > 0) {
      const frame = await client.next();
      // Frames of an older topic's records: a pattern matches those of other tests, too.
      if (frame.topic !== topic) continue;
      left -= frame.messages.length;
      frames.push(frame);
    }
    const messages = frames.flatMap((frame) => frame.messages);
    const all = [
      { ...reply, topics: undefined, more: undefined },
      { ...frames.at(-1), messages, records: undefined },
    ];
    return [
      ...(count > 0 ? all : all.slice(0, 1)),
      ...(last === undefined ? [] : [await client.nextOf(last)]),
    ] as AnyFrame[];
  };
}

async function windowed(client: FrameClient, topic: string): Promise<AnyFrame[]> {
  const reply = await client.request({ op: "subscribe", topic, from: "earliest", window: 4 });
  const { subscription } = reply;
  const first = await client.messages(4);
  const ahead = await client.request({ op: "ack", subscription, offset: 4 });
  client.send({ op: "ack", subscription, offset: 1 });
  const second = await client.messages(2);
  const acked = await client.request({ op: "ack", subscription, offset: 5 });
  const third = await client.messages(4);
  const ended = await client.request({ op: "unsubscribe", subscription });
  return [reply, { ...ahead, messages: [...first, ...second, ...third] }, acked, ended];
}

/** Sends a request as it is, and takes the error. */
function nameless(request: object): Script {
  return async (client) => {
    client.send(request);
    return [await client.next()];
  };
}

/** With ten messages in the topic. */
function filled(script: Script): Script {
  return async (client, topic) => {
    await client.request({ op: "publish", topic, messages: TEN });
    return script(client, topic);
  };
}

function partitioned(partitions: number, script: Script): Script {
  return async (client, topic) => {
    const { origin } = new URL(client.socket.url.replace(/^ws/, "http"));
    await askJson({ port: Number(new URL(origin).port) }, "PUT", `/v1/topics/${topic}`, { partitions });
    return script(client, topic);
  };
}

function positions(epoch: string, offset: number): object {
  return { positions: { 0: { epoch, offset } } };
}

function named(topic: string, request: object): object {
  return Object.fromEntries(Object.entries<unknown>({ topic, ...request }).filter(([, value]) => value !== undefined));
}

/** Without what differs from topic to topic, and sentences, which speak of the dialect. */
function comparable(frames: readonly AnyFrame[], topic: string): unknown {
  const drop = new Set(["epoch", "timestamp", "time", "bytes"]);
  const subscriptions: unknown[] = [];
  const ordinalOf = (subscription: unknown): number => {
    if (!subscriptions.includes(subscription)) subscriptions.push(subscription);
    return subscriptions.indexOf(subscription);
  };
  const text = JSON.stringify(frames, (key, value: unknown) => {
    if (drop.has(key)) return typeof value;
    if (key === "subscription") return ordinalOf(value);
    return key === "message" && typeof value === "string" ? "" : value;
  });
  return JSON.parse(text.replaceAll(`"${topic}"`, `"topic"`));
}
