/** The catalogue's tables in the model: a commit survives the process, and a power cut goes back to some commit that is not older than the last one flushed. */
import type { CataloguedTopic, Change, Deletion } from "../../../server/src/log/catalogue/changes.js";
import { type Expiry, type OpenKey, type Tables, unwritable } from "../../../server/src/log/catalogue/tables.js";
import type { TopicRow } from "../../../server/src/log/index.js";
import type { Random } from "../../support/random.js";
import type { Fate } from "./simulated-file.js";

type Transaction =
  { readonly changes: readonly Change[]; readonly settled: number } | { readonly forgetBeforeMs: number };

/** The rows of one moment. */
class Rows {
  readonly topics = new Map<string, CataloguedTopic>();
  readonly openLogs = new Map<string, OpenKey>();
  readonly deletions = new Map<string, Deletion>();
  readonly doomed = new Map<string, number>();
  readonly producers = new Map<string, Map<string, string>>();
  settled = -1;

  static copyOf(rows: Rows): Rows {
    const copy = new Rows();
    for (const [name, topic] of rows.topics) copy.topics.set(name, topic);
    for (const [key, log] of rows.openLogs) copy.openLogs.set(key, log);
    for (const [name, deletion] of rows.deletions) copy.deletions.set(name, deletion);
    for (const [name, partitions] of rows.doomed) copy.doomed.set(name, partitions);
    for (const [name, states] of rows.producers) copy.producers.set(name, new Map(states));
    copy.settled = rows.settled;
    return copy;
  }

  carryOut(transaction: Transaction): void {
    if ("forgetBeforeMs" in transaction) {
      for (const [name, { deletedMs }] of [...this.deletions])
        if (deletedMs < transaction.forgetBeforeMs) this.deletions.delete(name);
      return;
    }
    for (const change of transaction.changes) this.#apply(change);
    this.settled = transaction.settled;
  }

  #apply(change: Change): void {
    const { name } = change;
    switch (change.do) {
      case "put":
        this.#put(name, change.topic);
        return;
      case "close":
        if (!this.topics.has(name)) return;
        this.#put(name, change.topic);
        for (let partition = 0; partition < change.topic.partitions.length; partition++) this.#close(name, partition);
        return;
      case "empty":
        this.#put(name, change.topic);
        this.#close(name, change.partition);
        return;
      case "open":
        this.openLogs.set(keyOf(name, change.partition), [name, change.partition]);
        return;
      case "delete":
        this.topics.delete(name);
        this.producers.delete(name);
        for (let partition = 0; partition < change.partitions; partition++) this.#close(name, partition);
        this.doomed.set(name, change.partitions);
        this.deletions.set(name, change.deletion);
        return;
      case "forget":
        this.doomed.delete(name);
        return;
      case "producers": {
        const states = this.producers.get(name) ?? new Map<string, string>();
        this.producers.set(name, states);
        for (const { id, state } of change.producers) {
          if (state === undefined) states.delete(id);
          else states.set(id, state);
        }
        return;
      }
    }
  }

  #put(name: string, topic: CataloguedTopic): void {
    this.topics.set(name, topic);
    this.deletions.delete(name);
  }

  #close(name: string, partition: number): void {
    this.openLogs.delete(keyOf(name, partition));
  }
}

/** The tables of one folder, over all processes that open them. */
export class StoredTables {
  rows = new Rows();
  #onDevice = new Rows();
  /** Not on the device yet, oldest first. */
  #pending: Transaction[] = [];

  commit(transaction: Transaction): void {
    this.rows.carryOut(transaction);
    this.#pending.push(transaction);
  }

  /** @returns what {@link endFlush} wants */
  beginFlush(): Transaction | undefined {
    return this.#pending.at(-1);
  }

  endFlush(last: Transaction | undefined): void {
    const count = last === undefined ? 0 : this.#pending.indexOf(last) + 1;
    for (const transaction of this.#pending.splice(0, count)) this.#onDevice.carryOut(transaction);
  }

  cutPower(random: Random, fate: Fate): void {
    const { length } = this.#pending;
    const kept = fate === "lost" ? 0 : fate === "kept" ? length : random.below(length + 1);
    for (const transaction of this.#pending.splice(0, kept)) this.#onDevice.carryOut(transaction);
    this.#pending = [];
    this.rows = Rows.copyOf(this.#onDevice);
  }
}

/** What tables need of the disk that they stand on. */
export interface TablesPlace {
  /** Called before each change; throws what a real disk would. */
  readonly change: () => void;
  /** Calls back when the device has what it had been told when this was called. */
  readonly flush: (begin: () => () => void) => Promise<void>;
}

/** The tables of one folder as one process sees them. */
export class SimulatedTables implements Tables {
  readonly #stored: StoredTables;
  readonly #place: TablesPlace;

  constructor(stored: StoredTables, place: TablesPlace) {
    this.#stored = stored;
    this.#place = place;
  }

  get topicCount(): number {
    return this.#rows.topics.size;
  }

  get settled(): number {
    return this.#rows.settled;
  }

  get bytes(): number {
    let sum = 0;
    for (const { partitions } of this.#rows.topics.values()) for (const { bytes } of partitions) sum += bytes;
    return sum;
  }

  topic(name: string): CataloguedTopic | undefined {
    return this.#rows.topics.get(name);
  }

  topicNames(after: string | undefined): string[] {
    const names = [...this.#rows.topics.keys()].sort(byBytes);
    return after === undefined ? names : names.filter((name) => byBytes(name, after) > 0);
  }

  topicRows(after: string | undefined): TopicRow[] {
    return this.topicNames(after).map((name) => ({
      name,
      partitions: this.#rows.topics.get(name)?.partitions.length ?? 0,
    }));
  }

  openLogs(): OpenKey[] {
    return [...this.#rows.openLogs.values()].sort(([a, i], [b, j]) => byBytes(a, b) || i - j);
  }

  deletion(name: string): Deletion | undefined {
    return this.#rows.deletions.get(name);
  }

  doomed(): { name: string; partitions: number }[] {
    return [...this.#rows.doomed].map(([name, partitions]) => ({ name, partitions }));
  }

  expiries(limit: number): Expiry[] {
    const expiring = [...this.#rows.topics].flatMap(([name, { expiresMs }]) =>
      expiresMs === undefined ? [] : [{ expiresMs, name }],
    );
    return expiring.sort((a, b) => a.expiresMs - b.expiresMs || byBytes(a.name, b.name)).slice(0, limit);
  }

  producers(topic: string): { id: string; state: Uint8Array }[] {
    const states = this.#rows.producers.get(topic) ?? new Map<string, string>();
    return [...states]
      .sort(([a], [b]) => byBytes(a, b))
      .map(([id, state]) => ({ id, state: Uint8Array.from(Buffer.from(state)) }));
  }

  apply(changes: readonly Change[], settled: number): void {
    this.#commit({ changes: [...changes], settled });
  }

  forgetDeletions(beforeMs: number): void {
    const isAny = [...this.#rows.deletions.values()].some(({ deletedMs }) => deletedMs < beforeMs);
    if (isAny) this.#commit({ forgetBeforeMs: beforeMs });
  }

  flush(): Promise<void> {
    return this.#place.flush(() => {
      const last = this.#stored.beginFlush();
      return () => this.#stored.endFlush(last);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #rows(): Rows {
    return this.#stored.rows;
  }

  #commit(transaction: Transaction): void {
    try {
      this.#place.change();
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#stored.commit(transaction);
  }
}

function keyOf(name: string, partition: number): string {
  return `${partition} ${name}`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
