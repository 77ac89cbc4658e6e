/** What is done to a store in one run: chosen once from the seed, so that every run of it does the same up to its crash. */
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from "@ringcast/protocol";
import type { Random } from "../../support/random.js";

export type Step =
  | { readonly do: "create"; readonly topic: string; readonly config: TopicConfig }
  | { readonly do: "configure"; readonly topic: string; readonly change: Partial<TopicConfig> }
  | { readonly do: "delete"; readonly topic: string }
  | {
      readonly do: "append";
      readonly topic: string;
      readonly partition: number;
      readonly sizes: readonly number[];
      /** Marked by this producer. */
      readonly producer: string | undefined;
    }
  | { readonly do: "sync"; readonly topic: string; readonly partition: number; readonly isAwaited: boolean }
  | { readonly do: "begin epoch"; readonly topic: string; readonly partition: number; readonly epochs: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "write back" }
  | { readonly do: "fail syncs"; readonly count: number }
  | { readonly do: "full disk"; readonly isFull: boolean }
  | { readonly do: "reopen" };

const TOPICS = ["a", "b/c"];
const CAPACITIES = [65_536, 98_304, 131_072];
/** Three of them are within a quarter of the smallest capacity. */
const LARGEST_RECORD = 5_000;

/** What a program is made of. */
export interface ProgramOptions {
  readonly length: number;
  /** Syncs fail and the disk is full from time to time. */
  readonly hasFaults: boolean;
}

/** A program of so many steps. Steps that make no sense when their turn comes, such as an append to a topic that was deleted, do nothing. */
export function programOf(random: Random, { length, hasFaults }: ProgramOptions): Step[] {
  const first: Step = { do: "create", topic: "a", config: configOf(random) };
  return [first, ...Array.from({ length }, () => (hasFaults && random.oneIn(6) ? faultOf(random) : stepOf(random)))];
}

function faultOf(random: Random): Step {
  if (random.oneIn(2)) return { do: "fail syncs", count: 1 + random.below(2) };
  return { do: "full disk", isFull: random.oneIn(3) };
}

function stepOf(random: Random): Step {
  const topic = random.pick(TOPICS);
  const partition = random.below(2);
  const chance = random.below(100);
  if (chance < 45) {
    const sizes = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(LARGEST_RECORD));
    return { do: "append", topic, partition, sizes, producer: random.oneIn(2) ? `p${random.below(2)}` : undefined };
  }
  if (chance < 60) return { do: "sync", topic, partition, isAwaited: random.oneIn(2) };
  if (chance < 72) return { do: "wait", ms: random.pick([1, 5, 300, 1_500]) };
  if (chance < 80) return { do: "create", topic, config: configOf(random) };
  if (chance < 85) return { do: "configure", topic, change: changeOf(random) };
  if (chance < 89) return { do: "delete", topic };
  if (chance < 93) return { do: "begin epoch", topic, partition, epochs: 1 + random.below(2) };
  if (chance < 96) return { do: "write back" };
  return { do: "reopen" };
}

function configOf(random: Random): TopicConfig {
  const retentionRecords = random.oneIn(4) ? 5 : 0;
  const retentionMs = random.oneIn(4) ? 1_000 : 0;
  const partitions = 1 + random.below(2);
  return { ...DEFAULT_TOPIC_CONFIG, capacityBytes: random.pick(CAPACITIES), partitions, retentionRecords, retentionMs };
}

function changeOf(random: Random): Partial<TopicConfig> {
  if (random.oneIn(2)) return { capacityBytes: random.pick(CAPACITIES) };
  return random.oneIn(2) ? { retentionRecords: random.pick([0, 3]) } : { retentionMs: random.pick([0, 500]) };
}
