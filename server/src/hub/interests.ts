/**
 * Who reads what: makes and ends subscriptions, and keeps those to patterns up to date as topics come and go.
 */
import { RingcastError, checkPattern, shown, type PartitionStates } from "@ringcast/protocol";
import type { LineageEntry, RingLog } from "../log/index.js";
import type { Runtime } from "../runtime/index.js";
import { Cursor } from "./cursor.js";
import { CompiledFilter } from "./filter.js";
import type { Flush } from "./flush.js";
import { LevelTrie } from "./level-trie.js";
import type { AckInput, HubLimits, HubOptions, SubscribeInput, SubscribeOutcome } from "./port.js";
import type { HubReader } from "./reader.js";
import { anew, beginningOf, epochAt, type Beginning, type LogFacts } from "./start.js";
import { PLAIN_TERMS, Subscription, partitionStates, type Reading } from "./subscription.js";
import { absentIn, checkStart, startOf, type StartTarget } from "./start-check.js";
import type { Feed, Topic } from "./topic.js";
import type { Topics } from "./topics.js";
import { NO_END, checkUntil, endAhead, endOf } from "./until.js";

/** A log that can't be opened when a subscription's end has come is asked again after this. */
const ASK_AGAIN_MS = 1_000;
/** The longest that a timer can wait; it is set again for what is left. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Topics that the reply to a pattern's subscribe lists; the others are told by `matched`. */
const MAX_LISTED_TOPICS = 1_000;

/** A log that has never had a record. */
const NOTHING_YET: LogFacts = { head: 0, tail: 0, lineage: [], offsetAtTime: () => 0 };

/** A pattern that somebody subscribed to. */
interface Pattern {
  readonly text: string;
  /** Like {@link Topic.number}. */
  readonly number: number;
  readonly subscriptions: Set<Subscription>;
}

/** A topic that a new subscription will read, and where in each partition. */
interface Plan {
  readonly topic: Topic;
  readonly beginnings: readonly Beginning[];
  /** By partition: the offset before which reading ends. */
  readonly ends: readonly number[];
}

export class Interests {
  readonly flush: Flush;
  readonly forget: (reader: HubReader) => void;
  subscriptions = 0;
  cursors = 0;
  readonly #topics: Topics;
  readonly #limits: HubLimits;
  readonly #runtime: Runtime;
  readonly #patterns = new LevelTrie<Pattern>();

  /** @param forget called when a reader has closed */
  constructor(
    flush: Flush,
    topics: Topics,
    { limits, runtime }: Pick<HubOptions, "limits" | "runtime">,
    forget: (reader: HubReader) => void,
  ) {
    this.flush = flush;
    this.forget = forget;
    this.#topics = topics;
    this.#limits = limits;
    this.#runtime = runtime;
  }

  /** Wall clock. */
  nowMs(): number {
    return this.#runtime.nowMs();
  }

  /** Everything is checked before anything is subscribed. */
  subscribe(reader: HubReader, input: SubscribeInput): SubscribeOutcome {
    const { topic, pattern } = input;
    const limit = this.#limits.maxSubscriptions;
    if (reader.subscriptionCount >= limit) {
      throw new RingcastError(
        "too_many",
        `This connection has ${limit} subscriptions, the most it may have: unsubscribe, or use another connection.`,
        { limit },
      );
    }
    if (pattern !== undefined) return this.#subscribeToPattern(reader, checkPattern(pattern), input);
    return this.#subscribeToTopic(reader, topic as string, input);
  }

  /** Ends a subscription that its reader has let go of. */
  end(subscription: Subscription): void {
    subscription.endTimer?.cancel();
    for (const { topic, cursors } of subscription.readings.values()) {
      for (const cursor of cursors) cursor.detach();
      this.cursors -= cursors.length;
      this.#topics.released(topic);
    }
    subscription.readings.clear();
    this.subscriptions -= 1;
    if (subscription.pattern === undefined) return;
    const pattern = this.#patterns.get(subscription.pattern);
    pattern?.subscriptions.delete(subscription);
    if (pattern?.subscriptions.size === 0) this.#patterns.delete(subscription.pattern);
  }

  /** @throws RingcastError `invalid_offset` for what was not delivered yet, `bad_request` */
  acknowledge(subscription: Subscription, { topic, partition, offset }: AckInput): void {
    const cursor = subscription.cursorOf(topic, partition);
    if (offset >= cursor.offset) {
      if (offset < cursor.formerOffset) return;
      throw new RingcastError(
        "invalid_offset",
        `Offset ${shown(offset)} was not delivered yet on this subscription: acknowledge at most ${cursor.offset - 1}.`,
        { next: cursor.offset },
      );
    }
    if (subscription.window === 0) return;
    subscription.unacknowledged -= cursor.acknowledge(offset + 1);
    if (subscription.credit > 0) this.flush.lookAgain(subscription);
  }

  /** A topic has come into being, by a publish or otherwise: patterns that match read it from its first record. */
  topicCreated(topic: Topic, goneFeeds: readonly Feed[]): void {
    for (const feed of goneFeeds) while (feed.cursors[0] !== undefined) this.#drop(feed.cursors[0]);
    const [first, ...others] = topic.feeds;
    // A topic made anew may have more partitions than its subscriptions know.
    for (const { reading } of [...(first?.cursors ?? [])]) {
      for (const feed of others)
        if (reading.cursors[feed.partition] === undefined && reading.subscription.takesNewTopics)
          this.#addCursor(reading, feed, { beginning: { offset: 0, stoodAt: undefined }, end: NO_END });
    }
    this.#patterns.eachPatternOf(topic.name, ({ subscriptions }) => {
      for (const subscription of subscriptions) {
        if (subscription.readings.has(topic.name) || !subscription.takesNewTopics) continue;
        const positions = subscription.absent?.get(topic.name) ?? {};
        subscription.absent?.delete(topic.name);
        const beginnings = topic.feeds.map(({ log, partition }) => anew(log as RingLog, positions, partition));
        const ends = topic.feeds.map(() => NO_END);
        this.#addReading(subscription, { topic, beginnings, ends }, { announced: false });
      }
    });
  }

  /** A topic was deleted: its readers are told and stay on the name, at the start of the next epoch. */
  topicDeleted(topic: Topic, lineages: readonly (readonly LineageEntry[])[]): void {
    for (const { cursors, partition, nextEpoch } of topic.feeds) {
      const lineage = lineages[partition] as readonly LineageEntry[];
      for (const cursor of cursors) {
        const { offset } = cursor;
        cursor.restart(0, { epoch: epochAt(lineage, offset), offset }, "deleted");
        cursor.epoch = nextEpoch;
        // The log that it waits for is no more.
        if (cursor.state === "reading") cursor.state = "idle";
        // Told even where the window is still full: a gap takes no room in it.
        this.flush.lookAgain(cursor.reading.subscription);
        this.flush.enqueue(cursor);
      }
    }
  }

  #subscribeToTopic(reader: HubReader, name: string, input: SubscribeInput): SubscribeOutcome {
    const topic = this.#topics.find(name) ?? this.#make(name, input);
    checkRange({ name, partitions: topic.feeds.length }, input);
    const plan = this.#planOf(topic, input);
    const number = reader.numberFor(topic.number, this.#limits.maxSubscriptions);
    const subscription = this.#newSubscription(number, reader, input);
    const reading = this.#addReading(subscription, plan, { announced: true });
    this.#begin(subscription);
    return { subscription: number, partitions: partitionStates(reading), topics: undefined, more: false };
  }

  /** (A method of its own: a closure costs memory in each call of the one around it, made or not.) */
  #make(name: string, input: SubscribeInput): Topic {
    return this.#topics.obtain(name, ({ partitions }) => checkFirst({ name, partitions }, input));
  }

  #subscribeToPattern(reader: HubReader, text: string, input: SubscribeInput): SubscribeOutcome {
    const { from } = input;
    checkRange(undefined, input);
    const plans: Plan[] = [];
    this.#topics.eachMatchOf(text, (topic) => void plans.push(this.#planOf(topic, input)));
    const pattern = this.#patternOf(text);
    const number = reader.numberFor(pattern.number, this.#limits.maxSubscriptions);
    const subscription = this.#newSubscription(number, reader, input);
    pattern.subscriptions.add(subscription);
    subscription.absent = absentIn(from, (name) => this.#topics.find(name) !== undefined);
    const listed: [string, PartitionStates][] = [];
    for (const plan of plans) {
      const announced = listed.length < MAX_LISTED_TOPICS;
      const reading = this.#addReading(subscription, plan, { announced });
      if (announced) listed.push([plan.topic.name, partitionStates(reading)]);
    }
    this.#begin(subscription);
    return {
      subscription: number,
      partitions: undefined,
      topics: Object.fromEntries(listed),
      more: plans.length > listed.length,
    };
  }

  #planOf(topic: Topic, { from, until }: SubscribeInput): Plan {
    const start = startOf(from, topic.name);
    const nowMs = this.#runtime.nowMs();
    const { feeds } = topic;
    for (const { log } of feeds) log?.ensureKnown();
    const beginnings = new Array<Beginning>(feeds.length);
    const ends = new Array<number>(feeds.length);
    for (const { log, partition } of feeds) {
      beginnings[partition] = beginningOf(log as RingLog, start, partition);
      ends[partition] = endOf(log as RingLog, until, nowMs);
    }
    return { topic, beginnings, ends };
  }

  #newSubscription(number: number, reader: HubReader, input: SubscribeInput): Subscription {
    const { pattern, window, filter, until, verify } = input;
    const compiledFilter = filter === undefined ? undefined : new CompiledFilter(filter);
    const since = this.#runtime.nowMs();
    const isPlain = pattern === undefined && window === 0 && filter === undefined && until === undefined && !verify;
    const terms = isPlain ? PLAIN_TERMS : { pattern, window, filter, compiledFilter, until, verify };
    const subscription = new Subscription(number, reader, terms, since);
    const endsAtMs = endAhead(until, since);
    if (endsAtMs !== undefined) this.#endLater(subscription, endsAtMs);
    return subscription;
  }

  #begin(subscription: Subscription): void {
    subscription.reader.add(subscription);
    this.subscriptions += 1;
    this.#settle(subscription);
  }

  /** Tells the end of a subscription that has nothing to read. */
  #settle(subscription: Subscription): void {
    if (!subscription.isOver) return;
    subscription.reader.pushOver(subscription);
    this.flush.visitSoon(subscription.reader);
  }

  /** The subscription ends at a time that is to come. */
  #endLater(subscription: Subscription, timeMs: number): void {
    subscription.endsAtMs = timeMs;
    const leftMs = timeMs - this.#runtime.nowMs();
    const delayMs = leftMs > 0 ? Math.min(leftMs, LONGEST_TIMER_MS) : ASK_AGAIN_MS;
    subscription.endTimer = this.#runtime.setTimer(delayMs, () => {
      if (this.#runtime.nowMs() < timeMs || !this.#setEnds(subscription, timeMs)) this.#endLater(subscription, timeMs);
    });
  }

  /**
   * The time at which a subscription ends has come: what is in the logs by now is all that there is before it.
   * @returns false when one of them can't be asked at the moment
   */
  #setEnds(subscription: Subscription, timeMs: number): boolean {
    const cursors = [...subscription.readings.values()].flatMap((reading) => reading.cursors);
    for (const cursor of cursors) {
      if (cursor.end !== NO_END) continue;
      const end = offsetAtTime(cursor, timeMs);
      if (end === undefined) return false;
      cursor.end = end;
    }
    subscription.endsAtMs = undefined;
    this.flush.lookAgain(subscription);
    for (const cursor of cursors) this.flush.enqueue(cursor);
    this.#settle(subscription);
    return true;
  }

  #patternOf(text: string): Pattern {
    const known = this.#patterns.get(text);
    if (known !== undefined) return known;
    const pattern = { text, number: this.#topics.nextNumber(), subscriptions: new Set<Subscription>() };
    this.#patterns.set(text, pattern);
    return pattern;
  }

  #addReading(subscription: Subscription, plan: Plan, { announced }: { announced: boolean }): Reading {
    const { topic, beginnings, ends } = plan;
    // Of the right length: one that grows by itself has room for 17 at once.
    const cursors = new Array<Cursor>(topic.feeds.length);
    const reading: Reading = { subscription, topic, cursors, announced };
    subscription.readings.set(topic.name, reading);
    for (const feed of topic.feeds) {
      const beginning = beginnings[feed.partition] as Beginning;
      this.#addCursor(reading, feed, { beginning, end: ends[feed.partition] as number });
    }
    return reading;
  }

  #addCursor(
    reading: Reading,
    feed: Feed,
    { beginning, end }: { readonly beginning: Beginning; readonly end: number },
  ): void {
    const { offset, stoodAt } = beginning;
    const pendingGap = stoodAt === undefined ? undefined : ({ stoodAt, reason: "epoch", unacknowledged: 0 } as const);
    const cursor = new Cursor(feed, reading, { offset, end, pendingGap });
    reading.cursors[feed.partition] = cursor;
    reading.subscription.openCursors += 1;
    this.cursors += 1;
    const isDue = pendingGap !== undefined || offset >= end || offset < (feed.log as RingLog).head;
    if (isDue) this.flush.enqueue(cursor);
  }

  /** Lets go of a cursor whose partition is no more. */
  #drop(cursor: Cursor): void {
    cursor.detach();
    const { cursors } = cursor.reading;
    cursors.splice(cursors.indexOf(cursor), 1);
    this.cursors -= 1;
    const { subscription } = cursor.reading;
    subscription.formerlyDelivered += cursor.deliveredRecords;
    if (cursor.state === "ended") return;
    subscription.openCursors -= 1;
    this.#settle(subscription);
  }
}

/** @throws RingcastError `bad_request` where beginning or end make no sense here */
function checkRange(topic: StartTarget | undefined, { from, until }: SubscribeInput): void {
  checkStart(from, topic);
  checkUntil(until, topic);
}

/**
 * Judges a subscription to a topic that is yet to be made.
 * @throws RingcastError what such a topic refuses it with
 */
function checkFirst(topic: StartTarget, input: SubscribeInput): void {
  checkRange(topic, input);
  beginningOf(NOTHING_YET, startOf(input.from, topic.name), 0);
}

/** The first offset at or after a time; undefined while the log's file can't be opened, which is told elsewhere. */
function offsetAtTime({ feed, offset }: Cursor, timeMs: number): number | undefined {
  try {
    return feed.log?.offsetAtTime(timeMs) ?? offset;
  } catch (error) {
    if (error instanceof RingcastError && error.code === "unavailable") return undefined;
    throw error;
  }
}
