/** The topics of a store that are in memory: brought there when somebody asks, let go when nobody does any more, closed in the end. */
import { RingcastError } from "@ringcast/protocol";
import { type AgeClock, type Runtime, TimerWheel } from "../runtime/index.js";
import type { Catalogue, CataloguedTopic } from "./catalogue/catalogue.js";
import { unwrittenPartition } from "./catalogue/changes.js";
import type { FileContext } from "./file-context.js";
import { EPOCH_LENGTH } from "./lineage.js";
import type { RetentionContext } from "./retention.js";
import { RetentionSchedule } from "./retention-schedule.js";
import { Topic } from "./topic.js";
import { TopicCache } from "./topic-cache.js";

/** Topics closed at once when the store is. */
const CLOSED_AT_ONCE = 8;

export interface LoadedTopicsOptions {
  readonly runtime: Runtime;
  readonly ages: AgeClock;
  readonly catalogue: Catalogue;
  readonly context: FileContext;
  /** Asked before a topic that was not asked for in a while is let go. */
  readonly mayUnload: (name: string) => boolean;
}

export class LoadedTopics {
  /** Records that retention by age or count has let go since the start. */
  expiredRecords = 0;
  readonly #runtime: Runtime;
  readonly #catalogue: Catalogue;
  readonly #context: FileContext;
  readonly #mayUnload: (name: string) => boolean;
  readonly #cache: TopicCache;
  readonly #wheel: TimerWheel;
  readonly #retention: RetentionContext;
  readonly #schedule: RetentionSchedule;
  #isClosing = false;

  constructor({ runtime, ages, catalogue, context, mayUnload }: LoadedTopicsOptions) {
    this.#runtime = runtime;
    this.#catalogue = catalogue;
    this.#context = context;
    this.#mayUnload = mayUnload;
    this.#cache = new TopicCache(runtime, (topic) => void this.#letGo(topic));
    this.#wheel = new TimerWheel(runtime);
    this.#retention = { ages, wheel: this.#wheel, expired: (records) => (this.expiredRecords += records) };
    this.#schedule = new RetentionSchedule(runtime, ages, catalogue, (name) => this.#expire(name));
  }

  /** Recovers the logs that the process before left open, then begins to look what expires. */
  start(): void {
    const open = new Map<string, Set<number>>();
    for (const [name, partition] of this.#catalogue.openLogs()) {
      open.set(name, (open.get(name) ?? new Set()).add(partition));
    }
    for (const [name, partitions] of open) this.#recover(name, partitions);
    this.#schedule.start();
  }

  /** The topic, from the catalogue where it is not in memory; undefined where there is none of this name. */
  find(name: string): Topic | undefined {
    const loaded = this.#cache.get(name);
    if (loaded !== undefined) return loaded;
    const catalogued = this.#catalogue.topic(name);
    if (catalogued === undefined) return undefined;
    const topic = this.#keep(name, this.#revived(catalogued), () => false);
    if (topic.isInDoubt) topic.distrust();
    topic.retain(catalogued.expiresMs ?? Infinity);
    return topic;
  }

  /** Takes in a topic that was just made. */
  add(name: string, catalogued: CataloguedTopic): Topic {
    const topic = this.#keep(name, catalogued, () => false);
    topic.retain(Infinity);
    return topic;
  }

  /** Takes out a topic that is deleted, with everything it has in memory. */
  remove(topic: Topic): void {
    this.#cache.delete(topic.name);
    topic.remove();
  }

  /**
   * Closes all of them; nothing expires and nothing is let go any more.
   * @returns whether the next start need verify none of their logs
   */
  async close(): Promise<boolean> {
    this.#isClosing = true;
    this.#cache.close();
    this.#schedule.close();
    this.#wheel.stop();
    const backlog = [...this.#cache.values()];
    let isClean = true;
    const work = async (): Promise<void> => {
      for (let topic = backlog.pop(); topic !== undefined; topic = backlog.pop()) {
        const state = await topic.close();
        if (state === undefined || !this.#noteClosed(topic.name, state)) isClean = false;
      }
    };
    await Promise.all(Array.from({ length: CLOSED_AT_ONCE }, work));
    return isClean;
  }

  #keep(name: string, catalogued: CataloguedTopic, wasOpen: (partition: number) => boolean): Topic {
    const topic = new Topic({
      name,
      catalogued,
      context: this.#context,
      catalogue: this.#catalogue,
      wasOpen,
      retention: this.#retention,
    });
    this.#cache.add(topic);
    return topic;
  }

  /** What was in memory is gone with the process before: such a topic begins anew, in an epoch of its own. */
  #revived(catalogued: CataloguedTopic): CataloguedTopic {
    if (catalogued.config.storage !== "memory") return catalogued;
    const epoch = this.#runtime.randomId(EPOCH_LENGTH);
    return { ...catalogued, partitions: catalogued.partitions.map(() => unwrittenPartition(epoch)) };
  }

  #recover(name: string, partitions: ReadonlySet<number>): void {
    const catalogued = this.#catalogue.topic(name);
    if (catalogued === undefined) return;
    const topic = this.#keep(name, catalogued, (partition) => partitions.has(partition));
    for (const partition of partitions) topic.recover(partition);
    if (topic.isInDoubt) topic.distrust();
    topic.recovered();
    topic.retain(0);
  }

  /** Lets an unused topic go, unless somebody asks for it or writes to it meanwhile. */
  async #letGo(topic: Topic): Promise<void> {
    const { name } = topic;
    if (!this.#mayUnload(name)) return;
    try {
      if (!(await topic.rest())) return;
      // Whoever has asked since keeps it: the device may have taken so long that the clock has come by meanwhile and forgot that it was used.
      if (topic.isUsed || this.#isClosing || !this.#cache.has(topic)) return;
      if (!this.#mayUnload(name)) return;
      const state = topic.describe({ closed: true });
      this.#catalogue.closeTopic(name, state);
      topic.retire();
      this.#cache.delete(name);
      if (state.expiresMs !== undefined) this.#schedule.noted(state.expiresMs);
    } catch (error) {
      // The storage refused, and an event has said so: the topic stays.
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /** Something of a topic is due that nobody asked for, or was when the catalogue heard of it the last time. */
  #expire(name: string): void {
    const topic = this.find(name);
    if (topic === undefined) return;
    topic.retain(0);
    this.#catalogue.putTopic(name, topic.describe());
  }

  /** The catalogue may refuse: then the next start verifies the log. @returns whether it took it */
  #noteClosed(name: string, state: CataloguedTopic): boolean {
    try {
      this.#catalogue.closeTopic(name, state);
      return true;
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return false;
    }
  }
}
