/**
 * The hub: puts topics, publishing, subscriptions and the flush together behind one door.
 */
import { checkTopic, type TopicConfig, type TopicDescription } from "@ringcast/protocol";
import { Flush } from "./flush.js";
import { readHistory, type HistoryDialect } from "./history.js";
import { Interests } from "./interests.js";
import type {
  DeliveryDialect,
  HistoryInput,
  HistoryPage,
  Hub,
  HubOptions,
  HubSettings,
  HubStats,
  Outlet,
  Publisher,
  Reader,
  RestoreOutcome,
} from "./port.js";
import { Publishing } from "./publishing.js";
import { HubReader } from "./reader.js";
import { gaugesOf } from "./report.js";
import { Restoring } from "./restoring.js";
import { Topics, describe, type TopicPage } from "./topics.js";

/** Makes a hub over a store that is open. */
export function createHub(options: HubOptions): Hub {
  return new LocalHub(options);
}

class LocalHub implements Hub {
  readonly #options: HubOptions;
  readonly #topics: Topics;
  readonly #flush: Flush;
  readonly #interests: Interests;
  readonly #publishing: Publishing;
  readonly #restoring: Restoring;
  readonly #readers = new Set<HubReader>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#topics = new Topics(options);
    this.#flush = new Flush(options.runtime, (event) => options.report(event));
    this.#interests = new Interests(this.#flush, this.#topics, options, (reader) => this.#readers.delete(reader));
    this.#topics.watcher = this.#interests;
    this.#publishing = new Publishing(options, this.#topics, this.#flush);
    this.#restoring = new Restoring(this.#topics, this.#flush);
    options.store.onReadable = (log) => this.#flush.readable(log);
  }

  get stats(): HubStats {
    const { inflight, publishes, duplicates, appendedRecords, appendedBytes } = this.#publishing.counters;
    const { subscriptions, cursors } = this.#interests;
    const { counters, delivery } = this.#flush;
    const { flushes, flushMs, deliveredFrames, deliveredBytes, publishToSend, flushBytes } = counters;
    return {
      ...delivery.counters,
      ...gaugesOf(this.#readers, this.#options.runtime.nowMs()),
      flushes,
      flushMs,
      deliveredFrames,
      deliveredBytes,
      publishToSend,
      flushBytes,
      readers: this.#readers.size,
      subscriptions,
      cursors,
      topics: this.#topics.count,
      inflightPublishes: inflight,
      publishes,
      duplicates,
      appendedRecords,
      appendedBytes,
      builtFrames: delivery.cache.built,
    };
  }

  openPublisher(): Publisher {
    return this.#publishing.openPublisher();
  }

  openReader(outlet: Outlet, dialect: DeliveryDialect): Reader {
    const reader = new HubReader(outlet, dialect, this.#interests);
    this.#readers.add(reader);
    return reader;
  }

  history(input: HistoryInput, dialect: HistoryDialect): HistoryPage {
    const topic = this.#topics.get(input.topic);
    return readHistory(topic, input, dialect, this.#options.runtime.nowMs());
  }

  restore(topic: string, partition: number, frame: Uint8Array): RestoreOutcome {
    return this.#restoring.restore(topic, partition, frame);
  }

  configure(settings: HubSettings): void {
    this.#topics.configure(settings);
  }

  describe(topic: string): TopicDescription {
    const known = this.#topics.get(topic);
    for (const { log } of known.feeds) log?.ensureKnown();
    return describe(known);
  }

  listTopics(after: string | undefined, limit: number): TopicPage {
    return this.#topics.list(after === undefined ? undefined : checkTopic(after), limit);
  }

  putTopic(
    name: string,
    config: Partial<TopicConfig>,
    options: { readonly ifAbsent: boolean },
  ): { readonly created: boolean; readonly topic: TopicDescription } {
    const { created, topic } = this.#topics.put(name, config, options);
    return { created, topic: describe(topic) };
  }

  deleteTopic(name: string): void {
    this.#topics.delete(name);
  }

  async drain(): Promise<void> {
    this.#publishing.isDraining = true;
    // Who waits is answered with an outcome or an error; that there is one is enough here.
    await Promise.allSettled([...this.#publishing.waiting]);
    await new Promise<void>((resolve) => this.#options.runtime.endOfTurn(resolve));
  }

  close(): void {
    this.#publishing.isDraining = true;
    for (const reader of this.#readers) reader.close();
  }
}
