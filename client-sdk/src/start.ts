/** Where reading begins: what users say, as the wire understands it. */
import type { PartitionPositions, Start, TopicStart } from "@ringcast/protocol";
import type { MessagePosition } from "./message.js";

/** A start in one topic; the position of a message becomes that of its partition. */
export function toTopicStart(from: Start | MessagePosition): Start {
  return isMessagePosition(from) ? { positions: positionsAt(from) } : from;
}

/** A start of a pattern; the position of a message resumes its topic, others begin at `latest`. */
export function toPatternStart(from: Start | MessagePosition): Start {
  return isMessagePosition(from) ? { topics: { [from.topic]: positionsAt(from) }, others: "latest" } : from;
}

/**
 * Where topics begin on a resume that the hub has told nothing of. Where it has listed all, such a topic was created since then, and is
 * wanted whole. Otherwise nothing of it has come yet: it begins where it began.
 *
 * @param start   of the subscription
 * @param more    the hub has not listed all topics
 * @param askedMs the hub's clock when it was asked, or a little earlier
 */
export function othersAfter(start: Start, more: boolean, askedMs: number): TopicStart {
  if (!more) return "earliest";
  const others = typeof start === "object" && "topics" in start ? (start.others ?? "latest") : start;
  if (others === "latest") return { time: askedMs };
  return typeof others === "object" && "time" in others ? others : "earliest";
}

function isMessagePosition(from: Start | MessagePosition): from is MessagePosition {
  return typeof from === "object" && "epoch" in from;
}

function positionsAt({ partition, epoch, offset }: MessagePosition): PartitionPositions {
  return { [partition]: { epoch, offset } };
}
