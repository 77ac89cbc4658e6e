/** A whole run: everybody at work, faults in between, then quiet, a reading back, and the judgement. */
import { judge, type Demands, type Verdict } from "../history/checker.js";
import type { Fault, History } from "../history/history.js";
import { MemoryWatch } from "../../support/footprint.js";
import { ask, askJson } from "../../support/http-request.js";
import type { TestHub } from "../../support/hub.js";
import { JsonClient } from "../../support/json-client.js";
import { randomOf, type Random } from "../../support/random.js";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.js";
import { Crew, type Heads } from "./crew.js";
import { readBack } from "./read-back.js";
import { realSurroundings } from "./real-surroundings.js";
import { Recorder } from "./recorder.js";

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
  /** One after another, with everybody at work in between; the next is asked for when the one before is over. */
  readonly injections: Iterable<Injection>;
  readonly demands: Demands;
  /** None of which is there. */
  readonly topics?: readonly string[];
  readonly partitions?: number;
  /** Small, so that retention is met as well. */
  readonly capacityBytes?: number;
  /** Time between the making of the topics and the first publish, milliseconds. */
  readonly settleMs?: number;
  /** Time between two faults, milliseconds; else as long as some publishes take. */
  readonly calmMs?: { readonly least: number; readonly most: number };
  /** The longest pause of each publisher behind a publish, milliseconds; none by default. */
  readonly thinkMs?: number;
}

export interface RunResult extends Verdict {
  readonly history: History;
  /** The most private memory that the hub was seen to have. */
  readonly peakBytes: number;
}

/** Acknowledged publishes between two faults. */
const WORK = { least: 30, more: 120 };
/** A hub that answers no publish for so long has a fault of its own: the run ends, and says which calls hang. */
const PATIENCE_MS = 10_000;
const LOOK_AT_MEMORY_MS = 100;

export async function run(options: RunOptions): Promise<RunResult> {
  const { hub, seed, injections, demands, settleMs = 0, thinkMs = 0, topics = ["run"] } = options;
  const random = randomOf(seed);
  const recorder = new Recorder();
  using memory = new MemoryWatch(hub, LOOK_AT_MEMORY_MS);
  for (const topic of topics) await createTopic(hub, topic, options);
  await pause(settleMs);
  await using network = await startTcpProxy(() => hub.port);
  const surroundings = realSurroundings(network, `127.0.0.1:${hub.port}`);
  const crew = new Crew({ topics, surroundings, random, recorder, thinkMs });
  for (const inject of injections) {
    await work(recorder, random, options.calmMs);
    recorder.tell({ type: "injected" });
    recorder.tell({ type: "fault", ...(await inject({ hub, network, random })) });
    for (const topic of topics) await look(hub, topic, recorder);
  }
  await work(recorder, random, options.calmMs);
  await crew.stopPublishing();
  for (const topic of topics) await look(hub, topic, recorder);
  recorder.tell({ type: "quiet" });
  await crew.finish(await readAll(hub, topics, recorder));
  recorder.tell({ type: "end" });
  const { history } = recorder;
  const verdict = judge(history, demands);
  return { ...verdict, vacuous: [...verdict.vacuous, ...crew.idle()], history, peakBytes: memory.peakBytes };
}

async function work(recorder: Recorder, random: Random, calmMs: RunOptions["calmMs"]): Promise<void> {
  if (calmMs !== undefined) {
    await pause(calmMs.least + random.below(calmMs.most - calmMs.least));
    return;
  }
  const enough = recorder.acknowledged + WORK.least + random.below(WORK.more);
  const deadline = performance.now() + PATIENCE_MS;
  while (recorder.acknowledged < enough && performance.now() < deadline) await pause(1 + random.below(5));
}

async function createTopic(
  hub: TestHub,
  topic: string,
  { partitions = 2, capacityBytes = 4 * 2 ** 20 }: Pick<RunOptions, "partitions" | "capacityBytes">,
): Promise<void> {
  const answer = await askJson(hub, "PUT", `/v1/topics/${topic}`, { partitions, capacityBytes });
  if (answer.status >= 300) throw new Error(answer.text);
}

/** Asks how a topic stands. */
async function look(hub: TestHub, topic: string, recorder: Recorder): Promise<void> {
  const call = recorder.nextCall();
  recorder.tell({ type: "look", call, topic });
  // A connection of its own: one that was kept may be closed by the hub in that moment.
  const answer = await ask(hub, `/v1/topics/${topic}`);
  if (answer.status !== 200) throw new Error(answer.text);
  const { partitions } = answer.json as unknown as {
    partitions: { partition: number; epoch: string; tail: number; head: number }[];
  };
  const told = partitions.map(({ partition, epoch, tail, head }) => ({ partition, epoch, tail, head }));
  recorder.tell({ type: "looked", call, partitions: told });
}

async function readAll(hub: TestHub, topics: readonly string[], recorder: Recorder): Promise<Heads> {
  await using client = await JsonClient.connect(hub.wsUrl);
  const heads = new Map<string, ReadonlyMap<number, number>>();
  for (const topic of topics) heads.set(topic, await readBack(client, topic, recorder));
  return heads;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
