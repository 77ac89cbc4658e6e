import fc from "fast-check";
import { expect, it } from "vitest";
import type { AnyFrame } from "../../support/json-client.js";
import { startInProcess, type FakeClient, type InProcessHub } from "./in-process-hub.js";

/** One thing that happens. Readers and partitions are taken modulo their number. */
type Step =
  | { readonly do: "publish"; readonly partition: number; readonly count: number; readonly bytes: number }
  | { readonly do: "fill"; readonly reader: number }
  | { readonly do: "drain"; readonly reader: number }
  | { readonly do: "ack"; readonly reader: number; readonly share: number }
  | { readonly do: "turn" }
  | { readonly do: "delete" }
  | { readonly do: "join"; readonly window: number; readonly from: "earliest" | "latest"; readonly pattern: boolean };

const PARTITIONS = 2;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.nat(1_300),
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
  { weight: 1, arbitrary: fc.constant({ do: "delete" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      window: fc.constantFrom(0, 1, 7, 40),
      from: fc.constantFrom("earliest" as const, "latest" as const),
      pattern: fc.boolean(),
    }),
  },
);

/** What one partition of one history was given: data by offset. */
type History = Map<string, string[]>;

/** A client that believes nothing: it checks each frame against what was published. */
class Checker {
  readonly client: FakeClient;
  readonly window: number;
  readonly #stored: History;
  #subscription = -1;
  #known = false;
  /** By partition: where the next frame has to begin. */
  readonly #places = new Map<number, { epoch: string; next: number }>();
  /** By partition: first offset not acknowledged, and offsets delivered since then. */
  readonly #open = new Map<number, number[]>();

  constructor(client: FakeClient, window: number, stored: History) {
    this.client = client;
    this.window = window;
    this.#stored = stored;
  }

  /** Goes through what came. */
  check(): void {
    for (const frame of this.client.take()) this.#frame(frame);
  }

  /** Acknowledges part of what is open in one partition. */
  ack(share: number): void {
    for (const [partition, offsets] of this.#open) {
      const upTo = Math.floor(share * offsets.length) - 1;
      const offset = offsets[upTo];
      if (offset === undefined) continue;
      this.#open.set(partition, offsets.slice(upTo + 1));
      this.client.ask({ op: "ack", subscription: this.#subscription, topic: "t.x", partition, offset });
      return;
    }
  }

  /** Whether everything published has arrived. */
  expectComplete(heads: readonly { epoch: string; head: number }[]): void {
    heads.forEach(({ epoch, head }, partition) => {
      const place = this.#places.get(partition);
      if (!this.#known && head === 0) return;
      expect(place).toEqual({ epoch, next: head });
    });
  }

  get hasOpen(): boolean {
    return this.#openCount > 0;
  }

  get #openCount(): number {
    return [...this.#open.values()].reduce((sum, offsets) => sum + offsets.length, 0);
  }

  #frame(frame: AnyFrame): void {
    switch (frame.op) {
      case "subscribed":
        this.#subscription = frame.subscription;
        // A topic's reply lists its partitions, a pattern's its topics.
        this.#learn(Object.hasOwn(frame, "topics") ? frame.topics["t.x"] : frame.partitions);
        return;
      case "matched":
        expect(this.#known).toBe(false);
        this.#learn(frame.partitions);
        return;
      case "messages":
        this.#messages(frame);
        return;
      case "gap":
        this.#gap(frame);
        return;
      default:
        throw new Error(`Unexpected ${JSON.stringify(frame)}`);
    }
  }

  #learn(partitions: AnyFrame["partitions"] | undefined): void {
    if (partitions === undefined) return;
    this.#known = true;
    for (const [partition, { epoch, next }] of Object.entries(partitions)) {
      this.#places.set(Number(partition), { epoch, next });
    }
  }

  #messages(frame: AnyFrame): void {
    const { partition, epoch, messages } = frame;
    const place = this.#placeOf(partition);
    const stored = this.#stored.get(`${epoch}/${partition}`) ?? [];
    expect(epoch).toBe(place.epoch);
    expect(messages.length).toBeGreaterThan(0);
    for (const { offset, data } of messages) {
      expect(offset).toBe(place.next);
      expect(data).toBe(stored[offset]);
      place.next += 1;
      if (this.window > 0) this.#open.set(partition, [...(this.#open.get(partition) ?? []), offset]);
    }
    expect(frame.next).toBe(place.next);
    if (this.window > 0) expect(this.#openCount).toBeLessThanOrEqual(this.window);
  }

  #gap(frame: AnyFrame): void {
    const place = this.#placeOf(frame.partition);
    expect(frame.from).toBe(place.next);
    if (frame.reason === "deleted") {
      expect([frame.to, frame.next]).toEqual([frame.from, 0]);
      expect(frame.epoch).not.toBe(place.epoch);
      this.#open.delete(frame.partition);
    } else {
      expect(frame.reason).toBe("retention");
      expect(frame.epoch).toBe(place.epoch);
      expect(frame.to).toBeGreaterThanOrEqual(frame.from);
      expect(frame.next).toBe(frame.to + 1);
    }
    this.#places.set(frame.partition, { epoch: frame.epoch, next: frame.next });
  }

  #placeOf(partition: number): { epoch: string; next: number } {
    const place = this.#places.get(partition);
    if (place === undefined) throw new Error(`Partition ${partition} was never announced`);
    return place;
  }
}

it("loses, repeats and reorders nothing, and announces each gap exactly", async () => {
  const seen = { retention: 0, deleted: 0, records: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 150, size: "max" }), async (steps) => {
      await using world = await startInProcess();
      const stored: History = new Map();
      const checkers: Checker[] = [];
      for (const each of steps) carryOut(world, each, stored, checkers);
      finish(world, checkers);
      for (const reason of ["retention", "deleted"] as const) seen[reason] += world.hub.stats.gaps[reason];
      seen.records += world.hub.stats.deliveredRecords;
    }),
    { numRuns: 60 },
  );
  // A run in which nothing of this happened would show nothing.
  expect(Math.min(seen.retention, seen.deleted, seen.records)).toBeGreaterThan(0);
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
  const texts = Array.from({ length: count }, (_, n) => `${n}`.padEnd(bytes, "."));
  const { offsets } = world.hub.openPublisher().publish(
    {
      topic: "t.x",
      messages: texts.map((text) => ({
        contentType: 1,
        data: Buffer.from(JSON.stringify(text)),
        key: undefined,
        headers: new Uint8Array(0),
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
  stored.set(`${epoch}/${partition}`, [...history, ...texts]);
}

function join(world: InProcessHub, { window, from, pattern }: Extract<Step, { do: "join" }>, stored: History): Checker {
  if (!pattern && world.store.topic("t.x") === undefined) {
    world.hub.putTopic("t.x", { partitions: PARTITIONS }, { ifAbsent: true });
  }
  const client = world.connect();
  client.ask({ op: "subscribe", id: 1, from, window, ...(pattern ? { pattern: "t.>" } : { topic: "t.x" }) });
  return new Checker(client, window, stored);
}

/** Everybody reads and acknowledges: then everything must have come, and the hub must rest. */
function finish(world: InProcessHub, checkers: readonly Checker[]): void {
  do {
    world.runtime.settle();
    for (const checker of checkers) {
      checker.client.drain();
      checker.check();
      checker.ack(1);
    }
    world.runtime.settle();
    for (const checker of checkers) checker.check();
  } while (checkers.some(({ hasOpen, window }) => window > 0 && hasOpen));
  const topic = world.store.topic("t.x");
  if (topic !== undefined) for (const checker of checkers) checker.expectComplete(topic.partitions);
  expect(world.runtime.isBusy).toBe(false);
}
