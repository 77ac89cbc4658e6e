/**
 * What the rest of the hub sees of the log: a store of topics, and one ring log per partition.
 * A log knows nothing of sockets, sessions or subscriptions.
 */
import type { NewMessage, OffsetRange, ProducerSequence, RecordRun, TopicConfig } from "@ringcast/protocol";

/** One stretch of a partition's history: `epoch` holds from offset `first` to the `first` of the next entry. */
export interface LineageEntry {
  readonly epoch: string;
  readonly first: number;
}

/** Where a record was or will be put. The sequencer decides it; the local one takes it from the log itself. */
export interface Assignment {
  readonly epoch: string;
  readonly firstOffset: number;
  /** Milliseconds since 1970, never less than the log's `lastTimestamp`. */
  readonly timestamp: number;
}

/** Marks the first record of an idempotent publish in each partition. */
export interface ProducerMark extends ProducerSequence {
  /** Digest of the whole request, to tell a repeat from other bytes under the same sequence. */
  readonly digest: number;
}

/**
 * A reader's place in one log. Kept by the caller, moved by {@link RingLog.read}; `address` saves the look-up and is -1 when unknown.
 */
export interface LogCursor {
  offset: number;
  address: number;
  /** Whoever can't wait for a block sets this: then {@link RingLog.read} is `pending` only while the file can't be opened, and may wait for the device on the loop. */
  readonly mapped?: true;
}

/**
 * Why a read stopped. `records`: there are some. `end`: the cursor stands at the head. `below-tail`: it stands below the tail, which is in
 * `nextOffset`. `corrupt`: records `offset` to `nextOffset - 1` are damaged. `pending`: the block is being read, or the file can't be at the moment;
 * the store's `onReadable` tells when to ask again.
 */
export type ReadStatus = "records" | "end" | "below-tail" | "corrupt" | "pending";

/** Result of a read; the caller makes one and hands it in again and again, so that reading allocates nothing. */
export interface ReadResult {
  status: ReadStatus;
  /** The memory that holds the records: the log's own, no copy. Valid until the end of the turn. */
  bytes: Uint8Array;
  /** DataView over the same memory, at the same origin. */
  view: DataView;
  /** First byte of the first record, in `bytes`. */
  start: number;
  /** One past the last byte of the last record, in `bytes`. A read never crosses the wrap, so that there is one slice. */
  end: number;
  /** Log address of `start`. */
  address: number;
  firstOffset: number;
  /** The offset to go on with. */
  nextOffset: number;
  /** The address to go on with. */
  nextAddress: number;
  /** Epoch of these records; a read never crosses from one epoch into the next. */
  epoch: string;
}

/** What is appended at once: messages, or the records that they came as. */
export type Batch = readonly NewMessage[] | RecordRun;

/** One partition's log. All calls are synchronous except where they wait for the storage device. */
export interface RingLog {
  readonly topic: string;
  readonly partition: number;
  /** Epoch of the records appended now: the last of {@link lineage}. */
  readonly epoch: string;
  /** Oldest first, at most 64. */
  readonly lineage: readonly LineageEntry[];
  /** Next offset to be given. */
  readonly head: number;
  /** Lowest offset still stored. */
  readonly tail: number;
  /** One past the newest byte. */
  readonly headAddress: number;
  readonly tailAddress: number;
  /** Timestamp of the newest record ever appended, 0 before the first. */
  readonly lastTimestamp: number;
  readonly capacityBytes: number;
  /**
   * Set when the storage failed (a failed sync, a full disk): appends are refused until it is healthy again. Reads go on.
   */
  readonly failure: Error | undefined;

  /**
   * Opens a log that could not be opened when the store was: until then nobody knows where it stands. Whoever is going to tell that asks for it first.
   * @throws RingcastError `unavailable` while that fails
   */
  ensureKnown(): void;
  /**
   * Brings the log into memory for an append. Where it stands, and its epoch, may be others afterwards: whoever assigns places asks for it first.
   * @throws RingcastError `unavailable`
   */
  open(): void;
  /**
   * Appends a whole batch or nothing.
   *
   * @throws RingcastError `too_large` over a quarter of the capacity, `unavailable` when the disk is full or the log is latched; nothing was changed then
   */
  append(batch: Batch, assignment: Assignment, producer?: ProducerMark): void;
  /**
   * Has the history begin elsewhere than at 0, for a log that is restored. Where nothing was ever appended: at `first`, with this lineage. Where records stand
   * up to `first`: nothing but epochs that begin there are added. An append in an epoch that the lineage doesn't know begins it, too. Survives `kill -9`.
   *
   * @throws RingcastError `conflict` with `details.head` where the log stands elsewhere, `unavailable` like `append`
   */
  beginAt(first: number, lineage: readonly LineageEntry[]): void;
  /**
   * Reads whole records from the cursor on, at most up to the next multiple of `edgeBytes` of address (so that readers at different
   * places come to share blocks), at least one record, never beyond the wrap, an epoch's end or `limitOffset`. Moves no cursor: the caller takes
   * `nextOffset` and `nextAddress` when it has used the records. A hub check that fails at a record's header ends the read before it; standing on it gives `corrupt`.
   */
  read(cursor: LogCursor, edgeBytes: number, limitOffset: number, result: ReadResult): ReadStatus;
  /**
   * Whether the payload check holds of the record at `place` of `result.bytes`, whose head the read has judged. Who translates a record asks this first, in the same turn.
   */
  isIntact(result: ReadResult, place: number): boolean;
  /** Time of the record at a cursor, milliseconds since 1970; that of the newest record where it stands at the head. Touches one page. */
  timestampAt(cursor: LogCursor): number;
  /** Address of a record still stored; O(log n) and a short scan. */
  addressOf(offset: number): number;
  /** First offset whose timestamp is `timeMs` or later; the head where there is none. */
  offsetAtTime(timeMs: number): number;
  /**
   * Waits until everything below the present head is on the storage device (group commit: one sync serves all who wait).
   * @throws RingcastError `unavailable` when the sync failed; the log is latched then
   */
  synced(): Promise<void>;
}

/** What the store remembers about one publish of a producer: enough to repeat its reply. */
export interface ProducerReply {
  readonly offsets: readonly OffsetRange[];
  readonly timestamp: number;
  readonly digest: number;
}

/**
 * Outcome of asking for a producer's sequence on a topic. `new`: append it. `partial`: some partitions have it (a crash came between), append the others.
 * `duplicate`: answer with `reply`; it is undefined when too old to be known word for word.
 */
export type ProducerVerdict =
  | { readonly kind: "new" }
  | { readonly kind: "partial"; readonly reply: ProducerReply }
  | { readonly kind: "duplicate"; readonly reply: ProducerReply | undefined }
  | { readonly kind: "skipped"; readonly expected: number }
  | { readonly kind: "conflict" }
  | { readonly kind: "too_many"; readonly limit: number };

/** A topic in the store, with its configuration and logs. */
export interface StoredTopic {
  readonly name: string;
  readonly config: TopicConfig;
  readonly partitions: readonly RingLog[];
  /**
   * Judges a producer's sequence before anything is appended.
   *
   * @param partitions the partitions that the request will append to, ascending
   */
  judge(producer: ProducerMark, partitions: readonly number[]): ProducerVerdict;
}

/** A topic in a list. */
export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
}

export interface LogStore {
  topic(name: string): StoredTopic | undefined;
  /** Names of all topics, in the order of their bytes, behind `after`. */
  topicNames(after?: string): Iterable<string>;
  /** Like {@link topicNames}, with what a list tells of each; brings no topic into memory. */
  topicRows(after?: string): Iterable<TopicRow>;
  readonly topicCount: number;
  /** Survives `kill -9` from the return on. A name that was deleted before goes on with the epoch fixed then. */
  createTopic(name: string, config: TopicConfig): StoredTopic;
  /** @throws RingcastError `conflict` when `partitions` or `storage` would change. */
  configureTopic(name: string, config: TopicConfig): void;
  /**
   * Removes a topic and its files. Survives `kill -9` from the return on.
   * @returns the epoch that the name will have in each partition when it is made again
   */
  deleteTopic(name: string): readonly string[];
  /** Epochs that a deleted name will have; undefined for a name never deleted. */
  epochsAfterDeletion(name: string): readonly string[] | undefined;
  /** Bytes on disk (or heap) of all logs, for the metrics. */
  readonly totalBytes: number;
  readonly mappedBytes: number;
  /** Limit of {@link totalBytes}; 0: none. What would grow beyond it is refused with `unavailable`. */
  maxDataBytes: number;
  /** Page faults that reading and appending caused in this process so far, and blocks read asynchronously. */
  readonly counters: LogCounters;
  /**
   * Set once by whoever uses topics: asked before one that was not asked for in a while is let go. True promises that nobody keeps the
   * {@link StoredTopic} or one of its logs; who needs it again asks {@link topic} for it.
   */
  mayUnload: ((topic: string) => boolean) | undefined;
  /** Set once by whoever reads: told when a log whose read was `pending` may be asked again. */
  onReadable: ((log: RingLog) => void) | undefined;
  /** Syncs and closes every log, marks them cleanly closed, frees the directory's lock. */
  close(): Promise<void>;
}

/** Totals since the start. */
export interface LogCounters {
  readonly minorPageFaults: number;
  readonly majorPageFaults: number;
  /** Blocks of readers far behind, read off the loop. */
  readonly blockReads: number;
  readonly blockReadBytes: number;
  /** Records that retention by age or count has let go. */
  readonly expiredRecords: number;
  /** Logs that were unmapped to make room. */
  readonly unmappedLogs: number;
}

/** Something an operator should know, for the log and the metrics. */
export type LogEvent =
  | {
      readonly type: "recovered";
      readonly topic: string;
      readonly partition: number;
      readonly records: number;
      readonly tookMs: number;
      readonly cutRecords: number;
      readonly newEpoch: string | undefined;
    }
  | {
      readonly type: "corrupt";
      readonly topic: string;
      readonly partition: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly type: "failed"; readonly topic: string; readonly partition: number; readonly error: Error }
  | { readonly type: "healthy"; readonly topic: string; readonly partition: number }
  | {
      readonly type: "set-aside";
      readonly topic: string;
      readonly partition: number;
      readonly file: string;
      readonly reason: string;
    }
  | { readonly type: "missing"; readonly topic: string; readonly partition: number; readonly file: string }
  | { readonly type: "synced"; readonly tookMs: number }
  /** The machine's clock jumped, back where it is negative. Told when ages are looked at, so that a hub without age limits may say nothing. */
  | { readonly type: "clock-jumped"; readonly byMs: number }
  /** Changes of the catalogue are damaged, from this byte of the file on; those behind them were carried out. */
  | { readonly type: "catalogue-damaged"; readonly file: string; readonly at: number }
  /** What the file logs live in, told once at opening, and why. */
  | { readonly type: "region"; readonly kind: "mapped" | "file"; readonly reason: string };
