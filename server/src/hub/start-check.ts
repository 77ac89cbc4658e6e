/**
 * Whether a start fits what is subscribed to: a topic with its partitions, or a pattern.
 */
import { RingcastError, shown, type PartitionPositions, type Start, type TopicStart } from "@ringcast/protocol";
import type { Topic } from "./topic.js";

/**
 * @param topic undefined for a pattern
 * @throws RingcastError `bad_request` where the start makes no sense here
 */
export function checkStart(from: Start, topic: Topic | undefined): void {
  if (typeof from === "string") return;
  if ("topics" in from) {
    if (topic !== undefined)
      throw misplaced("from.topics is for patterns: give this topic's positions as from.positions.");
    if (from.others !== undefined) checkStart(from.others, undefined);
  } else if ("positions" in from) {
    if (topic === undefined)
      throw misplaced("from.positions is for one topic: give a pattern's positions as from.topics.");
    checkPartitions(from.positions, topic);
  } else if ("offset" in from && (topic === undefined || topic.feeds.length > 1)) {
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

function checkPartitions(positions: PartitionPositions, topic: Topic): void {
  for (const partition of Object.keys(positions)) {
    const isKnown = topic.feeds[Number(partition)] !== undefined && String(Number(partition)) === partition;
    if (isKnown) continue;
    throw misplaced(
      `Topic ${shown(topic.name)} has no partition ${shown(partition)}: use 0 to ${topic.feeds.length - 1}.`,
    );
  }
}

function misplaced(message: string): RingcastError {
  return new RingcastError("bad_request", message, { field: "from" });
}
