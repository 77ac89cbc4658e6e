/** A whole run: everybody at work on one topic, faults in between, then quiet, a reading back, and the judgement. */
import { readFileSync } from "node:fs";
import { judge, type Demands, type Verdict } from "../history/checker.js";
import type { Fault, History } from "../history/history.js";
import type { TestHub } from "../../support/hub.js";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.js";
import { JsonClient } from "../../support/json-client.js";
import { randomOf, type Random } from "../../support/random.js";
import { EventStreamReader } from "./event-stream-reader.js";
import { Publisher } from "./publisher.js";
import { Reader } from "./reader.js";
import { readBack } from "./read-back.js";
import { realSurroundings } from "./real-surroundings.js";
import { Recorder } from "./recorder.js";
import { SdkUser } from "./sdk-user.js";

/** What a fault can be done to. */
export interface World {
  readonly hub: TestHub;
  /** Between the hub and everybody who works on it. */
  readonly network: TcpProxy;
  readonly random: Random;
}

/** Does something to the hub or the network, and says what; both work again when the promise is settled. */
export type Injection = (world: World) => Promise<Pick<Fault, "name" | "costs">>;

export interface RunOptions {
  readonly hub: TestHub;
  readonly seed: number;
  /** One after another, with everybody at work in between. */
  readonly injections: readonly Injection[];
  readonly demands: Demands;
  readonly partitions?: number;
  /** Small, so that retention is met as well. */
  readonly capacityBytes?: number;
  /** Time between the making of the topic and the first publish, milliseconds. */
  readonly settleMs?: number;
}

export interface RunResult extends Verdict {
  readonly history: History;
  /** The most private memory that the hub was seen to have. */
  readonly peakBytes: number;
}

const TOPIC = "run";
/** Acknowledged publishes between two faults. */
const WORK = { least: 30, more: 120 };
/** A hub that answers no publish for so long has a fault of its own: the run ends, and says which calls hang. */
const PATIENCE_MS = 10_000;
const CATCH_UP_MS = 8_000;
const LOOK_AT_MEMORY_MS = 100;

export async function run({ hub, seed, injections, demands, settleMs = 0, ...topic }: RunOptions): Promise<RunResult> {
  const random = randomOf(seed);
  const recorder = new Recorder();
  using memory = new MemoryWatch(hub);
  await createTopic(hub, topic.partitions ?? 2, topic.capacityBytes ?? 4 * 2 ** 20);
  await pause(settleMs);
  await using network = await startTcpProxy(() => hub.port);
  const crew = new Crew(hub, network, random, recorder);
  for (const inject of injections) {
    await work(recorder, random);
    recorder.tell({ type: "injected" });
    recorder.tell({ type: "fault", ...(await inject({ hub, network, random })) });
    await look(hub, recorder);
  }
  await work(recorder, random);
  await crew.finish(async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    return await readBack(client, TOPIC, recorder);
  });
  return { ...judge(recorder.history, demands), history: recorder.history, peakBytes: memory.peakBytes };
}

async function work(recorder: Recorder, random: Random): Promise<void> {
  const enough = recorder.acknowledged + WORK.least + random.below(WORK.more);
  const deadline = performance.now() + PATIENCE_MS;
  while (recorder.acknowledged < enough && performance.now() < deadline) await pause(1 + random.below(5));
}

/** Everybody who publishes and reads. */
class Crew {
  readonly #publishers: readonly Publisher[];
  readonly #readers: readonly (Reader | EventStreamReader)[];
  readonly #users: readonly SdkUser[];
  readonly #publishing: Promise<void>[];
  readonly #reading: Promise<void>[];
  readonly #hub: TestHub;
  readonly #recorder: Recorder;

  constructor(hub: TestHub, network: TcpProxy, random: Random, recorder: Recorder) {
    this.#hub = hub;
    this.#recorder = recorder;
    const surroundings = realSurroundings(network);
    const shared = { surroundings, topic: TOPIC, recorder };
    this.#publishers = (["json", "msgpack"] as const).flatMap((dialect) =>
      [true, false].map((isIdempotent) => {
        const name = `${dialect}-${isIdempotent ? "once" : "many"}`;
        return new Publisher({ ...shared, name, dialect, isIdempotent, random: random.fork() });
      }),
    );
    const reader = (dialect: "json" | "msgpack", from: "earliest" | "latest", window: number): Reader =>
      new Reader({
        ...shared,
        name: `${dialect} from ${from}, window ${window}`,
        dialect,
        from,
        window,
        random: random.fork(),
      });
    this.#readers = [
      ...(["json", "msgpack"] as const).flatMap((each) => [reader(each, "earliest", 0), reader(each, "latest", 64)]),
      new EventStreamReader("event stream", TOPIC, recorder, surroundings),
    ];
    this.#users = [1, 2].map((number) => new SdkUser({ ...shared, name: `sdk-${number}`, random: random.fork() }));
    this.#publishing = [...this.#publishers.map((each) => each.run()), ...this.#users.map((user) => user.publish())];
    this.#reading = [...this.#readers.map((each) => each.run()), ...this.#users.map((user) => user.read())];
  }

  /** Nobody publishes any more; everybody reads to the end, or for as long as it may take; then everything is read back. */
  async finish(readAll: () => Promise<ReadonlyMap<number, number>>): Promise<void> {
    for (const each of [...this.#publishers]) each.stop();
    for (const user of this.#users) user.stopPublishing();
    await Promise.all(this.#publishing);
    for (const each of this.#readers) if (each instanceof Reader) each.hurry();
    await look(this.#hub, this.#recorder);
    this.#recorder.tell({ type: "quiet" });
    const heads = await readAll();
    const all = [...this.#readers, ...this.#users];
    const isThere = (): boolean =>
      all.every((each) => [...heads].every(([partition, head]) => (each.offsetIn(partition) ?? head) >= head));
    const deadline = performance.now() + CATCH_UP_MS;
    while (!isThere() && performance.now() < deadline) await pause(20);
    for (const each of this.#readers) each.stop();
    for (const user of this.#users) await user.close();
    await Promise.all(this.#reading);
    this.#recorder.tell({ type: "end" });
  }
}

/** Looks at the hub's memory again and again, through its restarts. */
class MemoryWatch implements Disposable {
  peakBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(hub: TestHub) {
    this.#timer = setInterval(() => {
      this.peakBytes = Math.max(this.peakBytes, rssAnonBytes(hub.pid));
    }, LOOK_AT_MEMORY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** @returns 0 while there is no such process */
function rssAnonBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function createTopic(hub: TestHub, partitions: number, capacityBytes: number): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ partitions, capacityBytes }),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Asks how the topic stands. */
async function look(hub: TestHub, recorder: Recorder): Promise<void> {
  const call = recorder.nextCall();
  recorder.tell({ type: "look", call, topic: TOPIC });
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`);
  if (!response.ok) throw new Error(await response.text());
  const { partitions } = (await response.json()) as {
    partitions: { partition: number; epoch: string; tail: number; head: number }[];
  };
  const told = partitions.map(({ partition, epoch, tail, head }) => ({ partition, epoch, tail, head }));
  recorder.tell({ type: "looked", call, partitions: told });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
