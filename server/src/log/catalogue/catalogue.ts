/**
 * What the store knows of its topics: a hub that starts reads this instead of opening every log. A change is in the journal when the call returns, so it
 * survives `kill -9`; lmdb takes changes in groups. Until then they are held here, over the rows.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { CataloguedTopic, Change, Deletion, ProducerChange } from "./changes.js";
import type { TopicRow } from "../port.js";
import { Journal, type JournalFlaw } from "./journal.js";
import type { Disk } from "../disk/port.js";
import { type Expiry, type OpenKey, type Tables, unwritable } from "./tables.js";

export type { CataloguedPartition, CataloguedTopic, Deletion, ProducerChange } from "./changes.js";

/** Changes that lmdb takes in one transaction, which waits for the device: 512 hold the loop up hardly longer than 64, and eight times less often. */
const GROUP = 512;
/** Changes held while the device takes the transaction before. */
const MOST_HELD = 1_024;
/** Times that lmdb brings over what the journal can't, until both files of that one are empty. */
const MOST_BRINGINGS = 4;
/** Changes held while lmdb can't write; beyond it changes are refused. */
const MAX_PENDING = 65_536;

/** The catalogue of one data directory. */
export class Catalogue {
  readonly #path: string;
  readonly #tables: Tables;
  readonly #journal: Journal;
  /** In the journal, not yet in lmdb; oldest first. */
  #pending: Change[] = [];
  /** What {@link #pending} says of topics; undefined: deleted. */
  readonly #topics = new Map<string, CataloguedTopic | undefined>();
  readonly #deletions = new Map<string, Deletion | undefined>();
  /** Topics that {@link #pending} has producers of. */
  readonly #producersOf = new Set<string>();
  #topicCount: number;
  /** {@link #pending} is tried again when there are so many. */
  #settleAt = GROUP;

  /** @throws RingcastError `unavailable` with `details.field` "data" when the files can't be understood */
  constructor(disk: Disk, path: string) {
    this.#path = path;
    let tables: Tables | undefined;
    try {
      tables = this.#tables = disk.openTables(path);
      this.#journal = new Journal(disk, path, tables.settled);
      this.#pending.push(...this.#journal.found);
      this.settle();
      this.#topicCount = tables.topicCount;
    } catch (error) {
      void tables?.close();
      throw error instanceof RingcastError ? error : unreadable(path, error);
    }
  }

  /** What was wrong with the journal when it was opened. */
  get flaws(): readonly JournalFlaw[] {
    return this.#journal.flaws;
  }

  get topicCount(): number {
    return this.#topicCount;
  }

  /** Bytes that the files of all topics take, as of their rows. */
  get bytes(): number {
    this.settle();
    return this.#tables.bytes;
  }

  topic(name: string): CataloguedTopic | undefined {
    return this.#topics.has(name) ? this.#topics.get(name) : this.#tables.topic(name);
  }

  /** Names of topics in the order of their bytes, behind `after`. */
  *topicNames(after?: string): Iterable<string> {
    this.settle();
    try {
      yield* this.#tables.topicNames(after);
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }

  /** Topics with their number of partitions, in the order of their names' bytes, behind `after`. */
  *topicRows(after?: string): Iterable<TopicRow> {
    this.#tryToSettle();
    // Empty, unless lmdb can't be written: a list is to be had all the same.
    const pending = this.#pendingRows(after);
    for (const row of this.#tables.topicRows(after)) {
      for (let first = pending[0]; first !== undefined; first = pending[0]) {
        if (byBytes(first.name, row.name) >= 0) break;
        pending.shift();
        if (first.partitions > 0) yield first;
      }
      if (pending[0]?.name !== row.name) yield row;
    }
    for (const row of pending) if (row.partitions > 0) yield row;
  }

  /** Logs that were open when the process before this one ended. */
  openLogs(): OpenKey[] {
    this.settle();
    return this.#tables.openLogs();
  }

  deletion(name: string): Deletion | undefined {
    return this.#deletions.has(name) ? this.#deletions.get(name) : this.#tables.deletion(name);
  }

  /** Forgets deletions before an instant. */
  forgetDeletions(beforeMs: number): void {
    this.settle();
    this.#tables.forgetDeletions(beforeMs);
  }

  /** The topics whose oldest record expires first; only of those whose logs are closed. */
  expiries(limit: number): Expiry[] {
    this.settle();
    return this.#tables.expiries(limit);
  }

  putTopic(name: string, topic: CataloguedTopic): void {
    const isNew = this.topic(name) === undefined;
    this.#write({ do: "put", name, topic });
    this.#topics.set(name, topic);
    this.#deletions.set(name, undefined);
    if (isNew) this.#topicCount++;
    this.#settleGroup();
  }

  /** Notes that all logs of a topic are closed cleanly from now on. */
  closeTopic(name: string, topic: CataloguedTopic): void {
    this.#write({ do: "close", name, topic });
    this.#topics.set(name, topic);
    this.#settleGroup();
  }

  /** Notes that a log has no record and no file any more. */
  emptyLog(name: string, topic: CataloguedTopic, partition: number): void {
    this.#write({ do: "empty", name, topic, partition });
    this.#topics.set(name, topic);
    this.#settleGroup();
  }

  markOpen(name: string, partition: number): void {
    this.#write({ do: "open", name, partition });
    this.#settleGroup();
  }

  /** Removes a topic; its files are to be removed next, and then {@link forgetFiles} called. */
  deleteTopic(name: string, partitions: number, deletion: Deletion): void {
    this.#write({ do: "delete", name, partitions, deletion });
    this.#topics.set(name, undefined);
    this.#deletions.set(name, deletion);
    this.#topicCount--;
    this.#settleGroup();
  }

  /** Deleted topics whose files may still be there. */
  doomed(): { name: string; partitions: number }[] {
    this.settle();
    return this.#tables.doomed();
  }

  forgetFiles(name: string): void {
    this.#write({ do: "forget", name });
    this.#settleGroup();
  }

  /** Saved states of a topic's producers, as {@link putProducers} got them. */
  producers(topic: string): Iterable<{ id: string; state: Uint8Array }> {
    if (this.#producersOf.has(topic)) this.settle();
    return this.#tables.producers(topic);
  }

  putProducers(name: string, producers: readonly ProducerChange[]): void {
    this.#write({ do: "producers", name, producers });
    this.#producersOf.add(name);
    this.#settleGroup();
  }

  /** Resolves when every change so far is on the device. @throws RingcastError `unavailable` */
  async synced(): Promise<void> {
    try {
      // Changes that come meanwhile may still go to a file that can't be trusted; both files are emptied one after the other.
      for (let tries = 0; this.#journal.hasFailed && tries < MOST_BRINGINGS; tries++) await this.#bringOver();
      await this.#journal.synced();
    } catch (cause) {
      throw unwritable(cause);
    }
  }

  /** Brings what is pending into lmdb. @throws RingcastError `unavailable` */
  settle(): void {
    if (this.#pending.length === 0) return;
    this.#tables.apply(this.#pending, this.#journal.newest);
    this.#pending = [];
    this.#topics.clear();
    this.#deletions.clear();
    this.#producersOf.clear();
    const flushed = this.#tables.flush();
    this.#journal.settled(flushed);
    // One flush at a time is enough: the next transaction takes more.
    this.#settleAt = MOST_HELD;
    void flushed.then(
      () => (this.#settleAt = GROUP),
      () => (this.#settleAt = GROUP),
    );
  }

  /** @throws RingcastError `unavailable`: what is missing on the device is in the journal */
  async close(): Promise<void> {
    try {
      this.settle();
      await this.#tables.flush();
    } catch (error) {
      throw error instanceof RingcastError ? error : unwritable(error);
    } finally {
      this.#journal.close();
      await this.#tables.close();
    }
  }

  #tryToSettle(): void {
    try {
      this.settle();
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /** What {@link #pending} says of topics behind `after`, in the order of their names; deleted ones have no partitions. */
  #pendingRows(after: string | undefined): TopicRow[] {
    return [...this.#topics]
      .filter(([name]) => after === undefined || byBytes(name, after) > 0)
      .map(([name, topic]) => ({ name, partitions: topic?.partitions.length ?? 0 }))
      .sort((a, b) => byBytes(a.name, b.name));
  }

  /** Has lmdb bring to the device what the journal couldn't. */
  async #bringOver(): Promise<void> {
    this.settle();
    const flushed = this.#tables.flush();
    this.#journal.settled(flushed);
    await flushed;
  }

  #write(change: Change): void {
    if (this.#pending.length >= MAX_PENDING) this.settle();
    try {
      this.#journal.append(change);
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#pending.push(change);
  }

  /** The change is safe in the journal: that lmdb can't take it yet is nobody's error but its next reader's. */
  #settleGroup(): void {
    if (this.#pending.length < this.#settleAt) return;
    this.#tryToSettle();
    if (this.#pending.length > 0) this.#settleAt = this.#pending.length + GROUP;
  }
}

/** lmdb's order of texts. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What a hub that can't read its catalogue says before it ends. */
export function unreadable(path: string, cause: unknown): RingcastError {
  const message = `The catalogue ${shown(path)} can't be read: restore the data directory from a backup, or choose another.`;
  return new RingcastError("unavailable", message, { field: "data" }, { cause });
}
