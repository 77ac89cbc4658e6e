/**
 * The door of the hub: topics, publishing, readers. Sessions, Server-Sent Events and HTTP routes use it alike; it knows nothing of sockets
 * and requests. Everything is synchronous but what waits for the storage device.
 */
import type {
  Durability,
  Gap,
  GapReason,
  NewMessage,
  OffsetRange,
  PartitionStates,
  Position,
  ProducerSequence,
  RecordFilter,
  RecordRun,
  Start,
  TopicConfig,
  TopicDescription,
  TopicStart,
  Until,
} from "@ringcast/protocol";
import type { LogStore } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Sequencer } from "../sequencer/port.js";

// ---- frames and who takes them ---------------------------------------------------------------------------------------

/**
 * One message to a reader, ready to be sent. The same object may go to a thousand readers in a turn.
 */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Binary message; otherwise text, and `bytes` is UTF-8. */
  readonly binary: boolean;
  /** `bytes` lie in memory that will be overwritten after this turn (a slice of a log): what can't be taken at once must be copied. */
  readonly volatile: boolean;
  /** Kept by a transport between sockets: the frame with its WebSocket header. Nobody else touches it. */
  wire?: Uint8Array | undefined;
}

/** `open`: took everything. `full`: took it, but bytes wait; send nothing big before `drain`. `closed`: took nothing. */
export type SendResult = "open" | "full" | "closed";

/** Where a reader's frames go. Implemented by a session and by an event stream; the hub calls it in the flush only. */
export interface Outlet {
  /**
   * Puts what waits to be said (replies, in order) into `frames` from index `count` on: it goes out before the deliveries, in the same write.
   * @returns the new count
   */
  takeReplies(frames: Frame[], count: number): number;
  /** Sends the first `count` frames in one write. After `full` nothing is sent until {@link Reader.drained} is called. */
  send(frames: readonly Frame[], count: number): SendResult;
  /**
   * A subscription of the reader has reached its `until`: the frame that says so was sent, and it is gone. An event stream, which has only one, ends
   * here; a session has nothing to do.
   */
  ended?(): void;
  /** Delivery failed through a fault of ours: this connection alone is to be closed with `internal`. */
  failed(error: unknown): void;
}

/**
 * How deliveries are written: `json` text frames of the JSON dialect; `msgpack` binary frames, records as they stand in the log; `events` Server-Sent Events (`data:`, `id:`, `event: gap`) as pieces of a
 * response body, where `matched` and subscription numbers don't exist.
 */
export type DeliveryDialect = "json" | "msgpack" | "events";

// ---- publishing ------------------------------------------------------------------------------------------------------

/** A publish, checked by the dialect for its form and for the sizes of its messages. A `PublishRequest` is one. */
export interface PublishInput {
  readonly topic: string;
  /** At least one. Bytes are copied during the call. */
  readonly messages: readonly NewMessage[];
  /** The same messages as the records that they came as; absent where they didn't. */
  readonly records?: RecordRun;
  readonly partition: number | undefined;
  readonly producer: ProducerSequence | undefined;
  readonly durability: Durability | undefined;
}

export interface PublishOutcome {
  readonly topic: string;
  /** One entry per partition; undefined for a duplicate too old to be known word for word. */
  readonly offsets: readonly OffsetRange[] | undefined;
  readonly timestamp: number | undefined;
  readonly duplicate: boolean;
}

// ---- reading ---------------------------------------------------------------------------------------------------------

export interface SubscribeInput {
  /** Exactly one of `topic` and `pattern` is set. A topic that doesn't exist is created. */
  readonly topic: string | undefined;
  readonly pattern: string | undefined;
  readonly from: Start;
  readonly until: Until | undefined;
  readonly filter: RecordFilter | undefined;
  /** Check each record before it is sent, also where it isn't translated. */
  readonly verify: boolean;
  /** 0: no acknowledgements needed */
  readonly window: number;
}

// ---- what operators see of readers -------------------------------------------------------------------------------------

/** What holds a cursor: nothing at the head, nothing although it is behind, the subscription's window, or the socket. */
export const CURSOR_STATES = ["live", "catching-up", "waiting-for-window", "waiting-for-drain"] as const;
export type CursorStateName = (typeof CURSOR_STATES)[number];

/** How far readers are behind. */
export interface Lag {
  readonly records: number;
  /** Of log. */
  readonly bytes: number;
  /** Age of the oldest record that was not sent yet, milliseconds; 0 at the head. */
  readonly ms: number;
}

export interface CursorReport {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  /** The next that will be sent. */
  readonly next: number;
  readonly head: number;
  readonly tail: number;
  readonly state: CursorStateName;
  readonly lag: Lag;
}

export interface SubscriptionReport {
  readonly subscription: number;
  readonly topic: string | undefined;
  readonly pattern: string | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly window: number;
  readonly unacknowledged: number;
  readonly filter: RecordFilter | undefined;
  readonly until: Until | undefined;
  /** The gate that holds most: the state of the cursor that is furthest behind. */
  readonly state: CursorStateName;
  /** Sum over the cursors for records and bytes, maximum for ms. */
  readonly lag: Lag;
  readonly deliveredRecords: number;
  readonly cursorCount: number;
  /** The ones that are furthest behind, at most 100. */
  readonly cursors: readonly CursorReport[];
}

/** A histogram that is counted where things happen: `counts[i]` values were at most `bounds[i]`, the last entry is for all above. Not cumulative. */
export interface HistogramCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What the reply to a subscribe tells: `partitions` of a topic, or `topics` (at most 1,000, then `more`) of a pattern. */
export interface SubscribeOutcome {
  readonly subscription: number;
  readonly partitions: PartitionStates | undefined;
  readonly topics: Readonly<Record<string, PartitionStates>> | undefined;
  readonly more: boolean;
}

export interface AckInput {
  readonly subscription: number;
  /** Needed on patterns. */
  readonly topic: string | undefined;
  readonly partition: number;
  readonly offset: number;
}

/** All subscriptions of one connection or event stream, and what is due to it. */
export interface Reader {
  readonly subscriptionCount: number;
  /** @throws RingcastError `invalid_topic` `invalid_offset` `bad_request` `too_many` `unknown_topic` (auto-creation off) `unavailable` */
  subscribe(input: SubscribeInput): SubscribeOutcome;
  /** Nothing of that subscription is sent any more. @throws RingcastError `unknown_subscription` */
  unsubscribe(subscription: number): void;
  /** @throws RingcastError `unknown_subscription` `invalid_offset` `bad_request` */
  ack(input: AckInput): void;
  /** The outlet has replies to take: it is visited in this turn's flush, even when its socket is full only at `drained`. */
  wake(): void;
  /** The outlet was written to outside of the flush and is full: nothing is sent before {@link Reader.drained}. */
  blocked(): void;
  /** Everything sent before has been taken: delivery goes on in this turn's flush. */
  drained(): void;
  /** One row for each subscription, in the order of their numbers. Costs a look at each cursor. */
  report(): readonly SubscriptionReport[];
  /** Ends all subscriptions. Harmless when closed. */
  close(): void;
}

/** A page of history. `limit` 1 to 1,000. `from` `{positions}` names the partition's position with its epoch: a mismatch is told as `gap`. */
export interface HistoryInput {
  readonly topic: string;
  readonly partition: number;
  readonly from: TopicStart;
  readonly until: Until | undefined;
  readonly filter: RecordFilter | undefined;
  readonly limit: number;
}

export interface HistoryPage {
  /** Dialect `json`: an array of message objects, as UTF-8. `msgpack`: records as they stand in the log, one behind the other. At most about 1 MiB. */
  readonly messages: Uint8Array;
  readonly partition: number;
  readonly next: Position;
  readonly head: number;
  readonly tail: number;
  /** Records that are missing before the first message of the page, or at `next` (then the page ends there). */
  readonly gap: Gap | undefined;
}

/** Where a log stands after records were put back. */
export interface RestoreOutcome {
  readonly epoch: string;
  readonly head: number;
}

// ---- the hub ---------------------------------------------------------------------------------------------------------

/** Counters since the start, read by the metrics; gauges where it says so. */
export interface HubStats {
  /** Gauge. */
  readonly readers: number;
  /** Gauge. */
  readonly subscriptions: number;
  /** Gauge: partitions being read, over all subscriptions. */
  readonly cursors: number;
  /** Gauge. */
  readonly topics: number;
  /** Gauge: publishes that wait for the storage device. */
  readonly inflightPublishes: number;
  readonly publishes: number;
  readonly duplicates: number;
  readonly appendedRecords: number;
  /** Key, headers and data. */
  readonly appendedBytes: number;
  readonly deliveredRecords: number;
  /** Bytes of frames handed to sockets and streams. */
  readonly deliveredBytes: number;
  /** Frames translated; how often they were sent is `deliveredFrames`. */
  readonly builtFrames: number;
  readonly deliveredFrames: number;
  readonly flushes: number;
  /** Milliseconds spent in flushes. */
  readonly flushMs: number;
  readonly gaps: Readonly<Record<GapReason, number>>;
  /** Gauge: cursors by what holds them. */
  readonly cursorStates: Readonly<Record<CursorStateName, number>>;
  /** Gauges over all cursors. */
  readonly lagSum: Lag;
  readonly lagMax: Lag;
  /** Seconds from the append of a record to the write of the frame that has it, for readers at the head. */
  readonly publishToSend: HistogramCounts;
  /** Bytes written to one reader in one flush. */
  readonly flushBytes: HistogramCounts;
}

/** Something an operator should see in the log. */
export type HubEvent =
  | { readonly type: "topic-created"; readonly topic: string }
  | { readonly type: "topic-deleted"; readonly topic: string }
  | { readonly type: "delivery-failed"; readonly error: unknown }
  | {
      readonly type: "corrupt";
      readonly topic: string;
      readonly partition: number;
      readonly from: number;
      readonly to: number;
    };

/** Configuration of topics made by name: the first rule whose pattern matches holds, over {@link HubOptions.defaultConfig}. */
export interface TopicRule {
  readonly pattern: string;
  readonly config: Partial<TopicConfig>;
  /** Whether publish and subscribe create such a topic; {@link HubOptions.autoCreateTopics} where left out. */
  readonly autoCreate?: boolean;
}

/** What may change while the hub runs; holds for topics made from then on. */
export interface HubSettings {
  readonly rules: readonly TopicRule[];
  readonly autoCreateTopics: boolean;
  readonly maxTopics: number;
}

/** What the dialects don't check already: sizes and counts inside one request are theirs. */
export interface HubLimits {
  /** Per connection. */
  readonly maxSubscriptions: number;
  readonly maxTopics: number;
  /** Publishes of one connection that wait for the storage device. */
  readonly maxInflight: number;
  /** Bytes of them. */
  readonly maxInflightBytes: number;
  /** Publishes of all connections that wait for the storage device. */
  readonly maxTotalInflight: number;
  /** Bytes of them. */
  readonly maxTotalInflightBytes: number;
}

export interface HubOptions {
  readonly store: LogStore;
  readonly sequencer: Sequencer;
  readonly runtime: Runtime;
  readonly limits: HubLimits;
  readonly defaultConfig: TopicConfig;
  readonly rules: readonly TopicRule[];
  /** Whether publish and subscribe create topics. */
  readonly autoCreateTopics: boolean;
  report(event: HubEvent): void;
}

/** Counts what one publisher has waiting for the storage device; made by {@link Hub.openPublisher}. */
export interface Publisher {
  /**
   * Stores a publish. The answer is there at once, or a promise where it waits for the storage device.
   *
   * @param subject who asks, where tokens are required: producers are told apart by it
   * @throws RingcastError `invalid_topic` `forbidden` `bad_request` `unknown_topic` `too_large` `too_many` `conflict` `out_of_sequence`
   *   `rate_limited` `unavailable` `shutting_down`: nothing was stored, unless `details.stored` says otherwise. The promise rejects with `unavailable`
   */
  publish(input: PublishInput, subject: string | undefined): PublishOutcome | Promise<PublishOutcome>;
}

export interface Hub {
  readonly stats: HubStats;
  /** One per connection; one for all of HTTP is right, since there each request is its own gate. */
  openPublisher(): Publisher;
  openReader(outlet: Outlet, dialect: DeliveryDialect): Reader;
  /** @throws RingcastError `unknown_topic` `invalid_topic` `invalid_offset` `bad_request` */
  history(input: HistoryInput, dialect: Exclude<DeliveryDialect, "events">): HistoryPage;
  /** @throws RingcastError `unknown_topic` `invalid_topic` */
  describe(topic: string): TopicDescription;
  /**
   * Topics in the order of their names' bytes.
   * @param after the name to go on behind; undefined for the first page
   */
  listTopics(
    after: string | undefined,
    limit: number,
  ): {
    readonly topics: readonly { readonly name: string; readonly partitions: number }[];
    readonly next: string | null;
  };
  /**
   * Creates a topic or changes the settings that are named.
   * @throws RingcastError `already_exists` (with `ifAbsent`), `conflict` (a fixed setting), `forbidden`, `invalid_topic`, `bad_request`, `too_many`
   */
  putTopic(
    topic: string,
    config: Partial<TopicConfig>,
    options: { readonly ifAbsent: boolean },
  ): { readonly created: boolean; readonly topic: TopicDescription };
  /** Subscriptions stay on the name: gap `deleted`, then the new epoch. @throws RingcastError `unknown_topic` `forbidden` `invalid_topic` */
  deleteTopic(topic: string): void;
  /**
   * Puts exported records back, at the offsets and with the epoch and times that they had. The first must stand at the head; a log to which
   * nothing was ever appended begins there. A topic that doesn't exist is made by its rule. All records are judged before the first is stored.
   *
   * @param frame a delivery frame of the binary dialect; its subscription, topic and next offset are not looked at
   * @throws RingcastError `bad_request` (with `details.index`), `conflict` (with `details.head`), `too_large`, `unavailable`, and what creating a topic may
   */
  restore(topic: string, partition: number, frame: Uint8Array): RestoreOutcome;
  /** Takes over what the operator changed; topics that exist stay as they are. */
  configure(settings: HubSettings): void;
  /** Refuses publishes from now on (`shutting_down`) and waits until those under way are answered and flushed. */
  drain(): Promise<void>;
  /** Ends all readers. The store is its owner's to close. */
  close(): void;
}
