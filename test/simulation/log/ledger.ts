/** What one partition of a store has promised, and whether what is there after a crash keeps it. */
import { dataAtOf, dataEndOf, decodeUtf8, lengthOf, offsetOf, timestampOf } from "@ringcast/protocol";
import type { LineageEntry, LogCursor, ProducerMark, ReadResult, RingLog } from "../../../server/src/log/index.js";
import { emptyResult } from "../../support/log-store.js";

/** Records that were appended together. */
export interface Batch {
  readonly epoch: string;
  readonly first: number;
  readonly texts: readonly string[];
  readonly mark: ProducerMark | undefined;
  readonly atMs: number;
}

/** How processes have ended since the log was looked at: the worst of it. */
export type Ending = "closed" | "killed" | "power cut";

/** What may have happened meanwhile. */
export interface Expected {
  readonly ending: Ending;
  /** Retention may have left so many records; Infinity: all. */
  readonly records: number;
  /** Retention may have taken records from before. */
  readonly sinceMs: number;
  /** The log may have been copied to a smaller ring. */
  readonly isShrinking: boolean;
  /** An epoch may have begun that could not be written down. */
  readonly mayBegin: boolean;
}

export interface Verdict {
  /** Nothing, if all promises are kept. */
  readonly wrong: readonly string[];
  /** Has what was found hold from now on. */
  readonly takeOver: () => void;
}

/** What is known of one partition of a topic since it was made. */
export class PartitionLedger {
  /** Acknowledged: append has returned. */
  #stored: Batch[] = [];
  /** Being appended, with an outcome that nobody knows. */
  #underWay: Batch | undefined;
  /** Of those, the ones that were not there afterwards: their bytes may be, and come to light when a power cut has the log scanned. */
  #unpublished: Batch[] = [];
  /** Everything below it was acknowledged as synced. */
  #syncedTo = 0;
  /** Everything below it may have left by retention. */
  #tail = 0;
  #lineage: readonly LineageEntry[] = [];
  /** What it is going to be, where the process dies before anybody is told. */
  #lineageUnderWay: readonly LineageEntry[] | undefined;
  /** A sync has failed: what was not synced before may be damaged. */
  hasFailed = false;
  /** Every record that was ever acknowledged or seen, by epoch and offset. */
  readonly #given = new Map<string, string>();

  /** Acknowledged batches. */
  get count(): number {
    return this.#stored.length;
  }

  /** The newest acknowledged batch of each producer that marked one. */
  get marked(): readonly Batch[] {
    const newest = new Map<string, Batch>();
    for (const batch of this.#stored) if (batch.mark !== undefined) newest.set(batch.mark.id, batch);
    return [...newest.values()];
  }

  append(log: RingLog, batch: Pick<Batch, "texts" | "mark" | "atMs">, append: () => void): void {
    this.#underWay = { ...batch, epoch: log.epoch, first: log.head };
    append();
    this.#acknowledge(this.#underWay);
    this.#underWay = undefined;
    this.note(log);
  }

  /** An append was refused: nothing of it may ever be there. */
  refused(): void {
    this.#underWay = undefined;
  }

  synced(head: number): void {
    this.#syncedTo = Math.max(this.#syncedTo, head);
  }

  begin(log: RingLog, lineage: readonly LineageEntry[]): void {
    this.#lineageUnderWay = lineage;
    log.beginAt(log.head, lineage);
    this.#lineageUnderWay = undefined;
    this.note(log);
  }

  /** Takes over where a running log stands. */
  note(log: RingLog): void {
    this.#tail = Math.max(this.#tail, log.tail);
    this.#lineage = log.lineage;
  }

  /** The topic is deleted, or made anew: nothing is promised any more, but that no offset comes again in an epoch. */
  restart(): void {
    this.#stored = [];
    // A power cut may bring the topic back, and these with it.
    this.#unpublished = [...this.#uncertain];
    this.#underWay = undefined;
    this.#lineageUnderWay = undefined;
    this.#syncedTo = 0;
    this.#tail = 0;
    this.#lineage = [];
    this.hasFailed = false;
  }

  /** Judges a log that was opened again. */
  judge(log: RingLog, expected: Expected): Verdict {
    const wrong: string[] = [];
    const found = contentsOf(log, wrong, this.hasFailed);
    const from = Math.max(this.#tail, log.head - expected.records, expected.isShrinking ? log.tail : 0);
    for (const batch of this.#stored)
      if (batch.atMs > expected.sinceMs)
        wrong.push(...this.#judgeStored(log, missingOf(batch, found, from), expected, found));
    for (const batch of this.#uncertain) wrong.push(...judgeUncertain(missingOf(batch, found, from)));
    wrong.push(...this.#judgeFound(found));
    if (expected.ending !== "power cut" && !expected.mayBegin) wrong.push(...this.#judgeLineage(log));
    if (log.tail > log.head) wrong.push(`the tail ${log.tail} is above the head ${log.head}`);
    return { wrong, takeOver: () => this.#takeOver(log, found) };
  }

  #acknowledge(batch: Batch): void {
    this.#stored.push(batch);
    for (const [i, text] of batch.texts.entries()) {
      const key = `${batch.epoch}/${batch.first + i}`;
      const before = this.#given.get(key);
      if (before !== undefined && before !== text)
        throw new Error(`${key} was given twice: ${short(before)}, ${short(text)}`);
      this.#given.set(key, text);
    }
  }

  #judgeStored(log: RingLog, { batch, missing, offsets }: Missing, { ending }: Expected, found: Contents): string[] {
    const [first] = missing;
    if (first === undefined) return [];
    const what = `${batch.epoch}/${first} of ${batch.texts.length} records from ${batch.first} on`;
    const isDamaged = missing.every((offset) => found.get(offset)?.text === null);
    if (this.hasFailed && isDamaged && missing.every((offset) => offset >= this.#syncedTo)) return [];
    if (ending !== "power cut") return [`a stored record is gone: ${what}`];
    if (missing.some((offset) => offset < this.#syncedTo)) return [`a synced record is gone: ${what}`];
    // Who has seen it stands behind it: at a place that must be unknown by now.
    if (missing.some((offset) => endOf(log, batch.epoch) > offset))
      return [`a lost record has no epoch behind it: ${what}`];
    return missing.length < offsets.length ? [`a part of a batch is gone: ${what}`] : [];
  }

  /** Whatever can be read was appended there. */
  #judgeFound(found: Contents): string[] {
    return [...found].flatMap(([offset, { epoch, text }]) => {
      if (text === null) return [];
      const known = this.#given.get(`${epoch}/${offset}`) ?? this.#uncertainText(epoch, offset);
      return known === text ? [] : [`${epoch}/${offset} is ${short(text)}, and was ${short(known)}`];
    });
  }

  get #uncertain(): readonly Batch[] {
    return this.#underWay === undefined ? this.#unpublished : [...this.#unpublished, this.#underWay];
  }

  #uncertainText(epoch: string, offset: number): string | undefined {
    // The newest was written over the others.
    const batch = this.#uncertain.findLast(
      (each) => each.epoch === epoch && each.texts[offset - each.first] !== undefined,
    );
    return batch?.texts[offset - batch.first];
  }

  #judgeLineage(log: RingLog): string[] {
    const print = (lineage: readonly LineageEntry[]): string => lineage.map((e) => `${e.first}:${e.epoch}`).join();
    const after = print(log.lineage);
    const before = print(this.#lineage);
    const next = print(this.#lineageUnderWay ?? this.#lineage);
    // An empty log gives up its file first, and finds none when its process dies before it has another beginning.
    if (this.#lineageUnderWay !== undefined && this.#stored.length === 0) return [];
    // Some of several epochs that were being begun may be there.
    return after.startsWith(before) && next.startsWith(after) ? [] : [`a needless epoch: ${before} is ${after}`];
  }

  #takeOver(log: RingLog, found: Contents): void {
    const isWhole = (batch: Batch): boolean => missingOf(batch, found, log.tail).missing.length === 0;
    const isSeen = (batch: Batch): boolean => isWhole(batch) && batch.first >= log.tail;
    const uncertain = this.#uncertain;
    this.#stored = this.#stored.filter(isWhole);
    this.#unpublished = uncertain.filter((batch) => !isSeen(batch));
    for (const batch of uncertain) if (isSeen(batch)) this.#acknowledge(batch);
    this.#underWay = undefined;
    this.#lineageUnderWay = undefined;
    this.#syncedTo = Math.min(this.#syncedTo, log.head);
    this.#tail = log.tail;
    this.note(log);
  }
}

interface Found {
  readonly epoch: string;
  /** Null: damaged. */
  readonly text: string | null;
}
type Contents = Map<number, Found>;

/** What isn't there of a batch, of its offsets from some one on. */
interface Missing {
  readonly batch: Batch;
  readonly offsets: readonly number[];
  readonly missing: readonly number[];
}

function missingOf(batch: Batch, found: Contents, from: number): Missing {
  const { epoch, first, texts } = batch;
  const offsets = texts.map((_, i) => first + i).filter((offset) => offset >= from);
  const missing = offsets.filter((offset) => {
    const record = found.get(offset);
    return record?.epoch !== epoch || record.text !== texts[offset - first];
  });
  return { batch, offsets, missing };
}

function judgeUncertain({ batch, offsets, missing }: Missing): string[] {
  if (missing.length === 0 || missing.length === offsets.length) return [];
  return [`a part of a batch that was being appended is there, without ${batch.epoch}/${missing[0]}`];
}

/** Everything that can be read, from the tail to the head. */
function contentsOf(log: RingLog, wrong: string[], mayBeDamaged: boolean): Contents {
  const found: Contents = new Map();
  const cursor: LogCursor = { offset: log.tail, address: -1, mapped: true };
  const result = emptyResult();
  for (;;) {
    const status = log.read(cursor, 65_536, Infinity, result);
    if (status === "end") break;
    if (status === "pending") throw new Error(`the log can't be read at ${cursor.offset}`);
    if (status === "records") addRecords(log, result, found);
    if (status === "corrupt") addDamaged(found, cursor.offset, result.nextOffset);
    // The tail was not known before the file was opened.
    if (status === "below-tail") found.clear();
    cursor.offset = result.nextOffset;
    cursor.address = result.nextAddress;
  }
  const damaged = [...found].filter(([, { text }]) => text === null).map(([offset]) => offset);
  if (damaged.length > 0 && !mayBeDamaged) wrong.push(`records are damaged: ${damaged.join()}`);
  return found;
}

function addRecords(log: RingLog, result: ReadResult, found: Contents): void {
  const { bytes, view, epoch } = result;
  let offset = result.firstOffset;
  let lastTimestamp = 0;
  for (let at = result.start; at < result.end; at += lengthOf(view, at), offset++) {
    if (!log.isIntact(result, at)) {
      addDamaged(found, offset, offset + 1);
      continue;
    }
    const timestamp = timestampOf(view, at);
    if (timestamp < lastTimestamp) throw new Error(`the time of ${offset} runs back`);
    lastTimestamp = timestamp;
    found.set(offsetOf(view, at), { epoch, text: decodeUtf8(bytes, dataAtOf(view, at), dataEndOf(view, at)) });
  }
}

function addDamaged(found: Contents, from: number, end: number): void {
  for (let offset = from; offset < end; offset++) found.set(offset, { epoch: "", text: null });
}

/** Where an epoch ended by a log's lineage; Infinity for the present one, -1 for one that it doesn't know. */
function endOf({ lineage }: RingLog, epoch: string): number {
  const at = lineage.findIndex((entry) => entry.epoch === epoch);
  return at < 0 ? -1 : (lineage[at + 1]?.first ?? Infinity);
}

function short(text: string | undefined): string {
  return text === undefined ? "nothing" : text.slice(0, 40);
}
