import type { BlockCache } from "./block-cache.js";
import type { LineageEntry, ProducerMark } from "./port.js";
import type { Region } from "./region/index.js";
import type { PartitionLog } from "./ring-log.js";

/** Bytes of the ring that get storage at first; doubled whenever they are full. */
export const FIRST_ALLOCATION_BYTES = 4_096;

/** Where a log stands: all that is known of it without looking at its bytes. */
export interface LogState {
  readonly lineage: readonly LineageEntry[];
  readonly head: number;
  readonly tail: number;
  readonly headAddress: number;
  readonly tailAddress: number;
  readonly lastTimestamp: number;
}

/** What a log needs of whoever keeps it. */
export interface LogKeeper {
  /** Where readers far behind get their bytes from; undefined where all are in the process's own memory. */
  readonly blocks: BlockCache | undefined;
  /**
   * Brings a log's memory, with `state` and `index` set from it. Called at the first use and after {@link PartitionLog.release}.
   * @throws RingcastError `unavailable`
   */
  open(log: PartitionLog): Region;
  /** Opens a log of which only its file tells where it stands; may throw `unavailable`. */
  ensureKnown(log: PartitionLog): void;
  /** Called before the first append since the log was opened or synced; may throw like `append`. */
  beforeAppend(log: PartitionLog): void;
  /** Called before the tail passes records of which somebody still needs something; may throw like `append`. */
  beforeTrim(log: PartitionLog, tailAddress: number): void;
  /** Called before the log takes more storage; may throw like `append`. */
  beforeGrow(bytes: number): void;
  /** Called when the log has got more storage. */
  afterGrow(log: PartitionLog): void;
  /** Called after a batch that a producer marked. */
  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void;
  /** Whether there is storage that may hold records, be it that nobody could open it yet. */
  readonly hasFile: boolean;
  /** Has an empty log's history begin elsewhere; survives `kill -9` on return. May throw `unavailable`. */
  begin(log: PartitionLog, state: LogState): void;
  /** Called before an epoch is added to the lineage; may throw like `append`. */
  beforeEpoch(): void;
  /** Called when an epoch was added to the lineage, before its first record; may throw like `append`. */
  lineageExtended(log: PartitionLog): void;
  synced(log: PartitionLog): Promise<void>;
  /** Brings the ring to another capacity in the background. */
  resize(log: PartitionLog, capacityBytes: number): void;
  /** Storage refused, or is well again (undefined). */
  health(log: PartitionLog, failure: Error | undefined): void;
}

/** Where a record stands. */
export interface LogPlace {
  readonly offset: number;
  readonly address: number;
  readonly timestamp: number;
}
