/**
 * What the store knows of its topics, in lmdb: a hub that starts reads this instead of opening every log. A write is in the operating system's hands
 * when the call returns, so it survives `kill -9`.
 */
import { join } from "node:path";
import { RingcastError, shown, type TopicConfig } from "@ringcast/protocol";
import { type Database, open, type RootDatabase } from "lmdb";
import type { LineageEntry } from "../port.js";
import { isPlausibleLmdb } from "./plausible.js";

/** A partition as of its clean close; head and tail are out of date while its log is marked open. */
export interface CataloguedPartition {
  readonly lineage: readonly LineageEntry[];
  readonly head: number;
  readonly tail: number;
  readonly headAddress: number;
  readonly tailAddress: number;
  readonly lastTimestamp: number;
  /** Bytes that its file takes; 0: it has none. */
  readonly bytes: number;
}

export interface CataloguedTopic {
  readonly config: TopicConfig;
  readonly partitions: readonly CataloguedPartition[];
}

/** A deleted topic: what the name goes on with. */
export interface Deletion {
  readonly epochs: readonly string[];
  readonly deletedMs: number;
}

const FORMAT = 1;
/** Topic and partition of a log that isn't closed cleanly. */
type OpenKey = [topic: string, partition: number];
/** Before each producer's id in a key, so that there is a key behind all of them whatever they are. */
const ID_PREFIX = "p";
const BEHIND_IDS = "q";
type ProducerKey = [topic: string, producer: string];

/** The catalogue of one data directory. */
export class Catalogue {
  readonly #root: RootDatabase;
  readonly #topics: Database<CataloguedTopic, string>;
  readonly #openLogs: Database<number, OpenKey>;
  readonly #deletions: Database<Deletion, string>;
  /** Topics whose files are still to be removed, with their partitions. */
  readonly #doomed: Database<number, string>;
  readonly #producers: Database<Uint8Array, ProducerKey>;

  /** @throws RingcastError `unavailable` with `details.field` "data" when the files can't be understood */
  constructor(path: string) {
    try {
      if (!isPlausibleLmdb(join(path, "data.mdb"))) throw new Error("data.mdb is damaged or was cut short.");
      this.#root = open({ path, maxDbs: 8 });
      this.#topics = this.#root.openDB({ name: "topics" });
      this.#openLogs = this.#root.openDB({ name: "open-logs" });
      this.#deletions = this.#root.openDB({ name: "deletions" });
      this.#doomed = this.#root.openDB({ name: "doomed" });
      this.#producers = this.#root.openDB({ name: "producers", encoding: "binary" });
    } catch (cause) {
      const advice = "restore it from a backup or move it away: topics are then made anew";
      throw new RingcastError(
        "unavailable",
        `The catalogue ${path} can't be read: ${advice}.`,
        { field: "data" },
        { cause },
      );
    }
    this.#checkFormat(path);
  }

  get topicCount(): number {
    return (this.#topics.getStats() as { entryCount: number }).entryCount;
  }

  topic(name: string): CataloguedTopic | undefined {
    return this.#topics.get(name);
  }

  /** All topics, in the order of their names' bytes. */
  *topics(): Generator<{ name: string; topic: CataloguedTopic }> {
    for (const { key, value } of this.#topics.getRange()) yield { name: key, topic: value };
  }

  topicNames(): Iterable<string> {
    return this.#topics.getKeys();
  }

  /** Logs that were open when the process before this one ended. */
  openLogs(): OpenKey[] {
    return [...this.#openLogs.getKeys()];
  }

  deletion(name: string): Deletion | undefined {
    return this.#deletions.get(name);
  }

  /** Forgets deletions before an instant. */
  forgetDeletions(beforeMs: number): void {
    const old = [...this.#deletions.getRange()].filter(({ value }) => value.deletedMs < beforeMs);
    if (old.length > 0) this.#write(() => old.forEach(({ key }) => void this.#deletions.remove(key)));
  }

  putTopic(name: string, topic: CataloguedTopic): void {
    this.#write(() => {
      void this.#topics.put(name, topic);
      void this.#deletions.remove(name);
    });
  }

  /** Notes topics whose logs are closed cleanly from now on. */
  putClosed(topics: Iterable<{ name: string; topic: CataloguedTopic }>): void {
    this.#write(() => {
      for (const { name, topic } of topics) {
        void this.#topics.put(name, topic);
        topic.partitions.forEach((_, partition) => void this.#openLogs.remove([name, partition]));
      }
    });
  }

  markOpen(name: string, partition: number): void {
    this.#write(() => void this.#openLogs.put([name, partition], FORMAT));
  }

  /** Removes a topic; its files are to be removed next, and then {@link forgetFiles} called. */
  deleteTopic(name: string, partitions: number, deletion: Deletion): void {
    this.#write(() => {
      void this.#doomed.put(name, partitions);
      void this.#topics.remove(name);
      for (let partition = 0; partition < partitions; partition++) void this.#openLogs.remove([name, partition]);
      for (const key of this.#producerKeys(name)) void this.#producers.remove(key);
      void this.#deletions.put(name, deletion);
    });
  }

  /** Deleted topics whose files may still be there. */
  doomed(): { name: string; partitions: number }[] {
    return [...this.#doomed.getRange()].map(({ key, value }) => ({ name: key, partitions: value }));
  }

  forgetFiles(name: string): void {
    this.#write(() => void this.#doomed.remove(name));
  }

  /** Saved states of a topic's producers, as {@link putProducers} got them. */
  *producers(topic: string): Generator<{ id: string; state: Uint8Array }> {
    for (const { key, value } of this.#producers.getRange(rangeOf(topic))) {
      yield { id: key[1].slice(ID_PREFIX.length), state: new Uint8Array(value) };
    }
  }

  putProducers(topic: string, states: Iterable<{ id: string; state: Uint8Array | undefined }>): void {
    this.#write(() => {
      for (const { id, state } of states) {
        const key: ProducerKey = [topic, ID_PREFIX + id];
        void (state === undefined ? this.#producers.remove(key) : this.#producers.put(key, state));
      }
    });
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #producerKeys(topic: string): ProducerKey[] {
    return [...this.#producers.getKeys(rangeOf(topic))];
  }

  #write(change: () => void): void {
    try {
      this.#root.transactionSync(change);
    } catch (cause) {
      const message = "The catalogue of the data directory can't be written: look for a full disk.";
      throw new RingcastError("unavailable", message, { stored: "no" }, { cause });
    }
  }

  #checkFormat(path: string): void {
    const meta = this.#root.openDB<number, string>({ name: "meta" });
    const format = meta.get("format");
    if (format === undefined) this.#write(() => void meta.put("format", FORMAT));
    else if (format !== FORMAT) {
      const advice = "start the hub that wrote it, or choose another data directory";
      throw new RingcastError("unavailable", `The catalogue ${path} has format ${format}: ${advice}.`, {
        field: "data",
      });
    }
  }
}

/** What a hub that can't read its catalogue says before it ends. */
export function unreadable(path: string, cause: unknown): RingcastError {
  const message = `The catalogue ${shown(path)} can't be read: restore the data directory from a backup, or choose another.`;
  return new RingcastError("unavailable", message, { field: "data" }, { cause });
}

/** All producers of a topic. */
function rangeOf(topic: string): { start: ProducerKey; end: ProducerKey } {
  return { start: [topic, ID_PREFIX], end: [topic, BEHIND_IDS] };
}
