/** Everybody who publishes and reads in a simulated world: the clients of the fault tests, chosen by the seed, and somebody who looks at the topic. */
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

export interface CrewOptions {
  readonly world: World;
  readonly topic: string;
  readonly random: Random;
  readonly recorder: Recorder;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #publishers: readonly Publisher[];
  readonly #readers: readonly Reader[];
  readonly #streams: readonly EventStreamReader[];
  readonly #users: readonly SdkUser[];
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
      const { world, topic, recorder } = options;
      return new EventStreamReader(`events-${n}`, topic, recorder, world.surroundings());
    });
    this.#users = times(users, (n) => this.#user(n));
    this.#publishing = Promise.all([
      ...this.#publishers.map((each) => each.run()),
      ...this.#users.map((user) => user.publish()),
      this.#watch(),
    ]);
    this.#reading = Promise.all([
      ...[...this.#readers, ...this.#streams].map((each) => each.run()),
      ...this.#users.map((user) => user.read()),
    ]);
    // They are awaited in the end; until then a failure waits as well.
    this.#publishing.catch(() => undefined);
    this.#reading.catch(() => undefined);
  }

  /** Nobody publishes any more; everybody reads to the end, or for as long as it may take. */
  async finish(readAll: () => Promise<ReadonlyMap<number, number>>): Promise<void> {
    const { recorder, world } = this.#options;
    for (const each of [...this.#publishers, ...this.#readers, ...this.#users]) hurry(each);
    for (const each of this.#publishers) each.stop();
    for (const user of this.#users) user.stopPublishing();
    this.#mayLook = false;
    await this.#publishing;
    recorder.tell({ type: "quiet" });
    const heads = await readAll();
    const all = [...this.#readers, ...this.#streams, ...this.#users];
    const isThere = (): boolean =>
      all.every((each) => [...heads].every(([partition, head]) => (each.offsetIn(partition) ?? head) >= head));
    const deadline = world.scheduler.nowMs + CATCH_UP_MS;
    while (!isThere() && world.scheduler.nowMs < deadline) await world.scheduler.pause(1_000);
    for (const each of [...this.#readers, ...this.#streams]) each.stop();
    for (const user of this.#users) await user.close();
    await this.#reading;
    recorder.tell({ type: "end" });
  }

  #publisher(n: number): Publisher {
    const { random } = this.#options;
    const dialect = random.pick(DIALECTS);
    const isIdempotent = random.oneIn(2);
    return new Publisher({
      ...this.#shared(),
      name: `${dialect}-${isIdempotent ? "once" : "many"}-${n}`,
      dialect,
      isIdempotent,
      thinkMs: this.#thinkMs,
      patienceMs: PATIENCE_MS,
      batch: 8,
    });
  }

  #reader(n: number): Reader {
    const { random } = this.#options;
    const dialect = random.pick(DIALECTS);
    const from = random.pick<ReaderOptions["from"]>(["earliest", "latest", { time: BEGIN_MS + 20_000 }, { last: 5 }]);
    const window = random.pick([0, 1, 16, 256]);
    return new Reader({
      ...this.#shared(),
      name: `${dialect}-${n} from ${JSON.stringify(from)}, window ${window}`,
      dialect,
      from,
      window,
      pauseMs: random.pick([100, 10_000]),
      breaksOffOneIn: random.pick([30, 300]),
    });
  }

  #user(n: number): SdkUser {
    const { random } = this.#options;
    return new SdkUser({
      ...this.#shared(),
      name: `sdk-${n}`,
      thinkMs: this.#thinkMs,
      pauseMs: random.pick([100, 10_000]),
      ...(random.oneIn(2) ? { window: 1 + random.below(64) } : {}),
      ...(random.oneIn(2) ? { resubscribesOneIn: 40 } : {}),
    });
  }

  #shared(): { topic: string; random: Random; recorder: Recorder; surroundings: Surroundings } {
    const { topic, random, recorder, world } = this.#options;
    return { topic, recorder, random: random.fork(), surroundings: world.surroundings() };
  }

  /** Asks how the topic stands, again and again. */
  async #watch(): Promise<void> {
    const { topic, random, recorder, world } = this.#options;
    const { connect, pause } = world.surroundings();
    while (this.#mayLook) {
      await pause(random.below(LOOK_EVERY_MS));
      const client = await connect("json");
      if (client === undefined) continue;
      const call = recorder.nextCall();
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

function hurry(each: Publisher | Reader | SdkUser): void {
  if (!(each instanceof Publisher)) each.hurry();
}

function times<Item>(count: number, make: (n: number) => Item): Item[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
