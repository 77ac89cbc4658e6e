/**
 * Who reads what: makes and ends subscriptions, and keeps those to patterns up to date as topics come and go.
 */
import { RingcastError, checkPattern, shown, type PartitionStates, type TopicStart } from "@ringcast/protocol";
import type { LineageEntry, RingLog } from "../log/index.js";
import { Cursor } from "./cursor.js";
import type { Flush } from "./flush.js";
import { LevelTrie } from "./level-trie.js";
import type { AckInput, HubLimits, SubscribeInput, SubscribeOutcome } from "./port.js";
import type { HubReader } from "./reader.js";
import { anew, beginningOf, epochAt, type Beginning } from "./start.js";
import { Subscription, partitionStates, type Reading } from "./subscription.js";
import { absentIn, checkStart, startOf } from "./start-check.js";
import type { Feed, Topic } from "./topic.js";
import type { Topics } from "./topics.js";

/** Topics that the reply to a pattern's subscribe lists; the others are told by `matched`. */
const MAX_LISTED_TOPICS = 1_000;

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
}

export class Interests {
  readonly flush: Flush;
  readonly forget: (reader: HubReader) => void;
  subscriptions = 0;
  cursors = 0;
  readonly #topics: Topics;
  readonly #limits: HubLimits;
  readonly #patterns = new LevelTrie<Pattern>();

  /** @param forget called when a reader has closed */
  constructor(flush: Flush, topics: Topics, limits: HubLimits, forget: (reader: HubReader) => void) {
    this.flush = flush;
    this.forget = forget;
    this.#topics = topics;
    this.#limits = limits;
  }

  /** Everything is checked before anything is subscribed. */
  subscribe(reader: HubReader, input: SubscribeInput): SubscribeOutcome {
    const { topic, pattern } = input;
    if (reader.subscriptionCount >= this.#limits.maxSubscriptions) {
      throw new RingcastError(
        "too_many",
        `This connection has ${reader.subscriptionCount} subscriptions, the most it may have: unsubscribe, or use another connection.`,
      );
    }
    if (pattern !== undefined) return this.#subscribeToPattern(reader, checkPattern(pattern), input);
    return this.#subscribeToTopic(reader, topic as string, input);
  }

  /** Ends a subscription that its reader has let go of. */
  end(subscription: Subscription): void {
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
        if (reading.cursors[feed.partition] === undefined)
          this.#addCursor(reading, feed, { offset: 0, stoodAt: undefined });
    }
    this.#patterns.eachPatternOf(topic.name, ({ subscriptions }) => {
      for (const subscription of subscriptions) {
        if (subscription.readings.has(topic.name)) continue;
        const positions = subscription.absent?.get(topic.name) ?? {};
        subscription.absent?.delete(topic.name);
        const beginnings = topic.feeds.map(({ log, partition }) => anew(log as RingLog, positions, partition));
        this.#addReading(subscription, { topic, beginnings }, { announced: false });
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
        // Told even where the window is still full: a gap takes no room in it.
        this.flush.lookAgain(cursor.reading.subscription);
        this.flush.enqueue(cursor);
      }
    }
  }

  #subscribeToTopic(reader: HubReader, name: string, { from, window }: SubscribeInput): SubscribeOutcome {
    const topic = this.#topics.obtain(name);
    checkStart(from, topic);
    const plan = { topic, beginnings: beginningsIn(topic, startOf(from, name)) };
    const number = reader.numberFor(topic.number, this.#limits.maxSubscriptions);
    const subscription = new Subscription(number, reader, undefined, window);
    const reading = this.#addReading(subscription, plan, { announced: true });
    this.#begin(subscription);
    return { subscription: number, partitions: partitionStates(reading), topics: undefined, more: false };
  }

  #subscribeToPattern(reader: HubReader, text: string, { from, window }: SubscribeInput): SubscribeOutcome {
    checkStart(from, undefined);
    const plans: Plan[] = [];
    this.#topics.eachMatchOf(text, (topic) => {
      plans.push({ topic, beginnings: beginningsIn(topic, startOf(from, topic.name)) });
    });
    const pattern = this.#patternOf(text);
    const number = reader.numberFor(pattern.number, this.#limits.maxSubscriptions);
    const subscription = new Subscription(number, reader, text, window);
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

  #begin(subscription: Subscription): void {
    subscription.reader.add(subscription);
    this.subscriptions += 1;
  }

  #patternOf(text: string): Pattern {
    const known = this.#patterns.get(text);
    if (known !== undefined) return known;
    const pattern = { text, number: this.#topics.nextNumber(), subscriptions: new Set<Subscription>() };
    this.#patterns.set(text, pattern);
    return pattern;
  }

  #addReading(subscription: Subscription, plan: Plan, { announced }: { announced: boolean }): Reading {
    const { topic, beginnings } = plan;
    const reading: Reading = { subscription, topic, cursors: [], announced };
    subscription.readings.set(topic.name, reading);
    for (const feed of topic.feeds) this.#addCursor(reading, feed, beginnings[feed.partition] as Beginning);
    return reading;
  }

  #addCursor(reading: Reading, feed: Feed, { offset, stoodAt }: Beginning): void {
    const pendingGap = stoodAt === undefined ? undefined : ({ stoodAt, reason: "epoch", unacknowledged: 0 } as const);
    const cursor = new Cursor(feed, reading, offset, pendingGap);
    reading.cursors.push(cursor);
    this.cursors += 1;
    if (pendingGap !== undefined || offset < (feed.log as RingLog).head) this.flush.enqueue(cursor);
  }

  /** Lets go of a cursor whose partition is no more. */
  #drop(cursor: Cursor): void {
    cursor.detach();
    const { cursors } = cursor.reading;
    cursors.splice(cursors.indexOf(cursor), 1);
    this.cursors -= 1;
  }
}

function beginningsIn(topic: Topic, start: TopicStart): readonly Beginning[] {
  return topic.feeds.map((feed) => beginningOf(feed.log as RingLog, start, feed.partition));
}
