import { encodeHeaders, type RecordFilter, type Until } from "@ringcast/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Checker, type History, type Stored } from "./checker.js";
import { startInProcess, type InProcessHub } from "./in-process-hub.js";

/** One thing that happens. Readers and partitions are taken modulo their number. */
type Step =
  | { readonly do: "publish"; readonly partition: number; readonly count: number; readonly bytes: number }
  | { readonly do: "fill"; readonly reader: number }
  | { readonly do: "drain"; readonly reader: number }
  | { readonly do: "ack"; readonly reader: number; readonly share: number }
  | { readonly do: "turn" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "delete" }
  | Join;

interface Join {
  readonly do: "join";
  readonly dialect: "json" | "msgpack";
  readonly window: number;
  readonly from: "earliest" | "latest";
  readonly pattern: boolean;
  readonly filter: RecordFilter | undefined;
  readonly verify: boolean;
  readonly until: "head" | "past" | "soon" | undefined;
}

const PARTITIONS = 2;
const KEYS = ["a", "bb", "cc"];
/** Longer than anything may stay untold. */
const SETTLED_MS = 6_000;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.nat(1_270),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("fill" as const), reader: fc.nat(9) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("drain" as const), reader: fc.nat(9) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("ack" as const),
      reader: fc.nat(9),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 12, arbitrary: fc.constant({ do: "turn" as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: "delete" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      dialect: fc.constantFrom("json" as const, "msgpack" as const),
      window: fc.constantFrom(0, 1, 7, 40),
      from: fc.constantFrom("earliest" as const, "latest" as const),
      pattern: fc.boolean(),
      filter: fc.constantFrom(
        undefined,
        undefined,
        { keys: ["bb"] },
        { headers: { parity: ["odd"] } },
        { keys: ["a", "cc", "never"], headers: { parity: ["even", "none"] } },
        { keys: ["c"] },
      ),
      verify: fc.boolean(),
      until: fc.constantFrom(undefined, undefined, "head" as const, "past" as const, "soon" as const),
    }),
  },
);

it("loses, repeats and reorders nothing, announces each gap exactly, and ends once where an end was asked for", async () => {
  const seen = { retention: 0, deleted: 0, records: 0, leftOut: 0, ended: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 150, size: "max" }), async (steps) => {
      await using world = await startInProcess({ idleTimeoutMs: 1e9 });
      const stored: History = new Map();
      const checkers: Checker[] = [];
      for (const each of steps) carryOut(world, each, stored, checkers);
      finish(world, checkers);
      for (const reason of ["retention", "deleted"] as const) seen[reason] += world.hub.stats.gaps[reason];
      seen.records += world.hub.stats.deliveredRecords;
      for (const { leftOut, hasEnded } of checkers) {
        seen.leftOut += leftOut;
        seen.ended += Number(hasEnded);
      }
    }),
    { numRuns: 40 },
  );
  // A run in which nothing of this happened would show nothing.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
});

function carryOut(world: InProcessHub, each: Step, stored: History, checkers: Checker[]): void {
  const checker = "reader" in each ? checkers[each.reader % Math.max(1, checkers.length)] : undefined;
  switch (each.do) {
    case "publish":
      publish(world, each, stored);
      break;
    case "fill":
      if (checker?.client.unsent === 0) checker.client.nextResult = "full";
      break;
    case "drain":
      checker?.client.drain();
      break;
    case "ack":
      checker?.check();
      checker?.ack(each.share);
      break;
    case "turn":
      world.runtime.turn();
      break;
    case "pass":
      world.runtime.advance(each.ms);
      break;
    case "delete":
      if (world.store.topic("t.x") !== undefined) world.hub.deleteTopic("t.x");
      break;
    case "join":
      checkers.push(join(world, each, stored));
  }
  for (const one of checkers) one.check();
}

function publish(
  world: InProcessHub,
  { partition, count, bytes }: Extract<Step, { do: "publish" }>,
  stored: History,
): void {
  if (world.store.topic("t.x") === undefined) world.hub.putTopic("t.x", { partitions: PARTITIONS }, { ifAbsent: true });
  const timeMs = world.runtime.now;
  const records: Stored[] = Array.from({ length: count }, (_, n) => ({
    text: `${n}`.padEnd(bytes, "."),
    key: KEYS[(n * 7 + bytes) % KEYS.length] as string,
    parity: (n + bytes) % 2 === 0 ? "even" : "odd",
    timeMs,
  }));
  const { offsets } = world.hub.openPublisher().publish(
    {
      topic: "t.x",
      messages: records.map(({ text, key, parity }) => ({
        contentType: 1,
        data: Buffer.from(JSON.stringify(text)),
        key: Buffer.from(key),
        headers: encodeHeaders({ parity }),
      })),
      partition,
      producer: undefined,
      durability: undefined,
    },
    undefined,
  ) as { offsets: readonly { epoch: string; first: number }[] };
  const { epoch, first } = offsets[0] as { epoch: string; first: number };
  const history = stored.get(`${epoch}/${partition}`) ?? [];
  expect(first).toBe(history.length);
  stored.set(`${epoch}/${partition}`, [...history, ...records]);
}

function join(world: InProcessHub, each: Join, stored: History): Checker {
  const { window, from, pattern, filter, verify, dialect } = each;
  if (!pattern && world.store.topic("t.x") === undefined) {
    world.hub.putTopic("t.x", { partitions: PARTITIONS }, { ifAbsent: true });
  }
  const client = world.connect("127.0.0.1", dialect);
  const until = untilOf(each.until, world.runtime.now);
  const name = pattern ? { pattern: "t.>" } : { topic: "t.x" };
  const wish = { ...(filter === undefined ? {} : { filter }), ...(until === undefined ? {} : { until }) };
  client.ask({ op: "subscribe", id: 1, from, window, verify, ...name, ...wish });
  return new Checker(client, { window, filter, until }, stored);
}

function untilOf(wish: Join["until"], nowMs: number): Until | undefined {
  switch (wish) {
    case undefined:
    case "head":
      return wish;
    case "past":
      return { time: nowMs - 300 };
    case "soon":
      return { time: nowMs + 500 };
  }
}

/** Everybody reads and acknowledges: then everything must have come, and the hub must rest. */
function finish(world: InProcessHub, checkers: readonly Checker[]): void {
  do {
    for (const checker of checkers) {
      checker.client.drain();
      checker.check();
      checker.ack(1);
    }
    world.runtime.settle();
    for (const checker of checkers) checker.check();
  } while (checkers.some(({ hasOpen, terms }) => terms.window > 0 && hasOpen));
  // What a filter has left out is told by then, and every end has come.
  world.runtime.advance(SETTLED_MS);
  for (const checker of checkers) checker.check();
  const topic = world.store.topic("t.x");
  for (const checker of checkers) checker.expectComplete(topic?.partitions ?? []);
  expect(world.runtime.isBusy).toBe(false);
}
