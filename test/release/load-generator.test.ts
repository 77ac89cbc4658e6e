import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "../../server/src/cli/bench/engine.js";
import { ringcastTarget, RINGCAST_DIALECTS, type RingcastDialect } from "../../server/src/cli/bench/ringcast.js";
import { COUNTER, makeTallies, readTallies, type Tally } from "../../server/src/cli/bench/tally.js";
import { summarize } from "../../server/src/cli/bench/latency.js";
import { startHub, type TestHub } from "../support/hub.js";
import { until } from "../support/until.js";

const READERS = 6;
const READER_NUMBERS = Array.from({ length: READERS }, (_, number) => number);

/** A thread's part of the generator, in this one. */
function startEngine(target: ReturnType<typeof ringcastTarget>) {
  const tally = readTallies(makeTallies(1))[0] as Tally;
  const failures: string[] = [];
  const engine = new Engine([tally], 0, (reason) => void failures.push(reason));
  const count = (counter: number) => tally.counters[counter] as number;
  return {
    engine,
    tally,
    failures,
    count,
    readers: (topics: readonly string[], perConnection = 1) =>
      engine.do({ type: "readers", target, topics, perConnection, from: "latest", numbers: READER_NUMBERS }),
    /** Publishes 500 batches of 4 a second. */
    publish: async (topics: readonly string[]) => {
      const plan = { bytes: 40, batch: 4, rate: 2_000, inflight: 100, ahead: Infinity, readers: READERS };
      await engine.do({ type: "writers", target, topics, numbers: [0], ...plan });
      await engine.do({ type: "publish" });
    },
    /** Waits until `more` records are published. */
    published: async (more: number) => {
      const goal = count(COUNTER.published) + more;
      await until("so many are published", () => count(COUNTER.published) >= goal);
    },
    /** Publishes no more, and ends it when each of so many readers of a record has got all: once, and nothing has failed. */
    ended: async (readersOfRecord: number) => {
      await engine.do({ type: "pause" });
      const isComplete = () =>
        count(COUNTER.acknowledged) === count(COUNTER.published) &&
        count(COUNTER.delivered) >= count(COUNTER.published) * readersOfRecord;
      await until("everything has come", isComplete);
      await engine.do({ type: "end", readers: true });
      expect(failures).toEqual([]);
      expect(count(COUNTER.delivered)).toBe(count(COUNTER.published) * readersOfRecord);
    },
  };
}

describe.each(RINGCAST_DIALECTS)("the load generator over %s", (dialect: RingcastDialect) => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  const start = () => startEngine(ringcastTarget({ host: "127.0.0.1", port: hub.port, dialect }));

  test("gets every record once over cuts, and measures how long each reader was away", async () => {
    const { engine, tally, count, readers, publish, published, ended } = start();
    await readers(["cut"]);
    await publish(["cut"]);
    for (let round = 0; round < 3; round++) {
      await published(50);
      await engine.do({ type: "cut" });
    }
    await ended(READERS);
    expect(count(COUNTER.lost)).toBe(0);
    expect(count(COUNTER.connected)).toBe(0);
    expect(summarize(tally.outage)?.count).toBe(3 * READERS);
  });

  test("gives stalled readers what they missed, and leaves them out of the latencies", async () => {
    const { engine, tally, count, readers, publish, published, ended } = start();
    await readers(["stall"]);
    await engine.do({ type: "stall", count: 2, readers: READERS - 2 });
    await publish(["stall"]);
    await published(100);
    await engine.do({ type: "resume" });
    await ended(READERS);
    expect(count(COUNTER.paced)).toBe(count(COUNTER.published) * (READERS - 2));
    expect(summarize(tally.delivery)?.count).toBe(count(COUNTER.paced));
  });

  test("reads several topics over one connection, and subscribes and unsubscribes over and over", async () => {
    const { engine, tally, count, readers, publish, published, ended } = start();
    const topics = ["many.1", "many.2", "many.3"];
    await readers(topics, 2);
    await publish(topics);
    const target = ringcastTarget({ host: "127.0.0.1", port: hub.port, dialect });
    const before = count(COUNTER.subscribed);
    await engine.do({ type: "churners", target, topics: ["many.4", "many.5"], inflight: 3, numbers: [7, 8] });
    await published(60);
    await until("it has gone round", () => count(COUNTER.subscribed) >= before + 100);
    await ended((READERS * 2) / topics.length);
    expect(summarize(tally.acknowledgement)?.count).toBe(count(COUNTER.published) / 4);
  });

  test("says what a hub refuses", async () => {
    const { engine, failures, publish } = start();
    await publish(["not a topic"]);
    await until("it fails", () => failures.length > 0);
    await engine.do({ type: "end", readers: true });
    expect(failures[0]).toMatch(/^The hub refused: invalid_topic: /);
  });
});
