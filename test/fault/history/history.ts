/**
 * What clients did and saw in one run, in the order in which one recorder was told of it. Every call is there twice: when it was made (`publish`, `look`,
 * `open`), and when its outcome was known; where the outcome never came, the call stands alone or is `unknown`.
 */

/** A record's place: unique in the life of a topic. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly offset: number;
}

/** What was published: a name given once in a run, and a digest of key, headers and data. */
export interface Value {
  readonly value: string;
  readonly digest: string;
}

/** A record as a reader got it. */
export interface Reading extends Place, Value {
  /** Unix ms, the hub's */
  readonly timestamp: number;
}

/** What is told of a partition. */
export interface Bounds {
  readonly partition: number;
  readonly epoch: string;
  readonly tail: number;
  readonly head: number;
}

interface At {
  /** Monotonic time of the recorder, ms */
  readonly at: number;
}

export interface Publish extends At {
  readonly type: "publish";
  readonly call: number;
  /** The connection; a client that comes back is another one. */
  readonly client: string;
  readonly topic: string;
  readonly values: readonly Value[];
  /** Of all of them. */
  readonly key?: string;
  readonly durability: "stored" | "synced";
  readonly producer?: { readonly id: string; readonly sequence: number };
}
/** Acknowledged. */
export interface Published extends At {
  readonly type: "published";
  readonly call: number;
  /** One for each value, in their order; none where the hub doesn't know them any more (an old duplicate). */
  readonly places: readonly Place[];
  readonly timestamp: number;
  readonly isDuplicate: boolean;
}
/** Certainly not stored. */
export interface Refused extends At {
  readonly type: "refused";
  readonly call: number;
  readonly code: string;
}
/** Stored or not: the answer was lost. */
export interface Unknown extends At {
  readonly type: "unknown";
  readonly call: number;
}

/** Somebody asks how a topic stands. */
export interface Look extends At {
  readonly type: "look";
  readonly call: number;
  readonly topic: string;
}
export interface Looked extends At {
  readonly type: "looked";
  readonly call: number;
  readonly partitions: readonly Bounds[];
}

/** A reader begins. One that resumes after a loss of its connection is another reader of the same `user`. */
export interface Open extends At {
  readonly type: "open";
  readonly reader: string;
  /** Whoever must not be handed a position twice. */
  readonly user: string;
  readonly topic: string;
  /** `json`, `msgpack`, `sse`, `http`, `sdk` …: for the report alone */
  readonly via: string;
  /** Where it resumes, of each partition that it had come to. */
  readonly resumes: readonly { readonly partition: number; readonly epoch: string; readonly offset: number }[];
  /** Asks for a part of the records only. */
  readonly isFiltered: boolean;
  /** The keys of those it asks for, where it asks by key. */
  readonly keys?: readonly string[];
}
export interface Opened extends At {
  readonly type: "opened";
  readonly reader: string;
  readonly partitions: readonly (Bounds & { readonly next: number })[];
}
export interface Delivered extends At, Reading {
  readonly type: "delivered";
  readonly reader: string;
}
export interface GapTold extends At {
  readonly type: "gap";
  readonly reader: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: "retention" | "epoch" | "corrupt" | "deleted";
  readonly epoch: string;
  readonly next: number;
}
/** The reader gets nothing more: closed, or its connection was lost. */
export interface Closed extends At {
  readonly type: "closed";
  readonly reader: string;
}

/** A fault begins. */
export interface Injected extends At {
  readonly type: "injected";
}
/** A fault that really took effect, and is over. */
export interface Fault extends At {
  readonly type: "fault";
  readonly name: string;
  /** `memory`: what was only in memory of the machine may be gone; `topic`: the topic was deleted; `none`: nothing stored may suffer */
  readonly costs: "none" | "memory" | "topic";
}
/** From here on nobody publishes, everything is healed, and readers that read have an open window. */
export interface Quiet extends At {
  readonly type: "quiet";
}
/** Everything that a partition holds, read after healing. */
export interface ReadBack extends At, Bounds {
  readonly type: "readBack";
  readonly topic: string;
  readonly records: readonly Reading[];
}
/** The run is over. */
export interface End extends At {
  readonly type: "end";
}

export type HistoryEvent =
  | Publish
  | Published
  | Refused
  | Unknown
  | Look
  | Looked
  | Open
  | Opened
  | Delivered
  | GapTold
  | Closed
  | Injected
  | Fault
  | Quiet
  | ReadBack
  | End;

export type History = readonly HistoryEvent[];

/** What can be found wrong; the names are those that docs and issues use. */
export const ANOMALIES = {
  A1: "an acknowledged record is lost",
  A2: "a reader never gets what can be read",
  A3: "a publish is not answered",
  A4: "an old state is told, or a bound goes back",
  A5: "a record is stored twice, or handed to one user twice",
  A6: "something is called a duplicate that isn't",
  A7: "a producer that skipped nothing is refused as out of sequence",
  A8: "a subscription gets records out of order",
  A9: "a connection's publishes are stored in another order than sent",
  A10: "a publish stands before one that was acknowledged before it was sent",
  A11: "records are left out without a gap",
  A12: "a reader resumes elsewhere than where it stood",
  A13: "a gap is told that is none",
  A14: "a record is delivered that nobody published",
  A15: "a record is delivered whose publish was refused",
  A16: "a part of a batch can be read",
  A17: "two readers get different records at one place",
  A18: "timestamps run back in a partition",
  A19: "a place or an epoch is given twice",
  A20: "an epoch changes without need",
} as const;
export type AnomalyName = keyof typeof ANOMALIES;

export interface Anomaly {
  readonly name: AnomalyName;
  /** What was seen, with the place. */
  readonly what: string;
}
