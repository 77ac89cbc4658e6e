/**
 * Which partition each message of a publish goes to.
 *
 * @see docs/protocol.md, "publish"
 */
import { RingcastError, partitionOf, shown, type NewMessage, type ProducerSequence } from "@ringcast/protocol";

/** The messages of one partition, in the order sent. */
export interface PartitionBatch {
  readonly partition: number;
  readonly messages: readonly NewMessage[];
}

/** What decides beside the messages. */
export interface Choice {
  readonly partitions: number;
  /** The partition that the request names. */
  readonly partition: number | undefined;
  readonly producer: ProducerSequence | undefined;
  /** Where the next message without key goes. */
  readonly nextPartition: number;
}

/**
 * Splits a publish by partition, ascending: the one named, else by key, and what has no key goes round robin, all of it to one partition.
 * @throws RingcastError `bad_request` for a partition that doesn't exist
 */
export function splitByPartition(messages: readonly NewMessage[], choice: Choice): readonly PartitionBatch[] {
  const { partitions, partition } = choice;
  if (partition !== undefined && (!Number.isInteger(partition) || partition < 0 || partition >= partitions)) {
    throw new RingcastError(
      "bad_request",
      `This topic has no partition ${shown(partition)}: use 0 to ${partitions - 1}, or none.`,
      { field: "partition" },
    );
  }
  if (partition !== undefined || partitions === 1) return [{ partition: partition ?? 0, messages }];
  const keyless = keylessPartition(choice);
  const batches = new Map<number, NewMessage[]>();
  for (const message of messages) {
    const chosen = message.key === undefined ? keyless : partitionOf(message.key, partitions);
    const batch = batches.get(chosen);
    if (batch === undefined) batches.set(chosen, [message]);
    else batch.push(message);
  }
  return [...batches].sort(([a], [b]) => a - b).map(([at, batch]) => ({ partition: at, messages: batch }));
}

/** A repeated request has to come to the same partition, also after a restart: with a producer its own counter goes round. */
function keylessPartition({ partitions, producer, nextPartition }: Choice): number {
  return (producer?.sequence ?? nextPartition) % partitions;
}
