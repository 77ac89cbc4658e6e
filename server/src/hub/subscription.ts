/**
 * One connection's interest in a topic or a pattern: its cursors and its window.
 */
import {
  RingcastError,
  shown,
  type PartitionPositions,
  type PartitionState,
  type PartitionStates,
  type RecordFilter,
  type Until,
} from "@ringcast/protocol";
import type { Timer } from "../runtime/index.js";
import type { Cursor } from "./cursor.js";
import type { CompiledFilter } from "./filter.js";
import type { DeliveryDialect } from "./port.js";
import type { HubReader } from "./reader.js";
import { SmallMap } from "./small-map.js";
import { epochAt } from "./start.js";
import type { Topic } from "./topic.js";

/** What a subscription reads of one topic: a cursor per partition. */
export interface Reading {
  readonly subscription: Subscription;
  readonly topic: Topic;
  readonly cursors: Cursor[];
  /** Whether the client has been told of this topic: in the reply, or by `matched`. */
  announced: boolean;
}

/** Where a subscription stands in each partition of a topic, as replies and `matched` tell it. */
export function partitionStates(reading: Reading): PartitionStates {
  const states: Record<number, PartitionState> = {};
  for (const cursor of reading.cursors) states[cursor.feed.partition] = stateOf(cursor);
  return states;
}

function stateOf({ feed, offset, pendingGap }: Cursor): PartitionState {
  const { log, nextEpoch } = feed;
  const epoch = log === undefined ? nextEpoch : epochAt(log.lineage, offset);
  const { tail, head } = log ?? { tail: 0, head: 0 };
  // Who hears of a topic only after it was deleted is told what it was, and then of the deletion.
  if (pendingGap?.reason === "deleted") {
    return { epoch: pendingGap.stoodAt.epoch, next: pendingGap.stoodAt.offset, tail, head };
  }
  return { epoch, next: offset, tail, head };
}

/** What a subscription was asked to be. */
export interface SubscriptionTerms {
  /** Undefined: the subscription is to one topic. */
  readonly pattern: string | undefined;
  readonly window: number;
  readonly filter: RecordFilter | undefined;
  readonly compiledFilter: CompiledFilter | undefined;
  readonly until: Until | undefined;
  readonly verify: boolean;
}

/** Most subscriptions ask for nothing but a topic: they share these. */
export const PLAIN_TERMS: SubscriptionTerms = {
  pattern: undefined,
  window: 0,
  filter: undefined,
  compiledFilter: undefined,
  until: undefined,
  verify: false,
};

/** Frames of a subscription with this form are shared with nobody, or only after a closer look. */
export const NO_FORM = -1;
/** So that forms are small integers, which take no object. */
const MOST_SHARED_NUMBER = 2 ** 29;

/** What has to be equal, beside feed and offset, for a frame to be shared where no more is asked for than a topic: a number of number and dialect. */
function formOf(number: number, dialect: DeliveryDialect, { filter, until, verify }: SubscriptionTerms): number {
  const isPlain = filter === undefined && until === undefined && !verify && number < MOST_SHARED_NUMBER;
  if (!isPlain || dialect === "events") return NO_FORM;
  return dialect === "json" ? 2 * number : 2 * number + 1;
}

export class Subscription {
  readonly number: number;
  readonly reader: HubReader;
  readonly terms: SubscriptionTerms;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly pattern: string | undefined;
  readonly window: number;
  /** Undefined: it wants every record. */
  readonly filter: CompiledFilter | undefined;
  /** What has to be equal, beside place, number and dialect, for a frame to be shared. */
  readonly selection: string;
  /** Whether records are checked although they aren't translated. */
  readonly verify: boolean;
  /** See {@link formOf}. */
  readonly form: number;
  /** Records delivered and not acknowledged, over all topics and partitions. */
  unacknowledged = 0;
  /** What cursors got that it has no more; the others count for themselves. */
  formerlyDelivered = 0;
  /** By name of the topic; one where there is no pattern. */
  readonly readings = new SmallMap<string, Reading>();
  /** Where the reader stood in topics that are no more, by name: should one come again, it has another history. */
  absent: Map<string, PartitionPositions> | undefined = undefined;
  /** The time at which it ends, while that lies ahead; milliseconds since 1970. */
  endsAtMs: number | undefined = undefined;
  endTimer: Timer | undefined = undefined;
  /** Cursors that have not reached their end; counts only where there is one. */
  openCursors = 0;
  /** Cursors that found the window full, linked through themselves. */
  #waiting: Cursor | undefined = undefined;

  constructor(number: number, reader: HubReader, terms: SubscriptionTerms, since: number) {
    this.since = since;
    this.number = number;
    this.reader = reader;
    this.terms = terms;
    this.pattern = terms.pattern;
    this.window = terms.window;
    this.filter = terms.compiledFilter;
    this.verify = terms.verify;
    this.form = formOf(number, reader.dialect, terms);
    this.selection = `${terms.verify ? "v" : ""}${terms.compiledFilter?.identity ?? ""}`;
  }

  /** Whether everything before its end has been delivered. */
  get isOver(): boolean {
    const mayGrow = this.pattern !== undefined && this.endsAtMs !== undefined;
    return this.terms.until !== undefined && this.openCursors === 0 && !mayGrow;
  }

  /** Whether topics made from now on belong to a pattern's subscription. */
  get takesNewTopics(): boolean {
    return this.terms.until === undefined || this.endsAtMs !== undefined;
  }

  /** Records delivered since it began. */
  get deliveredRecords(): number {
    let records = this.formerlyDelivered;
    for (const { cursors } of this.readings.values()) for (const cursor of cursors) records += cursor.deliveredRecords;
    return records;
  }

  /** How many records may be delivered now. */
  get credit(): number {
    return this.window === 0 ? Infinity : this.window - this.unacknowledged;
  }

  /** Lets a cursor wait until the window opens. */
  park(cursor: Cursor): void {
    cursor.state = "waiting";
    cursor.next = this.#waiting;
    this.#waiting = cursor;
  }

  /** Hands out a cursor that waits for the window; undefined when there is none any more. */
  unpark(): Cursor | undefined {
    const cursor = this.#waiting;
    if (cursor === undefined) return undefined;
    this.#waiting = cursor.next;
    cursor.next = undefined;
    cursor.state = "idle";
    return cursor;
  }

  /**
   * Finds the cursor that an acknowledgement names.
   * @throws RingcastError `bad_request`
   */
  cursorOf(topic: string | undefined, partition: number): Cursor {
    const reading = this.#readingOf(topic);
    const cursor = reading.cursors[partition];
    if (cursor !== undefined) return cursor;
    throw new RingcastError(
      "bad_request",
      `Topic ${shown(reading.topic.name)} has no partition ${shown(partition)}: use 0 to ${reading.cursors.length - 1}.`,
      { field: "partition" },
    );
  }

  #readingOf(topic: string | undefined): Reading {
    if (topic === undefined && this.pattern !== undefined) {
      throw new RingcastError("bad_request", "An ack on a pattern's subscription must name its topic.", {
        field: "topic",
      });
    }
    const reading = topic === undefined ? this.readings.values().next().value : this.readings.get(topic);
    if (reading !== undefined) return reading;
    throw new RingcastError("bad_request", `Subscription ${this.number} does not read topic ${shown(topic)}.`, {
      field: "topic",
    });
  }
}
