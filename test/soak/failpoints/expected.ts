/** What one client, who asks one thing after another, knows of the hub's topics; where an answer never came, both is right. */
import type { OffsetRange, TopicConfig } from "@ringcast/protocol";

/** A record that was acknowledged. */
export interface ExpectedRecord {
  readonly epoch: string;
  readonly value: string;
  readonly timestamp: number;
}

export interface ExpectedTopic {
  /** How it may be configured; undefined: there may be no such topic. */
  configs: readonly (Partial<TopicConfig> | undefined)[];
  /** By `partition/offset`. */
  readonly records: Map<string, ExpectedRecord>;
  /** Values of publishes whose outcome is unknown: in each partition all of one are there, or none. */
  doubtful: (readonly string[])[];
  /** Values that were refused: nobody may ever read them. */
  readonly refused: Set<string>;
  /** Epochs by partition, once known. */
  readonly epochs: Map<number, string>;
  /** Tails by partition, as they were the last time that somebody looked. */
  readonly tails: Map<number, number>;
}

/** An idempotent producer, with its last publish and what became of it. */
export interface ExpectedProducer {
  readonly topic: string;
  readonly sequence: number;
  readonly values: readonly string[];
  /** Where it stands, once acknowledged; `doubtful` where the answer was lost or left it open. */
  outcome: readonly OffsetRange[] | "refused" | "doubtful";
}

export interface Expected {
  readonly topics: Map<string, ExpectedTopic>;
  readonly producers: Map<string, ExpectedProducer>;
  /** Values given so far, so that each is given once. */
  values: number;
  acknowledged: number;
  /** Records read. */
  delivered: number;
  operations: number;
}

export function nothingExpected(): Expected {
  return { topics: new Map(), producers: new Map(), values: 0, acknowledged: 0, delivered: 0, operations: 0 };
}

/** Of a topic that nobody has asked for so far, too. */
export function topicOf(expected: Expected, name: string): ExpectedTopic {
  const known = expected.topics.get(name);
  if (known !== undefined) return known;
  const topic: ExpectedTopic = {
    configs: [undefined],
    records: new Map(),
    doubtful: [],
    refused: new Set(),
    epochs: new Map(),
    tails: new Map(),
  };
  expected.topics.set(name, topic);
  return topic;
}

/** Notes that a topic is gone, with all it had. */
export function forget(topic: ExpectedTopic): void {
  topic.records.clear();
  topic.epochs.clear();
  topic.tails.clear();
  topic.doubtful = [];
}
