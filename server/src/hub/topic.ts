/**
 * A topic as the hub sees it: its logs, and for each of them the cursors that read it. It outlives the stored topic while it has readers,
 * since subscriptions stay on the name of a deleted topic.
 */
import type { RingLog, StoredTopic } from "../log/index.js";
import type { Cursor } from "./cursor.js";
import type { Segment } from "./segment.js";

/** One partition with its readers. */
export interface Feed {
  readonly topic: Topic;
  readonly partition: number;
  /** Undefined while the topic is deleted. */
  log: RingLog | undefined;
  /** The epoch that the partition will have when a deleted topic is made anew. */
  nextEpoch: string;
  /** In no order; a cursor knows its slot. */
  readonly cursors: Cursor[];
  /** Has records that this turn's flush has not looked at. */
  dirty: boolean;
  /** What was built in this flush, the newest one; the others hang on it. */
  segment: Segment | undefined;
}

export class Topic {
  readonly name: string;
  /** The subscription number of a connection's first subscription to this topic: the same on all connections, so that frames can be shared. */
  readonly number: number;
  stored: StoredTopic | undefined;
  feeds: Feed[] = [];
  /** Asked for since the clock of unused topics came by the last time. */
  isUsed = true;
  /** Partition of the next record without key. */
  nextPartition = 0;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
  }

  get hasReaders(): boolean {
    return this.feeds.some((feed) => feed.cursors.length > 0);
  }

  /** Takes the logs of a stored topic. Partitions that a former topic of this name had beyond them are returned: they have no log any more. */
  attach(stored: StoredTopic): readonly Feed[] {
    this.stored = stored;
    stored.partitions.forEach((log, partition) => {
      const feed = this.feeds[partition];
      if (feed === undefined) this.feeds.push(newFeed(this, partition, log));
      else feed.log = log;
    });
    return this.feeds.splice(stored.partitions.length);
  }

  /** Lets go of the logs of a topic that was deleted. */
  detach(nextEpochs: readonly string[]): void {
    this.stored = undefined;
    for (const feed of this.feeds) {
      feed.log = undefined;
      feed.nextEpoch = nextEpochs[feed.partition] as string;
      feed.segment = undefined;
    }
  }
}

function newFeed(topic: Topic, partition: number, log: RingLog): Feed {
  return { topic, partition, log, nextEpoch: "", cursors: [], dirty: false, segment: undefined };
}
