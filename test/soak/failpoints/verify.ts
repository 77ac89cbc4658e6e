/** Compares what a hub has with what one client was told. */
import type { TopicConfig } from "@ringcast/protocol";
import { ask } from "../../support/http-request.js";
import type { TestHub } from "../../support/hub.js";
import type { Counted } from "../rows.js";
import { Client } from "./client.js";
import { forget, type Expected, type ExpectedTopic } from "./expected.js";

/** Something that is wrong, under the heading of the table it belongs to. */
export interface Finding {
  readonly heading: keyof Counted;
  readonly what: string;
}

interface Stored {
  readonly partition: number;
  readonly epoch: string;
  readonly tail: number;
  readonly head: number;
  readonly records: readonly { readonly offset: number; readonly timestamp: number; readonly value: string }[];
}

/** Of a record, rather more than it is. */
const OVERHEAD_BYTES = 256;
const SMALLEST_CAPACITY_BYTES = 65_536;
/** Large records that such a ring holds in any case. */
const STILL_HELD = 3;

type Found = (heading: keyof Counted, what: string) => void;

/**
 * Looks at everything, and settles what was in doubt: from then on it is as the hub has it.
 *
 * @returns what is wrong
 */
export async function verify(hub: TestHub, expected: Expected): Promise<Finding[]> {
  const findings: Finding[] = [];
  const found: Found = (heading, what) => findings.push({ heading, what });
  await using client = await Client.connect(hub, expected);
  for (const [name, topic] of expected.topics) {
    const config = await describe(hub, name);
    if (!isOneOf(topic.configs, config))
      found("wrongAnswers", `${name} is ${JSON.stringify(config)} and should be ${JSON.stringify(topic.configs)}`);
    topic.configs = [config && pick(config, topic.configs)];
    if (config === undefined) {
      forget(topic);
      continue;
    }
    const all = await readAll(hub, name, config);
    expected.delivered += all.reduce((sum, { records }) => sum + records.length, 0);
    for (const stored of all) compare(`${name}/${stored.partition}`, topic, stored, found);
    for (const twice of repeated(all)) found("duplicated", `${name} has ${shown(twice)} twice`);
    // What was in doubt is there by now, or will never be.
    topic.doubtful = [];
  }
  const there = [...expected.topics].filter(([, { configs }]) => configs[0] !== undefined).map(([name]) => name);
  const listed = await client.list();
  if (String(listed) !== String(there.toSorted()))
    found("wrongAnswers", `topics ${String(listed)}, not ${String(there)}`);
  await producers(client, found);
  for (const wrong of client.wrong) found("wrongAnswers", wrong);
  return findings;
}

function repeated(all: readonly Stored[]): string[] {
  const values = all.flatMap(({ records }) => records.map(({ value }) => value));
  return values.filter((value, at) => values.indexOf(value) !== at);
}

/** Each producer goes on where it stood: what it sends again is not stored again. */
async function producers(client: Client, found: Found): Promise<void> {
  for (const [id, producer] of client.expected.producers) {
    const { outcome, sequence, topic } = producer;
    if (client.expected.topics.get(topic)?.configs[0] === undefined) continue;
    const what = `sequence ${sequence} of ${id}`;
    if (outcome !== "refused") {
      const reply = await client.repeat(id);
      if (reply.op !== "published") found("wrongAnswers", `${what} again: ${reply.code}: ${reply.message}`);
      else if (outcome !== "doubtful" && JSON.stringify(reply.offsets) !== JSON.stringify(outcome))
        found("duplicated", `${what} is at ${JSON.stringify(reply.offsets)} and was at ${JSON.stringify(outcome)}`);
    }
    await client.publish(topic, 1, { producer: id });
    if (producer === client.expected.producers.get(id)) found("wrongAnswers", `${id} can't go on behind ${sequence}`);
  }
}

function compare(where: string, topic: ExpectedTopic, stored: Stored, found: Found): void {
  const { epoch, tail, head, partition, records } = stored;
  const known = topic.epochs.get(partition);
  if (known !== undefined && known !== epoch) found("needlessEpochs", `${where}: epoch ${known} became ${epoch}`);
  topic.epochs.set(partition, epoch);
  records.forEach(({ offset }, at) => {
    if (offset !== tail + at) found("unannounced", `${where}: ${offset} stands where ${tail + at} should`);
  });
  if (records.length !== head - tail) found("lost", `${where}: ${records.length} records from ${tail} to ${head}`);
  kept(where, topic, stored, found);
  for (const record of records)
    if (!isAcknowledged(topic, stored, record)) allowed(where, topic, stored, record, found);
  take(topic, stored);
}

/** What was acknowledged and hasn't left by retention is there. */
function kept(where: string, topic: ExpectedTopic, { partition, tail, head, records }: Stored, found: Found): void {
  const at = new Map(records.map((record) => [record.offset, record]));
  for (const [key, { value, timestamp }] of topic.records) {
    const [of, offset] = key.split("/").map(Number) as [number, number];
    if (of !== partition || offset < tail) continue;
    const record = at.get(offset);
    if (record === undefined)
      found("lost", `${where}: ${shown(value)} was acknowledged at ${offset}, the head is ${head}`);
    else if (record.value !== value || record.timestamp !== timestamp)
      found("divergent", `${where}: ${offset} is ${shown(record.value)} and was ${shown(value)}, or its time differs`);
  }
  if (tail > highestTail(topic, partition, head))
    found("lost", `${where}: the tail is at ${tail}, the head at ${head}`);
}

/**
 * What may have left, at most: by count, or where the smallest ring may have gone round once, be it for a record that nobody was told of; or what had left before.
 */
function highestTail({ records, configs, doubtful, tails }: ExpectedTopic, partition: number, head: number): number {
  const retentionRecords = configs[0]?.retentionRecords ?? 0;
  if (retentionRecords > 0) return Math.max(0, head - retentionRecords);
  const here = [...records].filter(([key]) => key.startsWith(`${partition}/`));
  const values = [...here.map(([, { value }]) => value), ...doubtful.flat()];
  const bytes = values.reduce((sum, value) => sum + value.length + OVERHEAD_BYTES, 0);
  return bytes < SMALLEST_CAPACITY_BYTES ? (tails.get(partition) ?? 0) : Math.max(0, head - STILL_HELD);
}

function isAcknowledged(topic: ExpectedTopic, { partition }: Stored, { offset }: { readonly offset: number }): boolean {
  return topic.records.has(`${partition}/${offset}`);
}

/** What nobody was told of may be there where an answer was lost; then with all that came with it. */
function allowed(
  where: string,
  topic: ExpectedTopic,
  { records }: Stored,
  { offset, value }: Stored["records"][number],
  found: Found,
): void {
  const doubt = topic.doubtful.find((values) => values.includes(value));
  const is = `${where}: ${shown(value)} at ${offset}`;
  if (topic.refused.has(value)) found("divergent", `${is} was refused`);
  else if (doubt === undefined) found("divergent", `${is} was never published there`);
  else if (!records.some((record) => record.value === doubt[0])) found("lost", `${is} stands there without its batch`);
  else if (!records.some((record) => record.value === doubt.at(-1)))
    found("lost", `${is} stands in a part of its batch`);
}

/** From now on as it is. */
function take(topic: ExpectedTopic, { partition, epoch, tail, records }: Stored): void {
  topic.tails.set(partition, tail);
  for (const { offset, value, timestamp } of records)
    topic.records.set(`${partition}/${offset}`, { epoch, value, timestamp });
}

async function describe(hub: TestHub, name: string): Promise<TopicConfig | undefined> {
  const answer = await ask(hub, `/v1/topics/${name}`);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(answer.text);
  return (answer.json as unknown as { readonly config: TopicConfig }).config;
}

async function readAll(hub: TestHub, name: string, { partitions }: TopicConfig): Promise<Stored[]> {
  const all: Stored[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const answer = await ask(hub, `/v1/topics/${name}/messages?partition=${partition}&limit=1000`);
    if (answer.status !== 200) throw new Error(answer.text);
    const { epoch, tail, head, messages } = answer.json as unknown as {
      readonly epoch: string;
      readonly tail: number;
      readonly head: number;
      readonly messages: readonly { readonly offset: number; readonly timestamp: number; readonly data: string }[];
    };
    const records = messages.map(({ offset, timestamp, data }) => ({ offset, timestamp, value: data }));
    all.push({ partition, epoch, tail, head, records });
  }
  return all;
}

function isOneOf(configs: ExpectedTopic["configs"], actual: TopicConfig | undefined): boolean {
  return configs.some((config) =>
    config === undefined || actual === undefined ? config === actual : fits(config, actual),
  );
}

function fits(config: Partial<TopicConfig>, actual: TopicConfig): boolean {
  return Object.entries(config).every(([field, value]) => actual[field as keyof TopicConfig] === value);
}

/** The fields that anybody has ever asked for. */
function pick(actual: TopicConfig, configs: ExpectedTopic["configs"]): Partial<TopicConfig> {
  const fields = new Set(configs.flatMap((config) => Object.keys(config ?? {})));
  return Object.fromEntries(Object.entries(actual).filter(([field]) => fields.has(field)));
}

function shown(value: string): string {
  return value.length > 20 ? `${value.slice(0, 20)}…` : value;
}
