/** One seed, from its beginning to the judgement. */
import type { HubEvent } from "../../server/src/hub/index.js";
import type { LogEvent } from "../../server/src/log/index.js";
import { judge, type Verdict } from "../fault/history/checker.js";
import type { History } from "../fault/history/history.js";
import { readBack } from "../fault/workload/read-back.js";
import { Recorder } from "../fault/workload/recorder.js";
import { randomOf, type Random } from "../support/random.js";
import { Crew, type Heads } from "./crew.js";
import { LANES, TOPICS } from "./faults.js";
import { torment } from "./nemesis.js";
import { DEFAULT_SECONDS, replayLine } from "./replay.js";
import type { Weather } from "./world/pipe.js";
import { World } from "./world/world.js";

export interface SeedResult extends Verdict {
  readonly history: History;
  readonly virtualMs: number;
  readonly events: number;
}

export interface SeedOptions {
  /** Virtual seconds under load and faults; healing and reading to the end come on top. */
  readonly seconds?: number;
  /** Told what the hub has to tell its operator. */
  readonly onEvent?: (atMs: number, event: LogEvent | HubEvent) => void;
}

const DEMANDS = { acknowledged: 5, faults: 2 };
/** The topic itself is on the device by then. */
const UNTIL_SYNCED_MS = 2_500;
const READ_BACK_EVERY_MS = 1_000;
const MOST_READ_BACKS = 60;

/** @throws Error where the hub, the SDK or a client breaks off: `cause` says why */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { seconds = DEFAULT_SECONDS, onEvent } = options;
  const random = randomOf(seed);
  const world: World = new World({
    random,
    weather: weatherOf(random),
    kernelBytes: random.pick([4_096, 65_536, 262_144]),
    regions: random.pick(["mapped", "file"]),
    workUs: random.pick([0, 50, 2_000]),
    onEvent: (event) => onEvent?.(world.scheduler.nowMs, event),
  });
  const recorder = new Recorder(() => world.scheduler.nowMs);
  try {
    await world.scheduler.drive(() => run(world, random, recorder, seconds * 1_000));
  } catch (error) {
    throw new Error(`Seed ${seed} broke off; again: ${replayLine(seed, seconds)}`, { cause: error });
  }
  const { history } = recorder;
  const { nowMs, events } = world.scheduler;
  return { ...judge(history, DEMANDS), history, virtualMs: nowMs, events };
}

async function run(world: World, random: Random, recorder: Recorder, forMs: number): Promise<void> {
  await world.machine.start();
  const topics = TOPICS.slice(0, random.oneIn(2) ? 1 : TOPICS.length);
  for (const topic of topics) await createTopic(world, topic, random);
  await world.scheduler.pause(UNTIL_SYNCED_MS);
  const crew = new Crew({ world, topics, random: random.fork(), recorder });
  const nemesis = { world, random: random.fork(), recorder, lanes: LANES, untilMs: forMs, quietMs: forMs / 4 };
  await Promise.all([torment(nemesis), world.scheduler.pause(forMs)]);
  await crew.finish(() => readAll(world, topics, recorder));
}

function weatherOf(random: Random): Weather {
  return { latencyMs: random.below(20), jitterMs: random.pick([0, 5, 100]), bytesPerMs: Infinity };
}

async function createTopic(world: World, topic: string, random: Random): Promise<void> {
  const body = {
    partitions: 1 + random.below(3),
    capacityBytes: random.pick([65_536, 262_144]),
    retentionRecords: random.pick([0, 0, 100]),
    retentionMs: random.pick([0, 0, 30_000]),
  };
  const answer = await world.ask({ method: "PUT", path: `/v1/topics/${topic}`, body });
  if (answer?.status !== 201) throw new Error(`The topic was not made: ${JSON.stringify(answer)}`);
}

/** Everything is healed: somebody can read all of it, if not at the first attempt. */
async function readAll(world: World, topics: readonly string[], recorder: Recorder): Promise<Heads> {
  const heads = new Map<string, ReadonlyMap<number, number>>();
  for (const topic of topics) heads.set(topic, await readWhole(world, topic, recorder));
  return heads;
}

async function readWhole(world: World, topic: string, recorder: Recorder): Promise<ReadonlyMap<number, number>> {
  const { connect, pause } = world.surroundings();
  for (let attempts = 0; attempts < MOST_READ_BACKS; attempts++) {
    const client = await connect("json");
    const heads = client && (await readBack(client, topic, recorder).catch(() => undefined));
    await client?.[Symbol.asyncDispose]();
    if (heads !== undefined) return heads;
    await pause(READ_BACK_EVERY_MS);
  }
  throw new Error(`Nobody can read everything, ${MOST_READ_BACKS} attempts after all is healed`);
}
