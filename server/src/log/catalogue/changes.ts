/** What is written down about topics, one change at a time: in this form in the journal, as rows in lmdb. */
import type { TopicConfig } from "@ringcast/protocol";
import type { LineageEntry } from "../port.js";

/** A partition as of its clean close; head and tail are out of date while its log is marked open. */
export interface CataloguedPartition {
  readonly lineage: readonly LineageEntry[];
  readonly head: number;
  readonly tail: number;
  readonly headAddress: number;
  readonly tailAddress: number;
  readonly lastTimestamp: number;
  /** Bytes that its file takes; 0: it has none. */
  readonly bytes: number;
}

export interface CataloguedTopic {
  readonly config: TopicConfig;
  readonly partitions: readonly CataloguedPartition[];
  /** When its oldest record expires, milliseconds since 1970. Absent: none does, or a log is open and tells when it is opened. */
  readonly expiresMs?: number;
  /** Which run of the hub wrote this. Absent: runs had no numbers yet. */
  readonly run?: number;
}

/** A deleted topic: what the name goes on with. */
export interface Deletion {
  readonly epochs: readonly string[];
  readonly deletedMs: number;
  /** Which run of the hub wrote this. Absent: runs had no numbers yet. */
  readonly run?: number;
}

/** State of one producer, undefined where it is forgotten. */
export interface ProducerChange {
  readonly id: string;
  readonly state: string | undefined;
}

export type Change =
  | { readonly do: "put"; readonly name: string; readonly topic: CataloguedTopic }
  /** Like `put`, for a topic whose logs are closed cleanly. */
  | { readonly do: "close"; readonly name: string; readonly topic: CataloguedTopic }
  /** Like `put`; one of its logs has no record and no file any more. */
  | { readonly do: "empty"; readonly name: string; readonly topic: CataloguedTopic; readonly partition: number }
  | { readonly do: "open"; readonly name: string; readonly partition: number }
  | { readonly do: "delete"; readonly name: string; readonly partitions: number; readonly deletion: Deletion }
  /** The files of a deleted topic are gone. */
  | { readonly do: "forget"; readonly name: string }
  | { readonly do: "producers"; readonly name: string; readonly producers: readonly ProducerChange[] };

/** A partition that nobody has written to, in its first epoch. */
export function unwrittenPartition(epoch: string): CataloguedPartition {
  const lineage = [{ epoch, first: 0 }];
  return { lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: 0, bytes: 0 };
}

/** Bytes that the files of a topic take. */
export function bytesOf(topic: CataloguedTopic): number {
  return topic.partitions.reduce((sum, partition) => sum + partition.bytes, 0);
}
