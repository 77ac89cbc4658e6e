/** What a reader gets. */
import type { Gap, WireMessage } from "@ringcast/protocol";

/**
 * Where a reader is in one partition of one topic: behind a certain message. Plain data: keep it as JSON, hand it to
 * `subscribe` as `from`.
 */
export interface MessagePosition {
  readonly topic: string;
  readonly partition: number;
  /** Identity of the stretch of history that `offset` counts in. */
  readonly epoch: string;
  /** Offset of the NEXT message, not of the one it was taken from. */
  readonly offset: number;
}

/** One message as it is handed to the user. */
export interface Message<Data = unknown> {
  readonly topic: string;
  readonly partition: number;
  /** Identity of the stretch of history that `offset` counts in. */
  readonly epoch: string;
  /** Number of the message in its partition: from 0, dense. */
  readonly offset: number;
  /** When the hub stored it, milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: string | undefined;
  /** Empty where none were given. */
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Data;
  /**
   * How long the message took from the hub's log to the loop, milliseconds by the hub's clock; at least 0. Replay
   * counts: a message of yesterday has a day.
   */
  readonly lag: number;
  /** The place right behind this message, for `from`. */
  readonly position: MessagePosition;
}

/** A page of a partition's past. */
export interface HistoryPage<Data = unknown> {
  readonly messages: readonly Message<Data>[];
  /** Where the next page begins. The end is reached when its offset equals `head`. */
  readonly next: MessagePosition;
  /** Offset that the next message will get. */
  readonly head: number;
  /** Lowest offset still stored. */
  readonly tail: number;
  /** Set where messages before the first of this page are lost. */
  readonly gap: Gap | undefined;
}

/**
 * Makes what the user gets out of what came over the wire.
 *
 * @param hubTimeMs the hub's clock, now
 */
export function toMessage(
  topic: string,
  partition: number,
  epoch: string,
  { offset, timestamp, key, headers = {}, data }: WireMessage,
  hubTimeMs: number,
): Message {
  return {
    topic,
    partition,
    epoch,
    offset,
    timestamp,
    key,
    headers,
    data,
    lag: Math.max(0, hubTimeMs - timestamp),
    position: { topic, partition, epoch, offset: offset + 1 },
  };
}
