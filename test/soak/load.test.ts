/** More than a hub should have to bear, in every direction: what it costs, and that nobody gets anything but what was promised. */
import { describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { EventReader } from "../support/event-reader.js";
import { backToBase, footprintOf, MemoryWatch } from "../support/footprint.js";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { randomOf } from "../support/random.js";
import { RawSubscriber } from "../support/raw-subscriber.js";
import { until } from "../support/until.js";
import {
  all,
  createTopic,
  cursorsIn,
  deliveriesOf,
  eventsOf,
  flawsOf,
  offsetsOf,
  outcomeOf,
  pipelined,
  publishAtFullSpeed,
  publishBatches,
  subscribeMany,
  TOPIC,
  VISITS,
} from "./crowd.js";
import { addRow, NOTHING, spreadOf, type FaultRow } from "./rows.js";
import { amount, SEED } from "./scale.js";

const MIB = 2 ** 20;
/** Files of the logs that a test opens. */
const LOG_HANDLES = 4;
/** A heap grows by garbage before it is collected; a leak of what was sent would be many times this. */
const GARBAGE_BYTES = 48 * MIB;
const DIALECTS = [
  ["json", JsonClient],
  ["msgpack", BinaryClient],
] as const;

describe("readers that stop reading", () => {
  const SUBSCRIBERS = amount(300, 1_000);
  /** More than the kernel keeps for one of them. */
  const RECORDS = 1_600;
  const RECORD_BYTES = 4_096;

  it.each([0, 1, SUBSCRIBERS / 10])(
    "%i of many: the others get everything, and so do they when they read again",
    async (stalled) => {
      await using hub = await startHub();
      await createTopic(hub, { capacityBytes: 64 * MIB });
      const base = await footprintOf(hub);
      const readers = await subscribeMany(hub, SUBSCRIBERS);
      for (const reader of readers.slice(0, stalled)) reader.stall();
      const before = await footprintOf(hub);
      using memory = new MemoryWatch(hub);

      await publishBatches(hub, RECORDS, RECORD_BYTES);
      await all(readers.slice(stalled), RECORDS);
      const waiting = await cursorsIn(hub, "waiting-for-drain");
      const peak = memory.peakBytes;
      for (const reader of readers.slice(0, stalled)) reader.resume();
      await all(readers, RECORDS);

      const { gaps, breaks } = flawsOf(readers);
      for (const reader of readers) reader.close();
      row(`load: ${stalled} of ${SUBSCRIBERS} stalled`, memory, {
        cycles: stalled,
        operations: RECORDS,
        acknowledged: RECORDS,
        delivered: RECORDS * SUBSCRIBERS,
        lost: gaps,
        unannounced: breaks,
      });
      expect({ waiting, gaps, breaks }).toEqual({ waiting: stalled, gaps: 0, breaks: 0 });
      expect(peak - before.rssAnonBytes).toBeLessThan(GARBAGE_BYTES + stalled * 64 * 1_024);
      await backToBase(hub, base, LOG_HANDLES);
    },
    120_000,
  );

  it("are cut when stallTimeoutMs is over, and go on elsewhere exactly where they stood", async () => {
    await using hub = await startHub({ args: ["--stall-timeout-ms", "4000"] });
    await createTopic(hub, { capacityBytes: 64 * MIB });
    const base = await footprintOf(hub);
    using memory = new MemoryWatch(hub);
    const [healthy, ...stalled] = (await subscribeMany(hub, 11)) as [RawSubscriber, ...RawSubscriber[]];
    for (const reader of stalled) {
      reader.onLost = () => undefined;
      reader.stall();
    }
    using events = await EventReader.open(eventsOf(hub));
    events.pause();

    await publishBatches(hub, RECORDS, RECORD_BYTES);
    await all([healthy], RECORDS);
    const areCut = async (): Promise<boolean> => {
      const { connections, streams } = await footprintOf(hub);
      return connections === 1 && streams === 0;
    };
    await until("the stalled ones are cut", areCut, 30_000);
    const again = await Promise.all(
      stalled.map(({ next: offset, epoch }) => RawSubscriber.subscribe(hub.port, TOPIC, { epoch, offset })),
    );
    await all(again, RECORDS);
    events.resume();
    const offsets = await offsetsOf(events, hub, RECORDS);

    const { gaps, breaks } = flawsOf([healthy, ...stalled, ...again]);
    row("load: stalled and cut", memory, {
      cycles: stalled.length + 1,
      operations: RECORDS,
      acknowledged: RECORDS,
      delivered: RECORDS * 12,
      lost: gaps,
      unannounced: breaks,
    });
    expect({ gaps, breaks }).toEqual({ gaps: 0, breaks: 0 });
    expect(offsets).toEqual(Array.from({ length: RECORDS }, (_, n) => n));
    for (const reader of [healthy, ...stalled, ...again]) reader.close();
    await backToBase(hub, base, LOG_HANDLES);
  }, 60_000);
});

describe("many subscriptions", () => {
  const SUBSCRIPTIONS = 5_000;
  /** A topic's first record makes its file. */
  const WRITTEN = amount(500, SUBSCRIPTIONS);

  it.each(DIALECTS)(
    "on one connection (%s): each gets its own, one more is refused, and all of it is given back",
    async (dialect, Client) => {
      await using hub = await startHub();
      const before = await footprintOf(hub);
      using memory = new MemoryWatch(hub);
      const client = await Client.connect(hub.wsUrl);
      const names = Array.from({ length: SUBSCRIPTIONS }, (_, n) => `t${n}`);
      const written = names.slice(-WRITTEN);

      const subscribed = await pipelined(
        client,
        names.map((topic) => ({ op: "subscribe", topic })),
      );
      const oneMore = await client.request({ op: "subscribe", topic: "t0" });
      const held = await footprintOf(hub);
      await using publisher = await JsonClient.connect(hub.wsUrl);
      const published = await pipelined(
        publisher,
        written.map((topic) => ({ op: "publish", topic, data: topic })),
      );
      const got = await deliveriesOf(client, WRITTEN);
      await client[Symbol.asyncDispose]();

      const expected = (n: number): string => (n < SUBSCRIPTIONS - WRITTEN ? "" : (names[n] ?? ""));
      const wrong = subscribed.filter(
        ({ subscription }, n) => String(got.get(subscription) ?? "") !== expected(n),
      ).length;
      row(`load: ${SUBSCRIPTIONS} subscriptions, ${dialect}`, memory, {
        cycles: SUBSCRIPTIONS,
        operations: SUBSCRIPTIONS + WRITTEN,
        acknowledged: published.filter(({ op }) => op === "published").length,
        delivered: WRITTEN,
        wrongAnswers: wrong,
      });
      expect(wrong).toBe(0);
      expect(oneMore).toMatchObject({ op: "error", code: "too_many" });
      expect(held.subscriptions).toBe(SUBSCRIPTIONS);
      await publisher[Symbol.asyncDispose]();
      // The topics stay, and for a while so do their files.
      await backToBase(hub, before, WRITTEN);
    },
    120_000,
  );
});

describe("a message of exactly the maximum size", () => {
  const MAX_BYTES = MIB;
  /** Encoded, data have some bytes more than these. */
  const text = (bytes: number): string => "x".repeat(bytes);

  it("is taken whole in every way there is, read whole by everybody, and one byte more is refused by all", async () => {
    await using hub = await startHub();
    using memory = new MemoryWatch(hub);
    await using json = await JsonClient.connect(hub.wsUrl);
    await using binary = await BinaryClient.connect(hub.wsUrl);
    using events = await EventReader.open(eventsOf(hub));
    const readers = [json, binary];
    for (const reader of readers) await reader.request({ op: "subscribe", topic: TOPIC });
    const post = async (body: string | Buffer<ArrayBuffer>, type: string): Promise<number> => {
      const init = { method: "POST", headers: { "content-type": type }, body };
      const response = await fetch(`${hub.url}/v1/topics/${TOPIC}/messages`, init);
      await response.arrayBuffer();
      return response.status;
    };
    const op = { op: "publish", topic: TOPIC };
    // What a string has beside its characters: two quotes in JSON, five bytes in msgpack, where it is long.
    const ways: readonly (readonly [string, (excess: number) => Promise<string | number>])[] = [
      ["json", async (n) => outcomeOf(await json.request({ ...op, data: text(MAX_BYTES - 2 + n) }))],
      [
        "json with a key",
        async (n) => outcomeOf(await json.request({ ...op, key: "k", data: text(MAX_BYTES - 3 + n) })),
      ],
      [
        "json batch",
        async (n) => outcomeOf(await json.request({ ...op, messages: [{ data: text(MAX_BYTES - 2 + n) }] })),
      ],
      ["msgpack", async (n) => outcomeOf(await binary.request({ ...op, data: text(MAX_BYTES - 5 + n) }))],
      [
        "batch frame",
        async (n) =>
          outcomeOf(
            await binary.publish({ topic: TOPIC, records: [{ type: 0, data: Buffer.alloc(MAX_BYTES + n, 1) }] }),
          ),
      ],
      ["http json", (n) => post(JSON.stringify({ data: text(MAX_BYTES - 2 + n) }), "application/json")],
      ["http octets", (n) => post(Buffer.alloc(MAX_BYTES + n, 1), "application/octet-stream")],
      ["http text", (n) => post(text(MAX_BYTES + n), "text/plain")],
    ];

    const exact = [];
    const over = [];
    for (const [, publish] of ways) exact.push(await publish(0));
    for (const [, publish] of ways) over.push(await publish(1));
    const lengths = await Promise.all([
      ...readers.map((reader) => reader.messages(ways.length)),
      events.messages(ways.length),
    ]);
    const { topic } = await json.request({ op: "topic", topic: TOPIC });
    const sizes = [2, 3, 2, 5, 0, 2, 0, 0].map((frame) => MAX_BYTES - frame);

    row("load: the largest message", memory, {
      cycles: ways.length,
      operations: 2 * ways.length,
      acknowledged: ways.length,
      delivered: 3 * ways.length,
    });
    expect(exact).toEqual(["published", "published", "published", "published", "published", 201, 201, 201]);
    expect(over).toEqual(["too_large", "too_large", "too_large", "too_large", "too_large", 413, 413, 413]);
    expect(topic.partitions[0]?.head).toBe(ways.length);
    for (const messages of lengths) expect(messages.map(({ offset }) => offset)).toEqual(ways.map((_, n) => n));
    for (const messages of lengths) expect(messages.map(({ data }) => sizeOf(data))).toEqual(sizes);
  }, 60_000);
});

describe("connections that come and go", () => {
  const SECONDS = amount(6, 120);
  const PER_SECOND = 200;

  it(
    `${PER_SECOND} a second, ended in every way there is, leave nothing behind`,
    async () => {
      await using hub = await startHub();
      await publishBatches(hub, 10, 100);
      const random = randomOf(SEED);
      using memory = new MemoryWatch(hub);
      const base = await footprintOf(hub);
      const midway: number[] = [];
      const under: Promise<void>[] = [];
      const began = performance.now();

      for (let n = 0; n < SECONDS * PER_SECOND; n++) {
        const dueMs = began + (n * 1_000) / PER_SECOND;
        if (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
        under.push(random.pick(VISITS)(hub));
        // Dials of a machine that is slow don't pile up.
        if (under.length % 100 === 0) await Promise.all(under.splice(0));
        if (n === (SECONDS * PER_SECOND) / 2) midway.push(memory.peakBytes);
      }
      await Promise.all(under);
      const after = await backToBase(hub, base);

      row(`load: connections, ${PER_SECOND} a second`, memory, {
        cycles: SECONDS * PER_SECOND,
        operations: SECONDS * PER_SECOND,
        acknowledged: 10,
        delivered: 0,
      });
      expect(after.rssAnonBytes - (midway[0] ?? 0)).toBeLessThan(GARBAGE_BYTES / 2);
    },
    (SECONDS + 60) * 4_000,
  );
});

describe("publishers that are faster than the hub", () => {
  const SECONDS = amount(3, 60);
  const PUBLISHERS = 8;
  const DATA = "x".repeat(16_384);

  it.each(["stored", "synced"])(
    "are slowed down by their gate (%s); nothing is lost, memory stays",
    async (durability) => {
      await using hub = await startHub();
      await createTopic(hub, { capacityBytes: 64 * MIB, durability });
      const base = await footprintOf(hub);
      using memory = new MemoryWatch(hub);
      const clients = await Promise.all(Array.from({ length: PUBLISHERS }, () => JsonClient.connect(hub.wsUrl)));

      const replies = await Promise.all(clients.map((client) => publishAtFullSpeed(client, SECONDS * 1_000, DATA)));
      const { topic } = await (clients[0] as JsonClient).request({ op: "topic", topic: TOPIC });
      for (const client of clients) await client[Symbol.asyncDispose]();

      const counts = countsOf(replies.flat());
      const { published = 0, rate_limited = 0, ...others } = counts;
      row(`load: publishers at full speed, ${durability}`, memory, {
        cycles: PUBLISHERS,
        operations: published + rate_limited,
        acknowledged: published,
        delivered: 0,
        lost: published - (topic.partitions[0]?.head ?? 0),
      });
      expect(others).toEqual({});
      expect(topic.partitions[0]?.head).toBe(published);
      // 8 × 16 MiB may wait for the device, and what the sockets bring meanwhile.
      expect(memory.peakBytes - base.rssAnonBytes).toBeLessThan(GARBAGE_BYTES + PUBLISHERS * 16 * MIB);
      await backToBase(hub, base, LOG_HANDLES);
    },
    60_000 + SECONDS * 4_000,
  );
});

describe("replays beside live readers", () => {
  const REPLAYS = 100;
  const LIVE = 5;
  const RECORDS = amount(20_000, 200_000);

  it("all get everything once and in order", async () => {
    await using hub = await startHub();
    await createTopic(hub, { capacityBytes: 2 * RECORDS * 256 });
    await publishBatches(hub, RECORDS, 128);
    using memory = new MemoryWatch(hub);
    const live = await subscribeMany(hub, LIVE);
    const { epoch, next } = live[0] as RawSubscriber;
    const began = performance.now();

    const replays = await Promise.all(
      Array.from({ length: REPLAYS }, () => RawSubscriber.subscribe(hub.port, TOPIC, { epoch, offset: 0 })),
    );
    let head = next;
    while (replays.some((reader) => reader.next < next)) head += await publishBatches(hub, 10, 128);
    const recoveryMs = spreadOf([Math.round(performance.now() - began)]);
    await all([...replays, ...live], head);

    const { gaps, breaks } = flawsOf([...replays, ...live]);
    for (const reader of [...replays, ...live]) reader.close();
    row(`load: ${REPLAYS} replays beside ${LIVE} live`, memory, {
      cycles: REPLAYS,
      operations: head,
      acknowledged: head,
      delivered: REPLAYS * head + LIVE * (head - next),
      lost: gaps,
      unannounced: breaks,
      ...(recoveryMs === undefined ? {} : { recoveryMs }),
    });
    expect({ gaps, breaks }).toEqual({ gaps: 0, breaks: 0 });
  }, 120_000);
});

/** Of a string or of bytes, in whatever way the reader was given them. */
function sizeOf(data: unknown): number {
  if (typeof data === "string" || data instanceof Uint8Array) return data.length;
  return Buffer.from((data as { readonly $bytes: string }).$bytes, "base64").length;
}

function countsOf(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function row(
  fault: string,
  memory: MemoryWatch,
  counts: Partial<FaultRow> & Pick<FaultRow, "cycles" | "operations" | "acknowledged" | "delivered">,
): void {
  addRow({ ...NOTHING, fault, ...counts, peakMiB: memory.peakMiB });
}
