/**
 * The registry of topics over the store: finds, makes, configures and deletes them.
 */
import {
  RingcastError,
  checkTopic,
  checkWritableTopic,
  matchesPattern,
  shown,
  type TopicConfig,
  type TopicDescription,
} from "@ringcast/protocol";
import type { LineageEntry, LogStore, StoredTopic, TopicRow } from "../log/index.js";
import { LevelTrie } from "./level-trie.js";
import type { HubEvent, HubOptions, HubSettings, TopicRule } from "./port.js";
import { Topic, type Feed } from "./topic.js";

/** Who is told when topics come and go. */
export interface TopicWatcher {
  /** @param goneFeeds partitions that a former topic of this name had beyond the new one's */
  topicCreated(topic: Topic, goneFeeds: readonly Feed[]): void;
  /** @param lineages what the history of each partition was */
  topicDeleted(topic: Topic, lineages: readonly (readonly LineageEntry[])[]): void;
}

export interface TopicPage {
  readonly topics: readonly TopicRow[];
  readonly next: string | null;
}

export class Topics {
  /** Set once, when the parts are put together. */
  watcher: TopicWatcher | undefined = undefined;
  readonly #store: LogStore;
  readonly #defaultConfig: TopicConfig;
  #settings: HubSettings;
  readonly #report: (event: HubEvent) => void;
  /** Topics that were used lately, and deleted ones that still have readers. */
  readonly #topics = new Map<string, Topic>();
  /** Names of all stored topics. */
  readonly #names = new LevelTrie<string>();
  #lastNumber = 0;

  constructor(options: HubOptions) {
    this.#store = options.store;
    this.#defaultConfig = options.defaultConfig;
    const { rules, autoCreateTopics, limits } = options;
    this.#settings = { rules, autoCreateTopics, maxTopics: limits.maxTopics };
    this.#store.mayUnload = (name) => this.#letGo(name);
    this.#report = (event) => options.report(event);
    for (const name of this.#store.topicNames()) this.#names.set(name, name);
  }

  get count(): number {
    return this.#store.topicCount;
  }

  /** Takes other settings, for topics made from now on. */
  configure(settings: HubSettings): void {
    this.#settings = settings;
  }

  /** A number that no topic or pattern had before. */
  nextNumber(): number {
    return ++this.#lastNumber;
  }

  /** The topic of this name, if it exists. */
  find(name: string): Topic | undefined {
    const known = this.#topics.get(name);
    if (known?.stored !== undefined) {
      known.isUsed = true;
      return known;
    }
    const stored = this.#store.topic(name);
    return stored === undefined ? undefined : this.#attach(stored).topic;
  }

  /** @throws RingcastError `invalid_topic`, `unknown_topic` */
  get(name: string): Topic {
    const topic = this.find(name);
    if (topic !== undefined) return topic;
    throw new RingcastError(
      "unknown_topic",
      `Topic ${shown(checkTopic(name))} does not exist: publish to it or create it first.`,
    );
  }

  /**
   * The topic of this name, made by the first rule that matches where it doesn't exist.
   *
   * @param judge throws what a topic of this configuration would refuse the request with: then none is made
   * @throws RingcastError `invalid_topic`, `too_many`, `unavailable`; `unknown_topic` where topics are not made by themselves
   */
  obtain(name: string, judge: (config: TopicConfig) => void): Topic {
    const topic = this.find(name);
    if (topic !== undefined) return topic;
    const rule = this.#ruleOf(checkTopic(name));
    if (!(rule?.autoCreate ?? this.#settings.autoCreateTopics)) return this.get(name);
    judge(this.#configOf(rule));
    return this.#create(name, {});
  }

  eachMatchOf(pattern: string, visit: (topic: Topic) => void): void {
    this.#names.eachMatchOf(pattern, (name) => {
      const topic = this.find(name);
      if (topic !== undefined) visit(topic);
    });
  }

  put(
    name: string,
    config: Partial<TopicConfig>,
    { ifAbsent }: { readonly ifAbsent: boolean },
  ): { created: boolean; topic: Topic } {
    const topic = this.find(checkWritableTopic(name));
    if (topic?.stored === undefined) return { created: true, topic: this.#create(name, config) };
    if (ifAbsent) throw new RingcastError("already_exists", `Topic ${shown(name)} exists already.`);
    this.#store.configureTopic(name, { ...topic.stored.config, ...config });
    return { created: false, topic };
  }

  delete(name: string): void {
    checkWritableTopic(name);
    const topic = this.get(name);
    const lineages = topic.feeds.map((feed) => [...(feed.log?.lineage ?? [])]);
    topic.detach(this.#store.deleteTopic(name));
    this.watcher?.topicDeleted(topic, lineages);
    this.#names.delete(name);
    this.released(topic);
    this.#report({ type: "topic-deleted", topic: name });
  }

  /** A reader has left: a deleted topic is remembered only while somebody waits for its name. */
  released(topic: Topic): void {
    if (topic.stored === undefined && !topic.hasReaders) this.#topics.delete(topic.name);
  }

  list(after: string | undefined, limit: number): TopicPage {
    const topics: TopicRow[] = [];
    for (const row of this.#store.topicRows(after)) {
      const last = topics.at(-1);
      if (topics.length === limit && last !== undefined) return { topics, next: last.name };
      topics.push(row);
    }
    return { topics, next: null };
  }

  #create(name: string, config: Partial<TopicConfig>): Topic {
    const { maxTopics } = this.#settings;
    if (this.#store.topicCount >= maxTopics) {
      throw new RingcastError(
        "too_many",
        `The hub has ${maxTopics} topics, the most it may have: delete some, or raise maxTopics.`,
        { limit: maxTopics },
      );
    }
    const stored = this.#store.createTopic(name, { ...this.#configOf(this.#ruleOf(name)), ...config });
    this.#names.set(name, name);
    const { topic, goneFeeds } = this.#attach(stored);
    this.#report({ type: "topic-created", topic: name });
    this.watcher?.topicCreated(topic, goneFeeds);
    return topic;
  }

  #configOf(rule: TopicRule | undefined): TopicConfig {
    return { ...this.#defaultConfig, ...rule?.config };
  }

  #ruleOf(name: string): TopicRule | undefined {
    return this.#settings.rules.find(({ pattern }) => matchesPattern(pattern, name));
  }

  /** Forgets a topic that nobody reads and nobody has asked for since the last time. @returns whether the store may let it go, too */
  #letGo(name: string): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined) return true;
    const isIdle = !topic.isUsed && !topic.hasReaders && topic.feeds.every(({ dirty }) => !dirty);
    topic.isUsed = false;
    if (isIdle) this.#topics.delete(name);
    return isIdle;
  }

  #attach(stored: StoredTopic): { topic: Topic; goneFeeds: readonly Feed[] } {
    let topic = this.#topics.get(stored.name);
    if (topic === undefined) this.#topics.set(stored.name, (topic = new Topic(stored.name, this.nextNumber())));
    return { topic, goneFeeds: topic.attach(stored) };
  }
}

/** A topic as `topic` and HTTP tell it. */
export function describe(topic: Topic): TopicDescription {
  const stored = topic.stored as StoredTopic;
  const partitions = stored.partitions.map(({ partition, epoch, tail, head, headAddress, tailAddress }) => {
    return { partition, epoch, tail, head, bytes: headAddress - tailAddress };
  });
  return { name: topic.name, partitions, config: stored.config };
}
