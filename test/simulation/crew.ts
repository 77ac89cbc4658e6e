/** Everybody who publishes and reads in a simulated world: the clients of the fault tests, chosen by the seed, and somebody who looks at the topics. */
import { EventStreamReader } from "../fault/workload/event-stream-reader.js";
import { Publisher } from "../fault/workload/publisher.js";
import { Reader, type ReaderOptions } from "../fault/workload/reader.js";
import { boundsOf, type Recorder } from "../fault/workload/recorder.js";
import { SdkUser } from "../fault/workload/sdk-user.js";
import type { Surroundings } from "../fault/workload/surroundings.js";
import type { Random } from "../support/random.js";
import { BEGIN_MS } from "./world/runtimes.js";
import type { World } from "./world/world.js";

const DIALECTS = ["json", "msgpack"] as const;
/** So long nobody has everything, or a reader is stuck. */
const CATCH_UP_MS = 120_000;
/** The longest pause between two publishes, were there one publisher; one that is busy, and one with long quiet stretches. */
const THINK_MS = [500, 1_500];
const LOOK_EVERY_MS = 10_000;
const PATIENCE_MS = 10_000;
/** Of the eight that publishers give. */
const SOME_KEYS = ["k0", "k3", "k5"];
/** Where a reader with a filter stands says little: it has so long to notice that its connection is gone, and to come back. */
const FILTERED_MS = 45_000;

export interface CrewOptions {
  readonly world: World;
  /** Each of the crew works on one of them. */
  readonly topics: readonly string[];
  readonly random: Random;
  readonly recorder: Recorder;
}

/** The offset behind the last record of each partition, by topic. */
export type Heads = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Somebody of the crew, and the topic it works on. */
interface Member<Client> {
  readonly topic: string;
  readonly client: Client;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #publishers: readonly Member<Publisher>[];
  readonly #readers: readonly Member<Reader>[];
  /** Those of them that ask for a part of the records. */
  readonly #filtered = new Set<Reader>();
  readonly #streams: readonly Member<EventStreamReader>[];
  readonly #users: readonly Member<SdkUser>[];
  readonly #publishing: Promise<unknown>;
  readonly #reading: Promise<unknown>;
  /** The longest pause between two publishes of one publisher. */
  readonly #thinkMs: number;
  #mayLook = true;

  constructor(options: CrewOptions) {
    this.#options = options;
    const { random } = options;
    const [publishers, users] = [1 + random.below(3), 1 + random.below(2)];
    // All together about as often, however many they are.
    this.#thinkMs = (publishers + users) * random.pick(THINK_MS);
    this.#publishers = times(publishers, (n) => this.#publisher(n));
    this.#readers = times(2 + random.below(3), (n) => this.#reader(n));
    this.#streams = times(random.below(2), (n) => {
      const { world, recorder } = options;
      const topic = this.#topic();
      return { topic, client: new EventStreamReader(`events-${n}`, topic, recorder, world.surroundings()) };
    });
    this.#users = times(users, (n) => this.#user(n));
    this.#publishing = Promise.all([
      ...this.#publishers.map(({ client }) => client.run()),
      ...this.#users.map(({ client }) => client.publish()),
      this.#watch(),
    ]);
    this.#reading = Promise.all([
      ...[...this.#readers, ...this.#streams].map(({ client }) => client.run()),
      ...this.#users.map(({ client }) => client.read()),
    ]);
    // They are awaited in the end; until then a failure waits as well.
    this.#publishing.catch(() => undefined);
    this.#reading.catch(() => undefined);
  }

  /** Nobody publishes any more; everybody reads to the end, or for as long as it may take. */
  async finish(readAll: () => Promise<Heads>): Promise<void> {
    const { recorder, world } = this.#options;
    for (const { client } of [...this.#readers, ...this.#users]) client.hurry();
    for (const { client } of this.#publishers) client.stop();
    for (const { client } of this.#users) client.stopPublishing();
    this.#mayLook = false;
    await this.#publishing;
    recorder.tell({ type: "quiet" });
    const heads = await readAll();
    const deadline = world.scheduler.nowMs + CATCH_UP_MS;
    if (this.#filtered.size > 0) await world.scheduler.pause(FILTERED_MS);
    while (!this.#haveAll(heads) && world.scheduler.nowMs < deadline) await world.scheduler.pause(1_000);
    for (const { client } of [...this.#readers, ...this.#streams]) client.stop();
    for (const { client } of this.#users) await client.close();
    await this.#reading;
    recorder.tell({ type: "end" });
  }

  #haveAll(heads: Heads): boolean {
    return [...this.#readers, ...this.#streams, ...this.#users].every(
      ({ topic, client }) =>
        (client instanceof Reader && this.#filtered.has(client)) ||
        [...(heads.get(topic) ?? [])].every(([partition, head]) => (client.offsetIn(partition) ?? head) >= head),
    );
  }

  #topic(): string {
    return this.#options.random.pick(this.#options.topics);
  }

  #publisher(n: number): Member<Publisher> {
    const { random } = this.#options;
    const topic = this.#topic();
    const dialect = random.pick(DIALECTS);
    const isIdempotent = random.oneIn(2);
    const client = new Publisher({
      ...this.#shared(),
      topic,
      name: `${dialect}-${isIdempotent ? "once" : "many"}-${n}`,
      speaks: dialect,
      isIdempotent,
      thinkMs: this.#thinkMs,
      patienceMs: PATIENCE_MS,
      batch: 8,
    });
    return { topic, client };
  }

  #reader(n: number): Member<Reader> {
    const { random } = this.#options;
    const topic = this.#topic();
    const isFiltered = random.oneIn(4);
    const dialect = random.pick(DIALECTS);
    const from = random.pick<ReaderOptions["from"]>(["earliest", "latest", { time: BEGIN_MS + 20_000 }, { last: 5 }]);
    const window = random.pick([0, 1, 16, 256]);
    const client = new Reader({
      ...this.#shared(),
      topic,
      name: `${dialect}-${n} from ${JSON.stringify(from)}, window ${window}${isFiltered ? ", filtered" : ""}`,
      dialect,
      from,
      window,
      pauseMs: random.pick([100, 10_000]),
      breaksOffOneIn: random.pick([30, 300]),
      ...(isFiltered ? { keys: SOME_KEYS } : {}),
    });
    if (isFiltered) this.#filtered.add(client);
    return { topic, client };
  }

  #user(n: number): Member<SdkUser> {
    const { random } = this.#options;
    const topic = this.#topic();
    const client = new SdkUser({
      ...this.#shared(),
      topic,
      name: `sdk-${n}`,
      thinkMs: this.#thinkMs,
      pauseMs: random.pick([100, 10_000]),
      ...(random.oneIn(2) ? { window: 1 + random.below(64) } : {}),
      ...(random.oneIn(2) ? { resubscribesOneIn: 40 } : {}),
    });
    return { topic, client };
  }

  #shared(): { random: Random; recorder: Recorder; surroundings: Surroundings } {
    const { random, recorder, world } = this.#options;
    return { recorder, random: random.fork(), surroundings: world.surroundings() };
  }

  /** Asks how a topic stands, again and again. */
  async #watch(): Promise<void> {
    const { random, recorder, world } = this.#options;
    const { connect, pause } = world.surroundings();
    while (this.#mayLook) {
      await pause(random.below(LOOK_EVERY_MS));
      const client = await connect("json");
      if (client === undefined) continue;
      const call = recorder.nextCall();
      const topic = this.#topic();
      recorder.tell({ type: "look", call, topic });
      const reply = await client.request({ op: "topic", topic }, PATIENCE_MS).catch(() => undefined);
      if (reply?.op === "topic")
        recorder.tell({
          type: "looked",
          call,
          partitions: boundsOf(Object.fromEntries(reply.topic.partitions.entries())),
        });
      await client[Symbol.asyncDispose]();
    }
  }
}

function times<Item>(count: number, make: (n: number) => Item): Item[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
