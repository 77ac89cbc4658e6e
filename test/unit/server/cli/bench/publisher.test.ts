import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { nowUs, readTime } from "../../../../../server/src/cli/bench/clock.js";
import { Gate } from "../../../../../server/src/cli/bench/gate.js";
import type { Link } from "../../../../../server/src/cli/bench/link.js";
import { summarize } from "../../../../../server/src/cli/bench/latency.js";
import { Publisher, type PublisherPlan } from "../../../../../server/src/cli/bench/publisher.js";
import { COUNTER, makeTallies, readTallies, type Tally } from "../../../../../server/src/cli/bench/tally.js";
import { until } from "../../../../support/until.js";

const PLAN: PublisherPlan = { topics: ["a", "b"], bytes: 32, batch: 1, rate: undefined, inflight: Infinity };

/** A connection that remembers what it was given, and can be full. */
class FakeLink {
  readonly role = { number: 0 };
  readonly intended: number[] = [];
  readonly topics: string[] = [];
  isFull = false;
  waiting = 0;

  constructor(private readonly tally: Tally) {}

  publish(topic: string, payload: Uint8Array, records: number, intendedUs: number): void {
    expect(readTime(payload, 0)).toBe(Math.floor(intendedUs));
    this.topics.push(topic);
    this.intended.push(intendedUs);
    this.waiting += 1;
    const { counters } = this.tally;
    counters[COUNTER.published] = (counters[COUNTER.published] as number) + records;
  }
}

function setUp(plan: Partial<PublisherPlan>, gate: { readonly ahead?: number; readonly readers?: number } = {}) {
  const tallies = readTallies(makeTallies(2));
  const [tally, other] = tallies as [Tally, Tally];
  const link = new FakeLink(tally);
  const publisher = new Publisher({ ...PLAN, ...plan }, [link as unknown as Link], {
    tally,
    gate: new Gate(tallies, gate.ahead ?? Infinity, gate.readers ?? 0),
    flush: () => undefined,
  });
  return { tally, other, link, publisher };
}

describe("a schedule", () => {
  test("goes on evenly while a connection takes nothing, and counts from when each publish was due", async () => {
    const { tally, link, publisher } = setUp({ rate: 1_000 });
    const beganUs = nowUs();
    link.isFull = true;
    publisher.start();
    await pause(30);
    link.isFull = false;
    await until("so many are published", () => link.intended.length >= 40);
    publisher.end();
    link.intended.forEach((us, index) => expect(us).toBeCloseTo((link.intended[0] as number) + index * 1_000, 3));
    expect((link.intended[0] as number) - beganUs).toBeLessThan(10_000);
    expect(summarize(tally.lateness)?.max).toBeGreaterThan(25_000);
  });

  test("keeps its rate with batches, and goes round the topics", async () => {
    const { link, publisher } = setUp({ rate: 10_000, batch: 10 });
    publisher.start();
    await until("so many are published", () => link.intended.length >= 10);
    publisher.end();
    expect((link.intended[9] as number) - (link.intended[0] as number)).toBeCloseTo(9_000, 3);
    expect(link.topics.slice(0, 4)).toEqual(["a", "b", "a", "b"]);
  });
});

describe("without a schedule", () => {
  test("stops at the gate of unacknowledged publishes, and goes on when some are acknowledged", async () => {
    const { link, publisher } = setUp({ inflight: 7 });
    publisher.start();
    await until("so many are published", () => link.intended.length >= 7);
    await pause(5);
    expect(link.intended).toHaveLength(7);
    link.waiting = 3;
    publisher.wake();
    await until("the gate is used", () => link.waiting === 7);
    publisher.end();
    expect(link.intended).toHaveLength(11);
  });

  test("stops where the average reader of all threads is too far behind", async () => {
    const { other, link, publisher } = setUp({ batch: 10 }, { ahead: 100, readers: 4 });
    publisher.start();
    await until("so many are published", () => link.intended.length >= 10);
    await pause(5);
    expect(link.intended).toHaveLength(10);
    // Nobody wakes it: the readers belong to another thread.
    other.counters[COUNTER.paced] = 4 * 50;
    await until("so many are published", () => link.intended.length >= 15);
    await pause(5);
    publisher.end();
    expect(link.intended).toHaveLength(15);
  });
});
