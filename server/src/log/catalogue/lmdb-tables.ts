/** The rows of the catalogue in lmdb, and what each change does to them. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import { type Database, open, type RootDatabase, TransactionFlags } from "lmdb";
import { bytesOf, type CataloguedTopic, type Change, type Deletion, type ProducerChange } from "./changes.js";
import { isPlausibleLmdb } from "./lmdb-file.js";
import { isPlausibleTopic } from "./plausible.js";
import { type Expiry, type OpenKey, type Tables, unwritable } from "./tables.js";

/** 1: no journal, no `expiries`, no sum of bytes; is brought to 2 when it is opened. */
const FORMAT = 2;
const UPGRADABLE_FORMAT = 1;
const DATA_FILE = "data.mdb";
const LOCK_FILE = "lock.mdb";
/** Of the folder of a catalogue that is being made; lmdb takes a name with a dot for that of a file. */
const UNFINISHED = "-new";
/**
 * On the device on return. lmdb's way of leaving that to its writing thread doesn't do it here: it syncs all the same before it returns, and where
 * the later write fails, promises that nobody has reject, which ends the process.
 */
const COMMIT: TransactionFlags = TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT;
/** Before each producer's id in a key, so that there is a key behind all of them whatever they are. */
const ID_PREFIX = "p";
const BEHIND_IDS = "q";
type ProducerKey = [topic: string, producer: string];
type ExpiryKey = [expiresMs: number, topic: string];
type MetaKey = "format" | "bytes" | "settled";

/** The catalogue of a data directory in lmdb. */
export class LmdbTables implements Tables {
  readonly #root: RootDatabase;
  readonly #topics: Database<CataloguedTopic, string>;
  readonly #openLogs: Database<number, OpenKey>;
  readonly #deletions: Database<Deletion, string>;
  /** Topics whose files are still to be removed, with their partitions. */
  readonly #doomed: Database<number, string>;
  readonly #producers: Database<Uint8Array, ProducerKey>;
  readonly #expiries: Database<number, ExpiryKey>;
  readonly #meta: Database<number, MetaKey>;
  #bytes = 0;

  /** @throws RingcastError `unavailable` with `details.field` "data" when the files can't be understood */
  constructor(path: string) {
    const isNew = !existsSync(join(path, DATA_FILE));
    // Beside its place, and moved there when it is whole: nobody could tell one that was being made when the hub died from a damaged one.
    const unfinished = `${path}${UNFINISHED}`;
    const place = isNew ? unfinished : path;
    try {
      rmSync(unfinished, { recursive: true, force: true });
      if (!isPlausibleLmdb(join(place, DATA_FILE))) throw new Error(`${DATA_FILE} is damaged or was cut short.`);
      this.#root = open({ path: place, maxDbs: 16 });
      this.#topics = this.#root.openDB({ name: "topics" });
      this.#openLogs = this.#root.openDB({ name: "open-logs" });
      this.#deletions = this.#root.openDB({ name: "deletions" });
      this.#doomed = this.#root.openDB({ name: "doomed" });
      this.#producers = this.#root.openDB({ name: "producers", encoding: "binary" });
      this.#meta = this.#root.openDB({ name: "meta" });
      this.#expiries = this.#root.openDB({ name: "expiries" });
      if (isNew) moveInto(path, place);
    } catch (cause) {
      const advice = isNew
        ? "made: look for a full disk, or choose another data directory"
        : "read: restore it from a backup or move it away: topics are then made anew";
      throw new RingcastError("unavailable", `The catalogue ${path} can't be ${advice}.`, { field: "data" }, { cause });
    }
    this.#checkFormat(path);
    this.#bytes = this.#meta.get("bytes") ?? 0;
  }

  get topicCount(): number {
    return (this.#topics.getStats() as { entryCount: number }).entryCount;
  }

  /** The journal's sequence up to which all changes are here; -1: none of it. */
  get settled(): number {
    return this.#meta.get("settled") ?? -1;
  }

  /** Bytes of all files, as of their topics' rows. */
  get bytes(): number {
    return this.#bytes;
  }

  /** At once: a transaction is on the device when it returns. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  topic(name: string): CataloguedTopic | undefined {
    const row = this.#read(() => this.#topics.get(name));
    if (row === undefined || isPlausibleTopic(row)) return row;
    const message = `The catalogue's row of topic ${shown(name)} is damaged: restore the data directory from a backup.`;
    throw new RingcastError("unavailable", message, { field: "data" });
  }

  hasTopic(name: string): boolean {
    return this.#topics.doesExist(name);
  }

  /** Names in the order of their bytes, behind `after`. */
  *topicNames(after: string | undefined): Generator<string> {
    for (const name of this.#topics.getKeys(startingAt(after))) if (name !== after) yield name;
  }

  /** Like {@link topicNames}, with the number of partitions of each. */
  *topicRows(after: string | undefined): Generator<{ readonly name: string; readonly partitions: number }> {
    try {
      for (const { key, value } of this.#topics.getRange(startingAt(after))) {
        if (key !== after) yield { name: key, partitions: value.partitions.length };
      }
    } catch (cause) {
      throw unanswered(cause);
    }
  }

  openLogs(): OpenKey[] {
    return [...this.#openLogs.getKeys()];
  }

  deletion(name: string): Deletion | undefined {
    return this.#read(() => this.#deletions.get(name));
  }

  doomed(): { name: string; partitions: number }[] {
    return [...this.#doomed.getRange()].map(({ key, value }) => ({ name: key, partitions: value }));
  }

  /** The topics whose oldest records expire first, at most `limit`. */
  expiries(limit: number): Expiry[] {
    return this.#read(() => [...this.#expiries.getKeys({ limit })]).map(([expiresMs, name]) => ({ expiresMs, name }));
  }

  *producers(topic: string): Generator<{ id: string; state: Uint8Array }> {
    for (const { key, value } of this.#producers.getRange(rangeOf(topic))) {
      yield { id: key[1].slice(ID_PREFIX.length), state: new Uint8Array(value) };
    }
  }

  /** Brings changes into the rows, all of them or none, and notes up to where the journal is settled by them. */
  apply(changes: readonly Change[], settled: number): void {
    const before = this.#bytes;
    this.#write(() => {
      for (const change of changes) this.#apply(change);
      void this.#meta.put("settled", settled);
      if (this.#bytes !== before) void this.#meta.put("bytes", this.#bytes);
    }, before);
  }

  /** Forgets deletions before an instant. */
  forgetDeletions(beforeMs: number): void {
    const old = [...this.#deletions.getRange()].filter(({ value }) => value.deletedMs < beforeMs);
    if (old.length > 0) this.#write(() => old.forEach(({ key }) => void this.#deletions.remove(key)));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #apply(change: Change): void {
    const { name } = change;
    switch (change.do) {
      case "put": {
        this.#putTopic(name, change.topic);
        return;
      }
      case "close":
        // A topic that was deleted meanwhile stays so.
        if (!this.hasTopic(name)) return;
        this.#putTopic(name, change.topic);
        change.topic.partitions.forEach((_, partition) => void this.#openLogs.remove([name, partition]));
        return;
      case "empty":
        this.#putTopic(name, change.topic);
        void this.#openLogs.remove([name, change.partition]);
        return;
      case "open":
        void this.#openLogs.put([name, change.partition], FORMAT);
        return;
      case "delete": {
        this.#deleteTopic(name, change.partitions, change.deletion);
        return;
      }
      case "forget":
        void this.#doomed.remove(name);
        return;
      case "producers": {
        this.#putProducers(name, change.producers);
        return;
      }
    }
  }

  #putTopic(name: string, topic: CataloguedTopic): void {
    this.#forget(name);
    this.#bytes += bytesOf(topic);
    if (topic.expiresMs !== undefined) void this.#expiries.put([topic.expiresMs, name], FORMAT);
    void this.#topics.put(name, topic);
    void this.#deletions.remove(name);
  }

  #deleteTopic(name: string, partitions: number, deletion: Deletion): void {
    this.#forget(name);
    void this.#doomed.put(name, partitions);
    void this.#topics.remove(name);
    for (let partition = 0; partition < partitions; partition++) void this.#openLogs.remove([name, partition]);
    for (const key of [...this.#producers.getKeys(rangeOf(name))]) void this.#producers.remove(key);
    void this.#deletions.put(name, deletion);
  }

  /** Takes what a topic's row counts for out of the sum and the index. */
  #forget(name: string): void {
    const former = this.#topics.get(name);
    if (former === undefined) return;
    this.#bytes -= bytesOf(former);
    if (former.expiresMs !== undefined) void this.#expiries.remove([former.expiresMs, name]);
  }

  #putProducers(topic: string, producers: readonly ProducerChange[]): void {
    for (const { id, state } of producers) {
      const key: ProducerKey = [topic, ID_PREFIX + id];
      void (state === undefined ? this.#producers.remove(key) : this.#producers.put(key, Buffer.from(state)));
    }
  }

  #write(change: () => void, bytesBefore = this.#bytes): void {
    try {
      this.#root.transactionSync(change, COMMIT);
    } catch (cause) {
      this.#bytes = bytesBefore;
      throw unwritable(cause);
    }
  }

  /** Where its first page could not be written, lmdb answers nothing any more until it is opened anew. */
  #read<Result>(ask: () => Result): Result {
    try {
      return ask();
    } catch (cause) {
      throw unanswered(cause);
    }
  }

  #checkFormat(path: string): void {
    const format = this.#meta.get("format");
    if (format === FORMAT) return;
    if (format !== undefined && format !== UPGRADABLE_FORMAT) {
      const advice = "start the hub that wrote it, or choose another data directory";
      const message = `The catalogue ${shown(path)} has format ${format}, this hub knows ${FORMAT}: ${advice}.`;
      throw new RingcastError("unavailable", message, { field: "data" });
    }
    let bytes = 0;
    for (const { value } of this.#topics.getRange()) bytes += bytesOf(value);
    this.#write(() => {
      void this.#meta.put("format", FORMAT);
      void this.#meta.put("bytes", bytes);
    });
  }
}

/** What whoever asks a catalogue that doesn't answer is told. */
function unanswered(cause: unknown): RingcastError {
  const advice = "start the hub anew, and where that doesn't help, restore the data directory from a backup";
  const message = `The catalogue can't be read: ${advice}.`;
  return new RingcastError("unavailable", message, { field: "data", stored: "no" }, { cause });
}

/** Moves a catalogue, which stays open, from the folder it was made in. */
function moveInto(path: string, place: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const name of [LOCK_FILE, DATA_FILE]) renameSync(join(place, name), join(path, name));
  rmSync(place, { recursive: true });
}

function startingAt(after: string | undefined): { start?: string } {
  return after === undefined ? {} : { start: after };
}

/** All producers of a topic. */
function rangeOf(topic: string): { start: ProducerKey; end: ProducerKey } {
  return { start: [topic, ID_PREFIX], end: [topic, BEHIND_IDS] };
}
