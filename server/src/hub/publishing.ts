/**
 * Publishing: a request is checked whole, judged against what its producer sent before, and appended to the logs of its partitions.
 */
import {
  RingcastError,
  checkWritableTopic,
  digestOf,
  encodeProducerPart,
  isHubTopic,
  recordSize,
  shown,
  type OffsetRange,
  type ProducerMark,
  type ProducerSequence,
  type TopicConfig,
} from "@ringcast/protocol";
import type { Assignment, Batch, ProducerReply, RingLog, StoredTopic } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Sequencer } from "../sequencer/port.js";
import type { Flush } from "./flush.js";
import { splitByPartition, type PartitionBatch } from "./partition-choice.js";
import type { HubLimits, HubOptions, PublishInput, PublishOutcome, Publisher } from "./port.js";
import type { Feed, Topic } from "./topic.js";
import type { Topics } from "./topics.js";

/** A record, or a batch in one partition, takes at most this part of the ring. */
const LARGEST_SHARE = 4;
const RETRY_AFTER_MS = 100;

const NO_LOGS: readonly RingLog[] = [];

/** What a publish has come to, and the logs that have to be synced before it may be told. */
interface Stored {
  readonly outcome: PublishOutcome;
  readonly unsynced: readonly RingLog[];
}

/** Counters since the start, and what waits for the storage device now. */
export interface PublishCounters {
  publishes: number;
  duplicates: number;
  appendedRecords: number;
  appendedBytes: number;
  inflight: number;
  inflightBytes: number;
}

export class Publishing {
  readonly counters: PublishCounters = {
    publishes: 0,
    duplicates: 0,
    appendedRecords: 0,
    appendedBytes: 0,
    inflight: 0,
    inflightBytes: 0,
  };
  /** Publishes that wait for the storage device. */
  readonly waiting = new Set<Promise<unknown>>();
  isDraining = false;
  readonly #topics: Topics;
  readonly #flush: Flush;
  readonly #sequencer: Sequencer;
  readonly #runtime: Runtime;
  readonly #limits: HubLimits;

  constructor(options: HubOptions, topics: Topics, flush: Flush) {
    this.#topics = topics;
    this.#flush = flush;
    this.#sequencer = options.sequencer;
    this.#runtime = options.runtime;
    this.#limits = options.limits;
  }

  openPublisher(): Publisher {
    return new GatedPublisher(this, this.#limits);
  }

  /** @returns the outcome, and the logs that have to be synced before it may be told */
  store(input: PublishInput, subject: string | undefined): Stored {
    if (this.isDraining) {
      throw new RingcastError("shutting_down", "The hub is going away: publish again on a new connection.", {
        stored: "no",
      });
    }
    const topic = this.#writableTopic(input);
    const mark = input.producer && markOf(input, input.producer, subject);
    const feed = soleFeed(topic, input.partition);
    return feed === undefined ? this.#storeParts(topic, input, mark) : this.#storeWhole(topic, feed, input, mark);
  }

  /** Nearly every publish: one partition whatever its keys are. It has all of an earlier try of the same publish, or nothing. */
  #storeWhole(topic: Topic, feed: Feed, input: PublishInput, mark: ProducerMark | undefined): Stored {
    const { partition } = feed;
    const log = feed.log as RingLog;
    if (mark !== undefined) {
      const known = judge(topic.stored as StoredTopic, mark, [partition]);
      if (known.duplicate) return this.#repeat(topic, known.reply, mustBeSynced(topic, input));
    }
    const { epoch, firstOffset: first, timestamp } = this.#appendTo(log, input.records ?? input.messages, mark);
    this.#flush.markDirty(feed);
    topic.nextPartition = (topic.nextPartition + 1) % topic.feeds.length;
    const count = this.#countIn(input);
    const outcome = { topic: topic.name, offsets: [{ partition, epoch, first, count }], timestamp, duplicate: false };
    return { outcome, unsynced: mustBeSynced(topic, input) ? [log] : NO_LOGS };
  }

  #appendTo(log: RingLog, batch: Batch, mark: ProducerMark | undefined): Assignment {
    try {
      log.open();
      const assignment = this.#sequencer.assign(log, this.#runtime.nowMs());
      log.append(batch, assignment, mark);
      return assignment;
    } catch (error) {
      throw cannotStore(error, "no");
    }
  }

  /** Counts what was appended. @returns the number of messages */
  #countIn(input: PublishInput): number {
    const { records } = input;
    const count = records === undefined ? input.messages.length : records.count;
    this.counters.publishes += 1;
    this.counters.appendedRecords += count;
    this.counters.appendedBytes += sizeOf(input);
    return count;
  }

  /** Whatever may go to several partitions. */
  #storeParts(topic: Topic, input: PublishInput, mark: ProducerMark | undefined): Stored {
    const { messages, producer } = input;
    const { partition } = input;
    const { nextPartition } = topic;
    const partitions = topic.feeds.length;
    const batches = splitByPartition(messages, { partitions, partition, producer, nextPartition });
    // Where there are several, none may be refused after another was appended.
    if (batches.length > 1) {
      checkShares(batches, mark, (at) => (topic.feeds[at]?.log as RingLog).capacityBytes);
    }
    const written = batches.map((batch) => batch.partition);
    const known = mark && judge(topic.stored as StoredTopic, mark, written);
    const isSynced = mustBeSynced(topic, input);
    if (known?.duplicate === true) return this.#repeat(topic, known.reply, isSynced);
    topic.nextPartition = (nextPartition + 1) % partitions;
    const { offsets, timestamp } = this.#append(topic, batches, mark, known?.reply);
    this.#countIn(input);
    const outcome = { topic: topic.name, offsets, timestamp, duplicate: false };
    return { outcome, unsynced: isSynced ? logsOf(topic, offsets) : NO_LOGS };
  }

  #writableTopic(input: PublishInput): Topic {
    const { topic: name } = input;
    const topic = this.#topics.find(name);
    // A known name is legal: only the owner of `$…` is left to be asked for.
    if (topic !== undefined && !isHubTopic(name)) return topic;
    return this.#topics.obtain(checkWritableTopic(name), (config) => checkFirst(input, config));
  }

  /** The answer to a request that is stored already. */
  #repeat(topic: Topic, reply: ProducerReply | undefined, isSynced: boolean): Stored {
    this.counters.duplicates += 1;
    const outcome = { topic: topic.name, offsets: reply?.offsets, timestamp: reply?.timestamp, duplicate: true };
    // The first try may not have reached the storage device yet; where it went is forgotten with the reply.
    const unsynced = reply === undefined ? logsOf(topic) : logsOf(topic, reply.offsets);
    return { outcome, unsynced: isSynced ? unsynced : NO_LOGS };
  }

  /** @param known partitions that have their part already: a crash came between them and the others */
  #append(
    topic: Topic,
    batches: readonly PartitionBatch[],
    mark: ProducerMark | undefined,
    known: ProducerReply | undefined,
  ): { offsets: readonly OffsetRange[]; timestamp: number } {
    const missing = batches.filter(
      ({ partition }) => known?.offsets.every((range) => range.partition !== partition) ?? true,
    );
    const feeds = missing.map(({ partition }) => topic.feeds[partition] as Feed);
    open(feeds, known === undefined ? "no" : "unknown");
    // One time for the whole publish, so that one reply can tell it.
    let timestamp = Math.max(this.#runtime.nowMs(), known?.timestamp ?? 0);
    for (const { log } of feeds) timestamp = Math.max(timestamp, log?.lastTimestamp ?? 0);
    const offsets: OffsetRange[] = [...(known?.offsets ?? [])];
    for (const { partition, messages } of missing) {
      const feed = topic.feeds[partition] as Feed;
      const log = feed.log as RingLog;
      const assignment = this.#sequencer.assign(log, timestamp);
      try {
        log.append(messages, assignment, mark);
      } catch (error) {
        throw cannotStore(error, offsets.length === 0 ? "no" : "unknown");
      }
      offsets.push({ partition, epoch: assignment.epoch, first: assignment.firstOffset, count: messages.length });
      this.#flush.markDirty(feed);
    }
    offsets.sort((a, b) => a.partition - b.partition);
    return { offsets, timestamp: known?.timestamp ?? timestamp };
  }
}

/** The gate of one connection: what it has waiting for the storage device is limited. */
class GatedPublisher implements Publisher {
  readonly #publishing: Publishing;
  readonly #limits: HubLimits;
  #inflight = 0;
  #inflightBytes = 0;

  constructor(publishing: Publishing, limits: HubLimits) {
    this.#publishing = publishing;
    this.#limits = limits;
  }

  publish(input: PublishInput, subject: string | undefined): PublishOutcome | Promise<PublishOutcome> {
    this.#checkGate();
    const { outcome, unsynced } = this.#publishing.store(input, subject);
    if (unsynced.length === 0) return outcome;
    return this.#whenSynced(outcome, unsynced, sizeOf(input));
  }

  #checkGate(): void {
    const { counters } = this.#publishing;
    const limits = this.#limits;
    const isOpen =
      this.#inflight < limits.maxInflight &&
      this.#inflightBytes < limits.maxInflightBytes &&
      counters.inflight < limits.maxTotalInflight &&
      counters.inflightBytes < limits.maxTotalInflightBytes;
    if (isOpen) return;
    const message = `${this.#inflight} publishes of this connection and ${counters.inflight} in all wait for the storage device: wait for their answers.`;
    throw new RingcastError("rate_limited", message, { retryAfterMs: RETRY_AFTER_MS, stored: "no" });
  }

  async #whenSynced(outcome: PublishOutcome, logs: readonly RingLog[], bytes: number): Promise<PublishOutcome> {
    this.#count(1, bytes);
    const synced = allSynced(logs);
    const { waiting } = this.#publishing;
    waiting.add(synced);
    try {
      await synced;
      return outcome;
    } catch (error) {
      // It is in the log, but not known to be on the device: only a retry with a producer sequence is safe.
      throw cannotStore(error, "unknown");
    } finally {
      waiting.delete(synced);
      this.#count(-1, -bytes);
    }
  }

  #count(publishes: number, bytes: number): void {
    const { counters } = this.#publishing;
    this.#inflight += publishes;
    this.#inflightBytes += bytes;
    counters.inflight += publishes;
    counters.inflightBytes += bytes;
  }
}

/** Of one log, the promise that all have who wait for the same sync. */
function allSynced(logs: readonly RingLog[]): Promise<unknown> {
  const [only] = logs;
  return only !== undefined && logs.length === 1 ? only.synced() : Promise.all(logs.map((log) => log.synced()));
}

/** The partition that all messages go to, whatever their keys are; undefined where that isn't so, or there is none of this number. */
function soleFeed(topic: Topic, partition: number | undefined): Feed | undefined {
  const { feeds } = topic;
  if (partition !== undefined) return feeds[partition];
  return feeds.length === 1 ? feeds[0] : undefined;
}

function mustBeSynced(topic: Topic, { durability }: PublishInput): boolean {
  return durability === "synced" || topic.stored?.config.durability === "synced";
}

/** Bytes of data, keys and headers. */
function sizeOf(input: PublishInput): number {
  if (input.records !== undefined) return input.records.payloadBytes;
  const { messages } = input;
  let bytes = 0;
  for (const { key, headers, data } of messages) bytes += data.length + headers.length + (key?.length ?? 0);
  return bytes;
}

/**
 * Judges what would be the first publish to a topic.
 * @throws RingcastError what such a topic refuses it with
 */
function checkFirst({ messages, partition, producer }: PublishInput, { partitions, capacityBytes }: TopicConfig): void {
  const batches = splitByPartition(messages, { partitions, partition, producer, nextPartition: 0 });
  if (producer !== undefined && producer.sequence !== 0) throw outOfSequence(producer.sequence, 0);
  checkShares(batches, undefined, () => capacityBytes);
}

/**
 * One batch is at most a quarter of its ring.
 *
 * @param capacityOf bytes of the ring of a partition
 * @throws RingcastError `too_large`
 */
function checkShares(
  batches: readonly PartitionBatch[],
  mark: ProducerMark | undefined,
  capacityOf: (partition: number) => number,
): void {
  const partLength = mark === undefined ? 0 : encodeProducerPart(mark, 1).length;
  for (const { partition, messages } of batches) {
    const limit = Math.floor(capacityOf(partition) / LARGEST_SHARE);
    let size = 0;
    for (const message of messages) size += recordSize(message, size === 0 ? partLength : 0);
    if (size <= limit) continue;
    const advice = "publish less at once, or give the topic a larger capacityBytes";
    const message = `The messages for partition ${partition} take ${size} bytes, over a quarter of its capacity: ${advice}.`;
    throw new RingcastError("too_large", message, { limit });
  }
}

function markOf(input: PublishInput, producer: ProducerSequence, subject: string | undefined): ProducerMark {
  const digest = digestOf(input.records ?? input.messages, input.partition);
  return { id: scopedId(producer.id, subject), sequence: producer.sequence, digest };
}

/** Producers are told apart by who they are, so that nobody can use up another's sequences. No subject and no id can make another pair's text. */
function scopedId(id: string, subject: string | undefined): string {
  return subject === undefined ? id : `\u0000${subject.length}:${subject}:${id}`;
}

/** @throws RingcastError `out_of_sequence`, `conflict`, `too_many` */
function judge(
  stored: StoredTopic,
  mark: ProducerMark,
  partitions: readonly number[],
): { readonly duplicate: boolean; readonly reply: ProducerReply | undefined } {
  const { sequence } = mark;
  const verdict = stored.judge(mark, partitions);
  switch (verdict.kind) {
    case "new":
      return { duplicate: false, reply: undefined };
    case "partial":
      return { duplicate: false, reply: verdict.reply };
    case "duplicate":
      return { duplicate: true, reply: verdict.reply };
    case "skipped":
      throw outOfSequence(sequence, verdict.expected);
    case "conflict":
      throw new RingcastError(
        "conflict",
        `Sequence ${sequence} was used for other messages: give each publish a sequence of its own.`,
      );
    case "too_many":
      throw new RingcastError(
        "too_many",
        `Topic ${shown(stored.name)} knows as many producers as it may: use one that it knows, or none.`,
        { limit: verdict.limit },
      );
  }
}

function outOfSequence(sequence: number, expected: number): RingcastError {
  const message = `Sequence ${sequence} leaves some out: this producer's next on this topic is ${expected}.`;
  return new RingcastError("out_of_sequence", message, { expected });
}

function logsOf(topic: Topic, offsets?: readonly OffsetRange[]): readonly RingLog[] {
  const partitions = offsets?.map(({ partition }) => partition) ?? topic.feeds.map(({ partition }) => partition);
  return partitions.flatMap((partition) => topic.feeds[partition]?.log ?? []);
}

/** @throws RingcastError `unavailable` before anything was appended, rather than in the midst of it */
function open(feeds: readonly Feed[], stored: "no" | "unknown"): void {
  try {
    for (const { log } of feeds) log?.open();
  } catch (error) {
    throw cannotStore(error, stored);
  }
}

/** @param stored `no`: nothing was stored; `unknown`: some of it may be */
function cannotStore(error: unknown, stored: "no" | "unknown"): unknown {
  if (error instanceof RingcastError && error.code !== "unavailable") return error;
  const details = error instanceof RingcastError ? error.details : {};
  const message =
    error instanceof RingcastError ? error.message : "The log can't store at the moment: publish again later.";
  const outcome = details["stored"] === "unknown" ? "unknown" : stored;
  return new RingcastError("unavailable", message, { ...details, stored: outcome }, { cause: error });
}
