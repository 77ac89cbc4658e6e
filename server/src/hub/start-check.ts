/**
 * Whether a start fits what is subscribed to: a topic with its partitions, or a pattern.
 */
import {
  RingcastError,
  isOffset,
  shown,
  type PartitionPositions,
  type Start,
  type TopicStart,
} from "@ringcast/protocol";

/** What is subscribed to, there already or yet to be made. */
export interface StartTarget {
  readonly name: string;
  readonly partitions: number;
}

/**
 * @param topic undefined for a pattern
 * @throws RingcastError `bad_request` where the start makes no sense here
 */
export function checkStart(from: Start, topic: StartTarget | undefined): void {
  if (typeof from === "string") return;
  if ("topics" in from) {
    if (topic !== undefined)
      throw misplaced("from.topics is for patterns: give this topic's positions as from.positions.");
    if (from.others !== undefined) checkStart(from.others, undefined);
  } else if ("positions" in from) {
    if (topic === undefined)
      throw misplaced("from.positions is for one topic: give a pattern's positions as from.topics.");
    checkPartitions(from.positions, topic);
  } else if ("offset" in from && (topic === undefined || topic.partitions > 1)) {
    throw misplaced("from.offset is for a topic with one partition: give from.positions or from.topics.");
  }
}

/** The start that holds for one topic. What a pattern's resume doesn't name begins at `others`. */
export function startOf(from: Start, topic: string): TopicStart {
  if (typeof from === "string" || !("topics" in from)) return from;
  const positions = Object.hasOwn(from.topics, topic) ? from.topics[topic] : undefined;
  return positions === undefined ? (from.others ?? "latest") : { positions };
}

/** Positions in topics that a pattern's resume names and that don't exist; undefined: none. */
export function absentIn(
  from: Start,
  isThere: (topic: string) => boolean,
): Map<string, PartitionPositions> | undefined {
  if (typeof from === "string" || !("topics" in from)) return undefined;
  const absent = Object.entries(from.topics).filter(([topic]) => !isThere(topic));
  return absent.length === 0 ? undefined : new Map(absent);
}

function checkPartitions(positions: PartitionPositions, { name, partitions }: StartTarget): void {
  for (const partition of Object.keys(positions)) {
    const number = Number(partition);
    if (isOffset(number) && number < partitions && String(number) === partition) continue;
    throw misplaced(`Topic ${shown(name)} has no partition ${shown(partition)}: use 0 to ${partitions - 1}.`);
  }
}

function misplaced(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "from" });
}
