/**
 * Every operation of the wire contract as types: what a client may ask and what the hub answers or sends by itself.
 * The fields are exactly those of the JSON dialect. Codecs that make these values out of bytes are in dialects/.
 *
 * @see docs/protocol.md, "Operations"
 */
import type { ErrorCode } from "./error-table.js";
import type { ErrorBody, ErrorDetails } from "./errors.js";
import type { Position } from "./position.js";
import type { RecordRun } from "./record-run.js";

/** Chosen by the client, carried back by exactly one reply: an integer ≥ 0 or a string of at most 64 characters. */
export type RequestId = number | string;

export type Durability = "stored" | "synced" | "replicated";

/** Who publishes: a producer's own counter makes a repeated request harmless. */
export interface ProducerSequence {
  readonly id: string;
  readonly sequence: number;
}

/** Positions of the partitions of one topic, by partition number as a string. */
export type PartitionPositions = Readonly<Record<string, Position>>;

/** Where a subscription to one topic begins. */
export type TopicStart =
  | "latest"
  | "earliest"
  | { readonly offset: number }
  | { readonly positions: PartitionPositions }
  | { readonly time: number }
  | { readonly last: number };

/** Where a subscription to a pattern begins: like a topic's, or a resume with the positions of each topic. */
export type Start =
  TopicStart | { readonly topics: Readonly<Record<string, PartitionPositions>>; readonly others?: TopicStart };

/** Where a subscription or a history ends: before this. `"head"`: the head as of the request. */
export type Until = "head" | { readonly time: number } | { readonly offset: number };

/** Which records a reader wants: OR within a list, AND between lists. At least one list. Decided without reading data. */
export interface RecordFilter {
  /** Keys; a record without key is left out. */
  readonly keys?: readonly string[];
  /** For each name the values that are wanted; a record without that header is left out. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

/** State of one partition as a `subscribed` reply tells it. `next` is the first offset that will be delivered. */
export interface PartitionState {
  readonly epoch: string;
  readonly next: number;
  readonly tail: number;
  readonly head: number;
}
export type PartitionStates = Readonly<Record<string, PartitionState>>;

export const STORAGE_KINDS = ["file", "memory"] as const;
export const TOPIC_DURABILITIES = ["stored", "synced"] as const;

/** Configuration of a topic as a whole; `partitions` and `storage` are fixed once it exists. */
export interface TopicConfig {
  /** 1 to 1,024 */
  readonly partitions: number;
  readonly storage: (typeof STORAGE_KINDS)[number];
  /** Bytes of ring per partition at its largest, at least 65,536. */
  readonly capacityBytes: number;
  /** 0: no limit by age */
  readonly retentionMs: number;
  /** 0: no limit by count */
  readonly retentionRecords: number;
  readonly durability: (typeof TOPIC_DURABILITIES)[number];
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly epoch: string;
    readonly tail: number;
    readonly head: number;
    readonly bytes: number;
  }[];
  readonly config: TopicConfig;
}

// ---- what the hub answers or sends -----------------------------------------------------------------------------------

export interface Limits {
  readonly maxMessageBytes: number;
  readonly maxFrameBytes: number;
  readonly maxSubscriptions: number;
  readonly maxWindow: number;
  readonly maxInflight: number;
  readonly maxBatch: number;
  readonly idleTimeoutMs: number;
  readonly pingIntervalMs: number;
}

export interface WelcomeFrame {
  readonly op: "welcome";
  readonly protocol: 1;
  readonly server: string;
  readonly connection: string;
  readonly instance: string;
  readonly limits: Limits;
  readonly time: number;
}

/** Offsets that a batch got in one partition: `first` to `first + count - 1`. */
export interface OffsetRange {
  readonly partition: number;
  readonly epoch: string;
  readonly first: number;
  readonly count: number;
}

export interface PublishedFrame {
  readonly op: "published";
  readonly id: RequestId;
  readonly topic: string;
  readonly partition?: number;
  readonly epoch?: string;
  readonly offset?: number;
  readonly timestamp?: number;
  /** Only in the reply to `messages`. */
  readonly offsets?: readonly OffsetRange[];
  readonly duplicate?: true;
}

export interface SubscribedFrame {
  readonly op: "subscribed";
  readonly id: RequestId;
  readonly subscription: number;
  readonly topic?: string;
  readonly partitions?: PartitionStates;
  readonly pattern?: string;
  readonly topics?: Readonly<Record<string, PartitionStates>>;
  readonly more?: true;
}

export interface UnsubscribedFrame {
  readonly op: "unsubscribed";
  readonly id?: RequestId;
  readonly subscription: number;
  readonly reason?: string;
}

export interface MatchedFrame {
  readonly op: "matched";
  readonly subscription: number;
  readonly topic: string;
  readonly partitions: PartitionStates;
}

/** A record as JSON readers get it. */
export interface WireMessage {
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data: unknown;
}

export interface MessagesFrame {
  readonly op: "messages";
  readonly subscription: number;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly next: number;
  readonly messages: readonly WireMessage[];
}

export const GAP_REASONS = ["retention", "epoch", "corrupt", "deleted"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Records `from` to `to` will not come; delivery goes on at exactly `next` of `epoch`. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
  readonly epoch: string;
  readonly next: number;
}

export interface GapFrame extends Gap {
  readonly op: "gap";
  readonly subscription: number;
}

/** Everything before the subscription's `until` has come; the subscription is over. */
export interface EndedFrame {
  readonly op: "ended";
  readonly subscription: number;
}

export interface AckedFrame {
  readonly op: "acked";
  readonly id: RequestId;
}

export interface HistoryFrame {
  readonly op: "history";
  readonly id: RequestId;
  readonly messages: readonly WireMessage[];
  readonly partition: number;
  readonly next: Position;
  readonly head: number;
  readonly tail: number;
  readonly gap?: Gap;
}

export interface TopicFrame {
  readonly op: "topic";
  readonly id: RequestId;
  readonly topic: TopicDescription;
}

export interface AuthenticatedFrame {
  readonly op: "authenticated";
  readonly id: RequestId;
  readonly subject: string;
  readonly expires: number | null;
}

export interface PongFrame {
  readonly op: "pong";
  readonly id: RequestId;
  readonly time: number;
}

export interface DrainingFrame {
  readonly op: "draining";
  readonly reconnectAfterMs: number;
}

export interface ErrorFrame extends ErrorBody {
  readonly op: "error";
  readonly id?: RequestId;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
  /** Only for an `ack` or `settle` without id. */
  readonly subscription?: number;
  readonly partition?: number;
  readonly offset?: number;
}

/** Everything that the hub may send in the JSON dialect. */
export type HubFrame =
  | WelcomeFrame
  | PublishedFrame
  | SubscribedFrame
  | UnsubscribedFrame
  | MatchedFrame
  | MessagesFrame
  | GapFrame
  | EndedFrame
  | AckedFrame
  | HistoryFrame
  | TopicFrame
  | AuthenticatedFrame
  | PongFrame
  | DrainingFrame
  | ErrorFrame;

// ---- what a client asks, as the hub sees it after decoding and validation -------------------------------------------

/** One message of a publish. Bytes are slices of the frame they came in: copy what must outlive the call. */
export interface NewMessage {
  /** One of CONTENT_TYPE in record.ts. */
  readonly contentType: number;
  readonly data: Uint8Array;
  /** UTF-8, at most 1,024 bytes; empty is a key too. */
  readonly key: Uint8Array | undefined;
  /** The header block of record.ts; empty where there are none. */
  readonly headers: Uint8Array;
  /** Payload check (32 bits, signed or not) that the publisher made and the dialect has found right: it is stored as it came. Absent: the log makes it. */
  readonly check?: number;
}

export interface PublishRequest {
  readonly op: "publish";
  readonly id: RequestId;
  readonly topic: string;
  readonly messages: readonly NewMessage[];
  /** The same messages as the records that they came as; absent where they didn't. */
  readonly records?: RecordRun;
  /** Asked with `messages`, so answered with `offsets`. */
  readonly batch: boolean;
  readonly partition: number | undefined;
  readonly producer: ProducerSequence | undefined;
  readonly durability: Durability | undefined;
}

export interface SubscribeRequest {
  readonly op: "subscribe";
  readonly id: RequestId;
  /** Exactly one of `topic` and `pattern` is set. */
  readonly topic: string | undefined;
  readonly pattern: string | undefined;
  readonly from: Start;
  readonly until: Until | undefined;
  readonly filter: RecordFilter | undefined;
  /** The hub checks each record before it is sent, also in the binary dialect: what is damaged becomes a gap. */
  readonly verify: boolean;
  /** 0: no acknowledgements needed */
  readonly window: number;
}

export interface UnsubscribeRequest {
  readonly op: "unsubscribe";
  readonly id: RequestId;
  readonly subscription: number;
}

export interface AckRequest {
  readonly op: "ack";
  readonly id: RequestId | undefined;
  readonly subscription: number;
  readonly topic: string | undefined;
  readonly partition: number;
  readonly offset: number;
}

export interface HistoryRequest {
  readonly op: "history";
  readonly id: RequestId;
  readonly topic: string;
  readonly partition: number;
  readonly from: TopicStart;
  readonly until: Until | undefined;
  readonly filter: RecordFilter | undefined;
  /** 1 to 1,000 */
  readonly limit: number;
}

export interface TopicRequest {
  readonly op: "topic";
  readonly id: RequestId;
  readonly topic: string;
}

export interface AuthRequest {
  readonly op: "auth";
  readonly id: RequestId;
  readonly token: string;
}

export interface PingRequest {
  readonly op: "ping";
  readonly id: RequestId;
}

export type Request =
  | PublishRequest
  | SubscribeRequest
  | UnsubscribeRequest
  | AckRequest
  | HistoryRequest
  | TopicRequest
  | AuthRequest
  | PingRequest;
