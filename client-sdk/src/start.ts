/** Where reading begins: what users say, as the wire understands it. */
import type { PartitionPositions, Start, TopicStart } from "@ringcast/protocol";
import type { MessagePosition } from "./message.js";

/** The fields that a start may have, where it is an object; of a word, all are undefined. */
export interface StartFields extends Partial<MessagePosition> {
  readonly positions?: PartitionPositions;
  readonly topics?: Readonly<Record<string, PartitionPositions>>;
  readonly others?: TopicStart;
  readonly last?: number;
}

/** The position of a message resumes its partition; on a pattern its topic, and others begin at `latest`. */
export function toStart(from: Start | MessagePosition, isPattern?: boolean): Start {
  const { topic, partition, epoch, offset } = from as MessagePosition;
  // A word or another start has none.
  if (!epoch) return from;
  const positions = { [partition]: { epoch, offset } };
  return isPattern ? { topics: { [topic]: positions }, others: "latest" } : { positions };
}

/**
 * Where topics begin on a resume that the hub has told nothing of. Where it has listed all, such a topic was created
 * since then, and is wanted whole. Otherwise nothing of it has come yet: it begins where it began.
 *
 * @param start   of the subscription
 * @param more    set where the hub has not listed all topics
 * @param askedMs the hub's clock when it was asked, or a little earlier
 */
export function othersAfter(start: Start, more: boolean | undefined, askedMs: number): TopicStart {
  const { topics, others = topics ? "latest" : (start as TopicStart) } = start as StartFields;
  if (!more || (others as StartFields).last !== undefined) return "earliest";
  return others === "latest" ? { time: askedMs } : others;
}
