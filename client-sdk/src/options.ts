/** What users can set and hear, each with its default. */
import type { Gap, RecordFilter, RingcastError, Start, Until } from "@ringcast/protocol";
import type { Codec } from "./codec.js";
import type { DebugEvent } from "./debug-event.js";
import type { Message, MessagePosition } from "./message.js";
import type { Outbox } from "./outbox.js";
import type { Runtime } from "./runtime/port.js";
import type { Transport } from "./transport/port.js";

export interface ConnectOptions {
  /**
   * Secret that the hub asks for. A function is called for each connection, so it can hand out a fresh one when the hub
   * says that the old one has expired; without a function the first refusal closes the hub object.
   */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * How long a publish or a question may take, connecting again included, before its promise rejects. Default 30,000;
   * Infinity waits for ever.
   */
  readonly timeoutMs?: number;
  /**
   * The longest wait before another attempt to connect. The first one comes within 250 ms of the loss, each further one
   * within twice the time, up to this; how much of it is left to chance, so that not all clients come at once. Default
   * 10,000. Less where few clients belong to a hub and nobody may wait. After a hub has said that it goes away, attempts
   * come within half a second of each other, or within the time over which it spread its clients, for 30 s.
   */
  readonly maxRetryMs?: number;
  /**
   * Publishes that may wait for their acknowledgement at once; one more rejects with `too_many`. Default 10,000. See
   * `Hub.drained`.
   */
  readonly maxBacklog?: number;
  /**
   * Compares each record of a subscription with the check that its publisher made. Damaged ones are never handed out:
   * an `error` event tells of it, and they are read again over a new connection; three times in a row end the
   * subscription. Not in the JSON entry, where the hub has compared them, and without effect beside a `codec` of your
   * own. Default false.
   */
  readonly verify?: boolean;
  /**
   * Told of every frame and every attempt to connect, never of a token. Not in the JSON entry. `consoleDebug` of
   * `@ringcast/client/debug` prints it.
   */
  readonly debug?: (event: DebugEvent) => void;
  /** Keeps publishes until the hub has them, so that they outlive the page. Not in the JSON entry. Default none. */
  readonly outbox?: Outbox;
  /** The dialect. Default: that of the entry, so binary for `@ringcast/client` and JSON for `@ringcast/client/json`. */
  readonly codec?: Codec;
  /** The network. Default: the platform's WebSocket, or `ws` on Node 20. */
  readonly transport?: Transport;
  /** Clock, timers and randomness. Default: the platform's. */
  readonly runtime?: Runtime;
}

export interface PublishOptions {
  /** Messages with the same key go to the same partition, in order. At most 1,024 bytes; empty is a key too. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Overrides the choice by key. */
  readonly partition?: number;
  /**
   * What the acknowledgement means: `stored` survives the death of the hub's process (default), `synced` a power cut
   * too.
   */
  readonly durability?: "stored" | "synced" | "replicated";
}

/** One of many messages of `publishMany`. */
export interface OutgoingMessage<Data> {
  readonly data: Data;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a published message is stored. */
export interface Published {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly offset: number;
  /** The hub's clock when it stored the message, milliseconds since 1970. */
  readonly timestamp: number;
}

/**
 * Where the messages of one `publishMany` are stored: offsets `first` to `first + count - 1` in each partition that got
 * any.
 */
export interface PublishedMany {
  readonly topic: string;
  readonly timestamp: number;
  readonly offsets: readonly {
    readonly partition: number;
    readonly epoch: string;
    readonly first: number;
    readonly count: number;
  }[];
}

/**
 * Where a subscription begins: a start of the wire contract, the `position` of a message (one partition), or the
 * `position` of a subscription (all its partitions and topics).
 */
export type SubscribeFrom = Start | MessagePosition;

export interface SubscribeOptions<Data> {
  /** Default `"latest"`: only what comes after. */
  readonly from?: SubscribeFrom;
  /** Ends the loop before this offset or time, or before the heads as of now. Default: never. */
  readonly until?: Until;
  /** Only these messages; what is left out is not sent. Default: all. */
  readonly filter?: RecordFilter;
  /**
   * Messages that may wait in the SDK, at most; the hub's limit holds too. Default 1,024. Choose less for large
   * messages.
   */
  readonly window?: number;
  /** Ends the subscription when aborted; the loop then ends as after the last message. */
  readonly signal?: AbortSignal;
  /**
   * `"report"` (default): a gap is an event, delivery goes on behind it. `"reject"`: the subscription ends with a
   * GapError.
   */
  readonly gaps?: "report" | "reject";
  /** Called for each gap, in its place between the messages. */
  readonly onGap?: (gap: Gap) => void;
  /**
   * Callback form: called for each message, the next time after the promise it returned has settled. What it throws
   * ends the subscription. Without it, iterate over the subscription.
   */
  readonly onMessage?: (message: Message<Data>) => unknown;
  /** Callback form: told when the subscription ended with an error. Without it, that is an unhandled rejection. */
  readonly onError?: (error: unknown) => void;
}

export interface HistoryOptions {
  /** Default 0. */
  readonly partition?: number;
  /** Default `"earliest"`. */
  readonly from?: Exclude<Start, { readonly topics: unknown }> | MessagePosition;
  /** Ends the pages before this. Default: never. */
  readonly until?: Until;
  /** Only these messages. A page may be short then, or empty. Default: all. */
  readonly filter?: RecordFilter;
  /** Messages on a page, 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** `connecting`: not connected yet. `reconnecting`: was connected, will be again. `closed`: for good. */
export type ConnectionState = "connecting" | "connected" | "reconnecting" | "closed";

export interface StateChange {
  readonly state: ConnectionState;
  /** Why the connection is not there: set where it was lost, refused or could not be made. */
  readonly reason: RingcastError | undefined;
}

/** What `Hub.on` can listen to. */
export interface HubEvents {
  /** The state changed, or an attempt to connect failed. */
  readonly state: StateChange;
  /** A subscription reached a gap. */
  readonly gap: Gap;
  /**
   * A frame came that can't be understood, or damaged with `verify`: the connection is made anew, and everything goes
   * on where it was.
   */
  readonly error: RingcastError;
}
