/** The one client of the failpoints: asks the hub, and keeps {@link Expected} to what it was answered. */
import type { TopicConfig } from "@ringcast/protocol";
import { groupBy } from "../../fault/history/history-index.js";
import type { AnyFrame } from "../../support/frame-client.js";
import { ask, askJson, type HttpAnswer } from "../../support/http-request.js";
import type { TestHub } from "../../support/hub.js";
import { JsonClient } from "../../support/json-client.js";
import { until } from "../../support/until.js";
import { forget, topicOf, type Expected, type ExpectedProducer, type ExpectedTopic } from "./expected.js";

/** The hub is gone. */
export class GoneError extends Error {
  override readonly name = "GoneError";
}

export interface PublishOptions {
  readonly durability?: "stored" | "synced";
  /** Values of how many bytes; short ones unless said. */
  readonly bytes?: number;
  readonly keys?: readonly string[];
  /** Name of an idempotent producer, whose next publish this is. */
  readonly producer?: string;
}

interface Sent {
  readonly values: readonly string[];
  readonly keys: readonly string[];
  readonly durability: "stored" | "synced";
  readonly producer: string | undefined;
}

const PATIENCE_MS = 5_000;
/** How long after its connections a process may still be there. */
const DYING_MS = 1_000;

export class Client implements AsyncDisposable {
  readonly #hub: TestHub;
  readonly #socket: JsonClient;
  readonly expected: Expected;
  /** Answers that no client should get. */
  readonly wrong: string[] = [];

  private constructor(hub: TestHub, socket: JsonClient, expected: Expected) {
    this.#hub = hub;
    this.#socket = socket;
    this.expected = expected;
  }

  static async connect(hub: TestHub, expected: Expected): Promise<Client> {
    return new Client(hub, await orGone(hub, JsonClient.connect(hub.wsUrl)), expected);
  }

  /** Makes a topic, or configures it anew. */
  async configure(name: string, config: Partial<TopicConfig>): Promise<void> {
    const topic = topicOf(this.expected, name);
    const before = topic.configs;
    topic.configs = [...before, ...before.map((each) => ({ ...each, ...config }))];
    const answer = await this.#ask("PUT", `/v1/topics/${name}`, config);
    topic.configs = answer.status < 300 ? before.map((each) => ({ ...each, ...config })) : before;
  }

  async remove(name: string): Promise<void> {
    const topic = topicOf(this.expected, name);
    const before = topic.configs;
    topic.configs = [...before, undefined];
    const answer = await this.#ask("DELETE", `/v1/topics/${name}`);
    topic.configs = before;
    if (answer.status !== 204 && answer.status !== 404) return;
    if (answer.status === 404 && !before.includes(undefined)) this.wrong.push(`there is no topic ${name} to delete`);
    topic.configs = [undefined];
    forget(topic);
  }

  /** Lists the topics, which has the catalogue brought up to date. */
  async list(): Promise<readonly string[]> {
    const answer = await this.#ask("GET", "/v1/topics");
    return ((answer.json["topics"] ?? []) as { name: string }[]).map(({ name }) => name);
  }

  async publish(name: string, count: number, options: PublishOptions = {}): Promise<void> {
    const { bytes = 0, keys = [], durability = "stored", producer } = options;
    if (producer !== undefined && !(await this.#isSettled(producer))) return;
    const values = Array.from({ length: count }, () => `${this.expected.values++}${"-".repeat(bytes)}`);
    const before = producer === undefined ? undefined : this.expected.producers.get(producer);
    if (producer !== undefined) {
      const sequence = before === undefined ? 0 : before.sequence + (before.outcome === "refused" ? 0 : 1);
      this.expected.producers.set(producer, { topic: name, sequence, values, outcome: "doubtful" });
    }
    const topic = topicOf(this.expected, name);
    topic.doubtful.push(...byPartition(values, keys, topic));
    // The topic comes with its first publish, and may stay though that one is refused.
    if (topic.configs.every((config) => config === undefined)) topic.configs = [undefined, {}];
    await this.#send(name, { values, keys, durability, producer });
  }

  /** Sends a producer's last publish again. @returns the reply */
  async repeat(id: string): Promise<AnyFrame> {
    const { topic, values } = this.expected.producers.get(id) as ExpectedProducer;
    return this.#send(topic, { values, keys: [], durability: "stored", producer: id });
  }

  /** A producer whose last publish may have been stored sends it again before it sends another. */
  async #isSettled(id: string): Promise<boolean> {
    if (this.expected.producers.get(id)?.outcome !== "doubtful") return true;
    return (await this.repeat(id)).op === "published";
  }

  async #send(name: string, sent: Sent): Promise<AnyFrame> {
    const { values, keys, durability, producer } = sent;
    this.expected.operations++;
    const mark = producer === undefined ? undefined : (this.expected.producers.get(producer) as ExpectedProducer);
    const reply = await this.#request({
      op: "publish",
      topic: name,
      durability,
      messages: values.map((data, at) => ({ data, ...(keys.length > 0 ? { key: keys[at % keys.length] } : {}) })),
      ...(mark === undefined ? {} : { producer: { id: producer, sequence: mark.sequence } }),
    });
    const topic = topicOf(this.expected, name);
    if (reply.op === "error") {
      if (reply.code !== "unavailable") this.wrong.push(`${reply.code}: ${reply.message}`);
      // A sync that failed comes after the record was written: it may be there.
      if ((reply.details as AnyFrame["details"] | undefined)?.["stored"] !== "no") return reply;
      for (const value of values) topic.refused.add(value);
    } else note(this.expected, name, sent, reply);
    if (mark !== undefined) mark.outcome = reply.op === "error" ? "refused" : reply.offsets;
    topic.doubtful = topic.doubtful.filter(([value = ""]) => !values.includes(value));
    return reply;
  }

  async #ask(method: string, path: string, body?: object): Promise<HttpAnswer> {
    this.expected.operations++;
    const asked = body === undefined ? ask(this.#hub, path, { method }) : askJson(this.#hub, method, path, body);
    const answer = await orGone(this.#hub, asked);
    if (answer.status >= 500 && answer.json["code"] !== "unavailable") this.wrong.push(answer.text);
    return answer;
  }

  #request(frame: object): Promise<AnyFrame> {
    return orGone(this.#hub, this.#socket.request(frame, PATIENCE_MS));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#socket[Symbol.asyncDispose]();
  }
}

/** Takes down where the values of an acknowledged publish stand. */
function note(expected: Expected, name: string, { values, keys }: Sent, reply: AnyFrame): void {
  const topic = topicOf(expected, name);
  topic.configs = topic.configs.filter((config) => config !== undefined);
  const groups = byPartition(values, keys, topic);
  for (const { partition, epoch, first } of reply.offsets) {
    // Without keys the hub chooses the partition.
    const here = groups.length === 1 ? groups[0] : groups.find(([value]) => partitionOf(value) === partition);
    here?.forEach((value, at) => {
      topic.records.set(`${partition}/${first + at}`, { epoch, value, timestamp: reply.timestamp });
    });
    topic.epochs.set(partition, epoch);
  }
  expected.acknowledged++;

  function partitionOf(value = ""): number {
    return choice(keys[values.indexOf(value) % keys.length] ?? "", topic);
  }
}

/** What goes to one partition together. */
function byPartition(values: readonly string[], keys: readonly string[], topic: ExpectedTopic): string[][] {
  if (keys.length === 0) return [[...values]];
  return [...groupBy(values, (value) => choice(keys[values.indexOf(value) % keys.length] as string, topic)).values()];
}

function choice(key: string, topic: ExpectedTopic): number {
  return fnv1a(key) % (topic.configs.find((config) => config !== undefined)?.partitions ?? 1);
}

/** The partition's choice by key, as docs/protocol.md says it. */
function fnv1a(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

async function orGone<Result>(hub: TestHub, asked: Promise<Result>): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    await until("the hub is gone", () => !hub.isRunning, DYING_MS).catch(() => undefined);
    throw hub.isRunning ? error : new GoneError("The hub is gone.", { cause: error });
  }
}
