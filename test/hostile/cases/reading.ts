/** J, the reading half: subscriptions, acknowledgements and pages of history that nobody in his right mind asks for. */
import { expect } from "vitest";
import type { FrameClient } from "../../support/frame-client.js";
import { BinaryClient } from "../../support/binary-client.js";
import { JsonClient } from "../../support/json-client.js";
import type { HostileCase, Outcome } from "../case.js";
import { exchange, numbered, TOPIC, type HttpForm, type RequestCase, type RequestFields } from "../session.js";

/** Few enough to be passed in a test. */
export const MAX_SUBSCRIPTIONS = 20;

const FAR = 10 ** 9;

const subscribe = (fields: RequestFields): RequestFields => ({ op: "subscribe", topic: TOPIC, ...fields });
const history = (fields: RequestFields): RequestFields => ({
  op: "history",
  topic: TOPIC,
  from: "earliest",
  ...fields,
});
const filtered = (filter: unknown): RequestFields => subscribe({ filter });
const at = (position: unknown, partition = "0"): RequestFields => ({ positions: { [partition]: position } });
const manyPositions = (count: number): RequestFields =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [n, { epoch: "e", offset: 0 }]));
const page = (query: string): HttpForm => ({ path: `/v1/topics/${TOPIC}/messages?${query}` });
const events = (query: string): HttpForm => ({ path: `/v1/topics/${TOPIC}/events?${query}` });
const shortened = (value: unknown): string => (value === undefined ? "left out" : JSON.stringify(value)).slice(0, 24);

/** Publishes so many messages first. */
const behind =
  (count: number, request: RequestFields) =>
  async (client: FrameClient): Promise<RequestFields> => {
    const messages = Array.from({ length: count }, (_, data) => ({ data }));
    const { op } = await client.request({ op: "publish", topic: TOPIC, messages });
    if (op !== "published") throw new Error(`Nothing to build on: ${op}`);
    return request;
  };

/** Publishes three messages, reads them, and asks for something about that subscription. */
const reading =
  (request: (subscription: number) => RequestFields) =>
  async (client: FrameClient): Promise<RequestFields> => {
    await behind(3, {})(client);
    const { subscription } = await client.request(subscribe({ from: "earliest", window: 10 }));
    await client.nextOf("messages");
    return request(subscription);
  };

/** The same, after something else was asked about it. */
const readingAfter =
  (first: (subscription: number) => RequestFields, request: (subscription: number) => RequestFields) =>
  async (client: FrameClient): Promise<RequestFields> => {
    const { subscription, ...rest } = await reading((number) => ({ subscription: number }))(client);
    await client.request(first(subscription as number));
    return { ...rest, ...request(subscription as number) };
  };

const STARTS: readonly RequestCase[] = [
  ...numbered("J13", [
    ...[-1, 1.5, "0", 1e9, null].map((partition) => ({
      title: `history of partition ${shortened(partition)}`,
      outcome: "E bad_request" as const,
      request: history({ partition }),
      details: { field: "partition" },
    })),
    ...["-1", "1.5", "1000000000", "1e3", "0&partition=0", ""].map((partition) => ({
      title: `partition=${partition}`,
      outcome: "E bad_request" as const,
      http: page(`partition=${partition}`),
      details: { field: "partition" },
    })),
  ]),
  ...numbered("J14", [
    ...[-1, 1.5, 2 ** 53, "42", null].map((offset) => ({
      title: `from.offset ${shortened(offset)}`,
      outcome: "E invalid_offset" as const,
      request: subscribe({ from: { offset } }),
      details: { field: "from" },
    })),
    {
      title: "an offset of Infinity",
      outcome: "E invalid_offset",
      json: `{"op":"subscribe","id":7,"topic":"${TOPIC}","from":{"offset":1e400}}`,
    },
    {
      title: "an offset far ahead of the head",
      outcome: "E invalid_offset",
      request: behind(1, subscribe({ from: { offset: FAR } })),
      details: { head: 1 },
    },
    {
      title: "an offset ahead of the head of a topic yet to be made",
      outcome: "E invalid_offset",
      request: subscribe({ from: { offset: 1 } }),
      http: events("from=1"),
      details: { head: 0 },
    },
    {
      title: "a page from ahead of the head",
      outcome: "E invalid_offset",
      request: behind(1, history({ from: { offset: 2 } })),
      details: { head: 1 },
    },
    {
      title: "a position in the newest epoch ahead of the head",
      outcome: "E invalid_offset",
      request: async (client) => {
        await behind(1, {})(client);
        const { topic } = await client.request({ op: "topic", topic: TOPIC });
        return subscribe({ from: at({ epoch: topic.partitions[0]?.epoch, offset: 2 }) });
      },
      details: { head: 1 },
    },
    ...["-1", "1.5", "9007199254740992", "1e3", "abc", "", "0x10"].map((from) => ({
      title: `from=${from}`,
      outcome: "E invalid_offset" as const,
      http: page(`from=${from}`),
      details: { field: "from" },
    })),
    { title: "events from=-1", outcome: "E invalid_offset", http: events("from=-1"), details: { field: "from" } },
  ]),
  ...numbered("J15", [
    ...["1", "01", "-1", "1024", "a", ""].map((partition) => ({
      title: `a position of partition ${shortened(partition)}`,
      outcome: "E bad_request" as const,
      request: behind(1, subscribe({ from: at({ epoch: "e", offset: 0 }, partition) })),
      details: { field: "from" },
    })),
    {
      title: "a position of __proto__",
      outcome: "E bad_request",
      json: `{"op":"subscribe","id":7,"topic":"${TOPIC}","from":{"positions":{"__proto__":{"epoch":"e","offset":0}}}}`,
      details: { field: "from" },
    },
    ...[null, [], { offset: 0 }, { epoch: 1, offset: 0 }, { epoch: "e".repeat(33), offset: 0 }, { epoch: "a/b" }].map(
      (position) => ({
        title: `the position ${shortened(position)}`,
        outcome: "E bad_request" as const,
        request: subscribe({ from: at(position) }),
        details: { field: "from" },
      }),
    ),
    {
      title: "a position whose offset is negative",
      outcome: "E invalid_offset",
      request: subscribe({ from: at({ epoch: "e", offset: -1 }) }),
    },
    ...[1_025, 100_000].map((count) => ({
      title: `${count} positions of a topic`,
      outcome: "E too_many" as const,
      request: subscribe({ from: { positions: manyPositions(count) } }),
      details: { field: "from", limit: 1_024 },
    })),
    {
      title: "100,001 positions of a pattern",
      outcome: "E too_many",
      request: {
        op: "subscribe",
        pattern: "never.>",
        from: { topics: Object.fromEntries([...Array(101).keys()].map((n) => [`never.${n}`, manyPositions(1_000)])) },
      },
      details: { field: "from", limit: 100_000 },
    },
    ...[{ offset: 1 }, { positions: {} }, { topics: [] }, { topics: {}, others: {} }].map((from) => ({
      title: `the start ${shortened(from)} of a pattern`,
      outcome: "E bad_request" as const,
      request: { op: "subscribe", pattern: "never.>", from },
      details: { field: "from" },
    })),
    {
      title: "positions of a topic with an empty level",
      outcome: "E invalid_topic",
      request: { op: "subscribe", pattern: "never.>", from: { topics: { "a..b": {} } } },
    },
    ...[{}, null, "now", 0, [], { offset: 0, last: 1 }, { topics: {} }].map((from) => ({
      title: `the start ${shortened(from)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ from }),
      details: { field: "from" },
    })),
  ]),
  ...numbered("J16", [
    ...[-1, 8.64e15 + 1, "now", 1.5, null].map((time) => ({
      title: `from.time ${shortened(time)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ from: { time } }),
      details: { field: "from" },
    })),
    ...[0, -5, 1.5, "1", null].map((last) => ({
      title: `from.last ${shortened(last)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ from: { last } }),
      details: { field: "from" },
    })),
    ...["time:-1", "time:8640000000000001", "time:now", "time:", "last:0", "last:-5", "last:"].map((from) => ({
      title: `from=${from}`,
      outcome: "E invalid_offset" as const,
      http: page(`from=${from}`),
      details: { field: "from" },
    })),
    {
      title: "until=time:8640000000000001",
      outcome: "E invalid_offset",
      http: page("until=time:8640000000000001"),
      details: { field: "until" },
    },
    {
      title: "the last 10^12: as many as there are",
      outcome: "ok",
      request: behind(2, subscribe({ from: { last: 10 ** 12 } })),
      reply: { op: "subscribed", partitions: { 0: { next: 0, head: 2 } } },
    },
    {
      title: "the last instant of the calendar: the head",
      outcome: "ok",
      request: behind(2, subscribe({ from: { time: 8.64e15 } })),
      reply: { op: "subscribed", partitions: { 0: { next: 2, head: 2 } } },
    },
    ...["tomorrow", null, {}, { time: -1 }, { offset: 1, time: 1 }].map((until) => ({
      title: `until ${shortened(until)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ until }),
      details: { field: "until" },
    })),
  ]),
];

const SUBSCRIPTIONS: readonly RequestCase[] = [
  ...numbered("J17", [
    ...[-1, 2 ** 31, 1.5, null, "5", 100_001].map((window) => ({
      title: `window ${shortened(window)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ window }),
      details: { field: "window" },
    })),
    {
      title: "window maxWindow",
      outcome: "ok",
      request: subscribe({ window: 100_000 }),
      reply: { op: "subscribed" },
    },
    ...["yes", null, 1].map((verify) => ({
      title: `verify ${shortened(verify)}`,
      outcome: "E bad_request" as const,
      request: subscribe({ verify }),
      details: { field: "verify" },
    })),
  ]),
  ...numbered("J18", [
    {
      title: "ack of what wasn't delivered",
      outcome: "E invalid_offset",
      request: reading((subscription) => ({ op: "ack", subscription, offset: 3 })),
      details: { next: 3 },
    },
    {
      title: "the same without id",
      outcome: "E invalid_offset",
      request: reading((subscription) => ({ op: "ack", id: undefined, subscription, offset: FAR })),
    },
    {
      title: "ack of less than before: ignored",
      outcome: "ok",
      request: readingAfter(
        (subscription) => ({ op: "ack", subscription, offset: 2 }),
        (subscription) => ({ op: "ack", subscription, offset: 0 }),
      ),
      reply: { op: "acked" },
    },
    {
      title: "ack for a subscription that was closed",
      outcome: "E unknown_subscription",
      request: readingAfter(
        (subscription) => ({ op: "unsubscribe", subscription }),
        (subscription) => ({ op: "ack", subscription, offset: 0 }),
      ),
    },
    ...[-1, 1.5, 2 ** 53, "0", null].map((offset) => ({
      title: `ack of offset ${shortened(offset)}`,
      outcome: "E invalid_offset" as const,
      request: reading((subscription) => ({ op: "ack", subscription, offset })),
    })),
    {
      title: "ack without offset",
      outcome: "E bad_request",
      request: reading((subscription) => ({ op: "ack", subscription })),
      details: { field: "offset" },
    },
    ...[1, -1, 1024, "0", null].map((partition) => ({
      title: `ack of partition ${shortened(partition)}`,
      outcome: "E bad_request" as const,
      request: reading((subscription) => ({ op: "ack", subscription, partition, offset: 0 })),
    })),
    {
      title: "ack of another topic",
      outcome: "E bad_request",
      request: reading((subscription) => ({ op: "ack", subscription, topic: "other", offset: 0 })),
    },
    ...[-1, 1.5, "7", null, undefined].map((subscription) => ({
      title: `ack for subscription ${shortened(subscription)}`,
      outcome: "E bad_request" as const,
      request: { op: "ack", offset: 0, ...(subscription === undefined ? {} : { subscription }) },
      details: { field: "subscription" },
    })),
  ]),
  ...numbered("J27", [
    {
      title: "one subscription more than there may be",
      outcome: "E too_many",
      request: async (client) => {
        const pattern = (n: number): RequestFields => ({ op: "subscribe", pattern: `none.${n}.*` });
        await Promise.all([...Array(MAX_SUBSCRIPTIONS).keys()].map((n) => client.request(pattern(n))));
        return pattern(MAX_SUBSCRIPTIONS);
      },
      details: { limit: MAX_SUBSCRIPTIONS },
    },
  ]),
  ...numbered("J28", [
    ...["unsubscribe", "ack"].map((op) => ({
      title: `${op} with a subscription of another connection`,
      outcome: "E unknown_subscription" as const,
      request: { op, subscription: 1, offset: 0 },
    })),
    { title: "settle: not of this version", outcome: "E unknown_op", request: { op: "settle", subscription: 1 } },
    ...["group", "queue"].map((field) => ({
      title: `${field}: not of this version`,
      outcome: "E bad_request" as const,
      request: subscribe({ [field]: "g" }),
      details: { field },
    })),
  ]),
  ...numbered("J29", [
    ...[
      { regex: "(a+)+$" },
      {},
      [],
      null,
      "k",
      { keys: [] },
      { keys: "k" },
      { keys: [1] },
      { keys: ["\u0000".repeat(1_025)] },
      { headers: {} },
      { headers: { "": ["x"] } },
      { headers: { a: [] } },
      { keys: Array<string>(1_001).fill("k") },
      { keys: Array<string>(10_000).fill("k") },
      { keys: Array<string>(500_000).fill("k") },
      { headers: Object.fromEntries([...Array(1_001).keys()].map((n) => [`h${n}`, ["v"]])) },
    ].map((filter) => ({
      title: `the filter ${shortened(filter)}`,
      outcome: "E bad_request" as const,
      request: filtered(filter),
      details: { field: "filter" },
    })),
    {
      title: "a filter whose lists are behind __proto__",
      outcome: "E bad_request",
      json: `{"op":"subscribe","id":7,"topic":"${TOPIC}","filter":{"__proto__":{"keys":["a"]}}}`,
      http: page(`filter=${encodeURIComponent(`{"__proto__":{"keys":["a"]}}`)}`),
      details: { field: "filter" },
    },
    {
      title: "a filter 100,000 deep",
      outcome: "E bad_request",
      json: `{"op":"subscribe","id":7,"topic":"${TOPIC}","filter":${"[".repeat(1e5)}${"]".repeat(1e5)}}`,
    },
    ...["{", "%7B%22keys%22%3A", "(a+)+$", "%5B".repeat(4_000)].map((filter) => ({
      title: `filter=${filter.slice(0, 20)}`,
      outcome: "E bad_request" as const,
      http: page(`filter=${filter}`),
      details: { field: "filter" },
    })),
    {
      title: "a filter with the name __proto__ for a header",
      outcome: "ok",
      json: `{"op":"subscribe","id":7,"topic":"${TOPIC}","filter":{"headers":{"__proto__":["x"]}}}`,
      reply: { op: "subscribed" },
    },
  ]),
  ...numbered("J31", [
    ...[0, -1, 1e9, 1_001, 1.5, "5", null].map((limit) => ({
      title: `limit ${shortened(limit)}`,
      outcome: "E bad_request" as const,
      request: history({ limit }),
      details: { field: "limit" },
    })),
    ...["0", "-1", "1000000000", "1e3", "", "5&limit=5"].map((limit) => ({
      title: `limit=${limit}`,
      outcome: "E bad_request" as const,
      http: page(`limit=${limit}`),
      details: { field: "limit" },
    })),
    { title: "history of nothing", outcome: "E unknown_topic", request: history({}), http: page("") },
  ]),
];

/** What takes more than one request to see. */
const STORIES: readonly HostileCase[] = [
  {
    id: "J2a",
    title: "a binary message in the JSON dialect",
    outcome: "X bad_frame/1008",
    meet: async (scene) => {
      await using client = await JsonClient.connect(scene.hub.wsUrl);
      return (await exchange(scene, client, Buffer.from(`{"op":"ping","id":1}`))).outcome;
    },
  },
  {
    id: "J2b",
    title: "a text message in the binary dialect",
    outcome: "X bad_frame/1008",
    meet: async (scene) => {
      await using client = await BinaryClient.connect(scene.hub.wsUrl);
      return (await exchange(scene, client, `{"op":"ping","id":1}`)).outcome;
    },
  },
  {
    id: "J5",
    title: "the same id twice in flight: both are answered",
    outcome: "ok",
    meet: async ({ hub }) => {
      await using client = await JsonClient.connect(hub.wsUrl);
      for (const topic of ["a", "b"]) client.send({ op: "publish", id: "same", topic: `${TOPIC}.${topic}`, data: 1 });
      const replies = [await client.next(), await client.next()];
      expect(replies).toMatchObject([
        { op: "published", id: "same", topic: `${TOPIC}.a` },
        { op: "published", id: "same", topic: `${TOPIC}.b` },
      ]);
      return "ok";
    },
  },
  {
    id: "J15",
    title: "a position in an epoch that never was: a gap comes first, then the tail",
    outcome: "ok",
    meet: async ({ hub }) => {
      await using client = await JsonClient.connect(hub.wsUrl);
      await behind(2, {})(client);
      await client.request(subscribe({ from: at({ epoch: "never", offset: 9 }) }));
      expect([await client.next(), await client.next()]).toMatchObject([
        { op: "gap", reason: "epoch", from: 9, to: 9, next: 0 },
        { op: "messages", messages: [{ offset: 0 }, { offset: 1 }] },
      ]);
      return "ok";
    },
  },
  {
    id: "J28",
    title: "ack with the number of another connection's subscription to the same topic: moves nothing",
    outcome: "E unknown_subscription",
    meet: async (scene): Promise<Outcome> => {
      await using owner = await JsonClient.connect(scene.hub.wsUrl);
      await using other = await JsonClient.connect(scene.hub.wsUrl);
      await behind(3, {})(owner);
      const { subscription } = await owner.request(subscribe({ from: "earliest", window: 1 }));
      await owner.nextOf("messages");
      const { outcome } = await exchange(scene, other, { op: "ack", id: 1, subscription, offset: 0 });
      expect(await exchange(scene, owner, { op: "ping", id: 2 })).toMatchObject({ frames: [{ op: "pong" }] });
      return outcome;
    },
  },
];

export const READING: readonly RequestCase[] = [...STARTS, ...SUBSCRIPTIONS];
export const READING_STORIES = STORIES;
