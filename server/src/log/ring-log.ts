import { encodeProducerPart, isPayloadIntact, NO_PRODUCER, RecordRun, RingcastError, shown } from "@ringcast/protocol";
import { advance } from "./advance.js";
import { planEnd, writeBatch } from "./append.js";
import { isFarBehind, readFarBehind } from "./cold-read.js";
import type { HeadWords } from "./file-header.js";
import { isBeginningOf, isEpoch, isLineage, Lineage, withEpoch } from "./lineage.js";
import { locate, locateTime, timeAt } from "./locate.js";
import type { LogKeeper, LogState } from "./log-keeper.js";
import type {
  Assignment,
  Batch,
  LineageEntry,
  LogCursor,
  ProducerMark,
  ReadResult,
  ReadStatus,
  RingLog,
} from "./port.js";
import { readBlock } from "./read.js";
import type { Region } from "./region/index.js";
import type { Resumption } from "./ring.js";
import { makeRoom } from "./room.js";
import { SparseIndex } from "./sparse-index.js";
import { expireTo, publishTail } from "./tail.js";

/** One partition's log over a region. It decides nothing about files: its keeper does. */
export class PartitionLog implements RingLog {
  readonly topic: string;
  readonly partition: number;
  capacityBytes: number;
  head = 0;
  tail = 0;
  headAddress = 0;
  tailAddress = 0;
  lastTimestamp = 0;
  failure: Error | undefined = undefined;
  history: Lineage;
  index: SparseIndex;
  /** Set when the memory was used since it was last looked at: the keeper lets go what is not. */
  isUsed = false;
  /** Damaged stretches that readers met: where each begins, and where records can be believed again. */
  readonly damages = new Map<number, Resumption>();
  /** Told of each append, where records expire by age or count. */
  retention: { appended(): void } | undefined = undefined;
  /** How far readers that had to wait on their way to an offset had come. */
  readonly waymarks = new Map<number, Resumption>();
  /** Whether `beforeAppend` was called since the last sync. */
  isDirty = false;
  /** Address up to which the storage refused to take a batch; 0: it did not. */
  refusedEnd = 0;
  /** Writes head and tail to where they survive the process; undefined where nothing does. */
  publish: ((log: PartitionLog) => void) | undefined = undefined;
  readonly keeper: LogKeeper;
  #region: Region | undefined;
  #storedBytes: number;

  constructor(options: {
    readonly topic: string;
    readonly partition: number;
    readonly capacityBytes: number;
    readonly history: Lineage;
    readonly keeper: LogKeeper;
    /** Bytes that its file had at the last close. */
    readonly storedBytes: number;
  }) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.capacityBytes = options.capacityBytes;
    this.history = options.history;
    this.index = new SparseIndex(options.capacityBytes);
    this.keeper = options.keeper;
    this.#storedBytes = options.storedBytes;
  }

  get epoch(): string {
    return this.history.epoch;
  }

  get lineage(): readonly LineageEntry[] {
    return this.history.entries;
  }

  /** The memory, undefined while it is let go. */
  get region(): Region | undefined {
    return this.#region;
  }

  /** Bytes of real storage that the log takes. */
  get storedBytes(): number {
    if (this.#region !== undefined) this.#storedBytes = this.#region.headerBytes + this.#region.allocatedBytes;
    return this.#storedBytes;
  }

  /**
   * Gives the log its memory.
   * @param publish writes head and tail to where they survive the process; undefined where nothing does
   */
  attach(region: Region, publish: ((log: PartitionLog) => void) | undefined): void {
    this.#region = region;
    this.publish = publish;
  }

  /** Lets the memory go; the next use asks the keeper for it again. */
  release(): void {
    this.#storedBytes = this.storedBytes;
    if (this.#region !== undefined) {
      this.keeper.blocks?.drop(this.#region);
      this.waymarks.clear();
      this.#region.close();
    }
    this.#region = undefined;
    this.publish = undefined;
  }

  /** Takes over head, tail and lineage, with an empty index. */
  restore(state: LogState, history: Lineage): void {
    this.history = history;
    this.take(state);
    this.index = new SparseIndex(this.capacityBytes);
    this.damages.clear();
  }

  /** Takes over where head and tail are, and keeps lineage and index. */
  take(words: Omit<LogState, "lineage">): void {
    this.head = words.head;
    this.tail = words.tail;
    this.headAddress = words.headAddress;
    this.tailAddress = words.tailAddress;
    this.lastTimestamp = words.lastTimestamp;
  }

  ensureKnown(): void {
    if (this.#region === undefined) this.keeper.ensureKnown(this);
  }

  open(): void {
    if (this.#region === undefined) this.keeper.open(this);
  }

  append(batch: Batch, assignment: Assignment, producer?: ProducerMark): void {
    const count = batch instanceof RecordRun ? batch.count : batch.length;
    if (count === 0) return;
    const { epoch } = this;
    this.open();
    this.isUsed = true;
    // The place was assigned before opening began another epoch: the one it names may be that of what was lost.
    if (this.epoch !== epoch) throw this.#standsElsewhere(assignment);
    this.#checkAssignment(assignment);
    const part = producer === undefined ? NO_PRODUCER : encodeProducerPart(producer, count);
    const end = planEnd(this, batch, part.length);
    makeRoom(this, end);
    if (assignment.epoch !== this.epoch) this.#beginEpoch(assignment.epoch);
    const address = writeBatch(this, batch, assignment, part);
    const place = { offset: this.head, address, timestamp: assignment.timestamp };
    advance(this, end, this.head + count, assignment.timestamp);
    if (producer !== undefined) this.keeper.afterMarked(this, producer, place, count);
    this.retention?.appended();
  }

  beginAt(first: number, lineage: readonly LineageEntry[]): void {
    // The catalogue may know nothing of records yet that the process before has left.
    if (this.#region === undefined && this.keeper.hasFile) this.keeper.open(this);
    const isUnused = this.head === 0 && this.headAddress === 0;
    const known = this.lineage.length;
    const goesOn =
      first === this.head &&
      isBeginningOf(this.lineage, lineage) &&
      lineage.slice(known).every((entry) => entry.first === first && this.#isNewEpoch(entry.epoch));
    if (!isLineage(lineage, first) || (!isUnused && !goesOn)) {
      const message = `The log of ${shown(this.topic)} stands at ${this.epoch}/${this.head}, and can't begin at ${shown(first)}.`;
      throw new RingcastError("conflict", message, { head: this.head });
    }
    if (goesOn && known === lineage.length) return;
    if (!isUnused) {
      if (this.#region === undefined) this.keeper.open(this);
      makeRoom(this, this.headAddress);
      for (const { epoch } of lineage.slice(known)) this.#beginEpoch(epoch);
      return;
    }
    const state = { head: first, tail: first, headAddress: 0, tailAddress: 0, lastTimestamp: this.lastTimestamp };
    this.keeper.begin(this, { ...state, lineage });
  }

  read(cursor: LogCursor, edgeBytes: number, limitOffset: number, result: ReadResult): ReadStatus {
    const offset = cursor.offset;
    if (offset >= this.head || offset >= limitOffset) return this.#endAt(offset, cursor.address, result);
    if (offset < this.tail) {
      result.nextOffset = this.tail;
      result.nextAddress = this.tailAddress;
      return (result.status = "below-tail");
    }
    const region = this.#region ?? this.#openForReading();
    if (region === undefined) return (result.status = "pending");
    this.isUsed = true;
    // Opening may have found less than was there before.
    if (offset >= this.head || offset < this.tail) return this.read(cursor, edgeBytes, limitOffset, result);
    const blocks = cursor.mapped === true ? undefined : this.keeper.blocks;
    if (blocks !== undefined && isFarBehind(this, region, cursor, edgeBytes)) {
      const status = readFarBehind(this, region, blocks, cursor, edgeBytes, limitOffset, result);
      if (status !== undefined) return status;
    }
    return readBlock(this, region, cursor, edgeBytes, limitOffset, result);
  }

  isIntact({ view }: ReadResult, place: number): boolean {
    return isPayloadIntact(view, place);
  }

  timestampAt(cursor: LogCursor): number {
    if (cursor.offset >= this.head) return this.lastTimestamp;
    const region = this.#region ?? this.#openForReading();
    if (region === undefined) return this.lastTimestamp;
    this.isUsed = true;
    return timeAt(this, region, cursor);
  }

  addressOf(offset: number): number {
    if (offset >= this.head) return this.headAddress;
    const region = this.#region ?? this.keeper.open(this);
    this.isUsed = true;
    return locate(this, region, Math.max(offset, this.tail)).address;
  }

  offsetAtTime(timeMs: number): number {
    if (this.head === this.tail || timeMs > this.lastTimestamp) return this.head;
    const region = this.#region ?? this.keeper.open(this);
    this.isUsed = true;
    return locateTime(this, region, timeMs);
  }

  /** Asks for another capacity; holds as soon as the log has been copied. */
  resize(capacityBytes: number): void {
    this.keeper.resize(this, capacityBytes);
  }

  /** Begins addresses anew, in a log that has neither records nor memory. */
  restart(): void {
    const { head, lastTimestamp } = this;
    this.take({ head, tail: head, headAddress: 0, tailAddress: 0, lastTimestamp });
    this.index = new SparseIndex(this.capacityBytes);
    this.damages.clear();
    this.#storedBytes = 0;
    this.refusedEnd = 0;
  }

  /** Goes over to a copy of itself in another region; the old one is let go. */
  moveTo(
    region: Region,
    copy: HeadWords & { readonly index: SparseIndex },
    publish: ((log: PartitionLog) => void) | undefined,
  ): void {
    const { tail } = this;
    this.release();
    this.capacityBytes = region.capacityBytes;
    this.take(copy);
    this.index = copy.index;
    this.damages.clear();
    this.refusedEnd = 0;
    this.attach(region, publish);
    if (tail <= this.tail) return;
    // Records expired while they were copied.
    publishTail(this, Math.min(tail, this.head), this.addressOf(tail));
  }

  synced(): Promise<void> {
    return this.keeper.synced(this);
  }

  #checkAssignment(assignment: Assignment): void {
    if (
      assignment.firstOffset === this.head &&
      (assignment.epoch === this.epoch || this.#isNewEpoch(assignment.epoch)) &&
      assignment.timestamp >= this.lastTimestamp
    )
      return;
    throw this.#standsElsewhere(assignment);
  }

  #standsElsewhere({ epoch, firstOffset }: Assignment): RingcastError {
    const message = `The log stands at ${this.epoch}/${this.head} and can't append at ${epoch}/${firstOffset}: try again.`;
    return new RingcastError("unavailable", message, { stored: "no" });
  }

  #isNewEpoch(epoch: string): boolean {
    return isEpoch(epoch) && this.history.endOf(epoch) === -1;
  }

  /** Begins an epoch at the head; the lineage is written down before any record of it. */
  #beginEpoch(epoch: string): void {
    const before = this.history;
    const entries = withEpoch(before.entries, epoch, this.head);
    expireTo(this, entries[0]?.first ?? 0);
    this.keeper.beforeEpoch();
    this.history = new Lineage(entries, this.partition);
    try {
      this.keeper.lineageExtended(this);
    } catch (error) {
      this.history = before;
      throw error;
    }
  }

  /** Nothing may throw in a flush: a log that can't be opened has said so by an event, and is tried again later. */
  #openForReading(): Region | undefined {
    try {
      return this.keeper.open(this);
    } catch (error) {
      if (error instanceof RingcastError && error.code === "unavailable") return undefined;
      throw error;
    }
  }

  #endAt(offset: number, address: number, result: ReadResult): ReadStatus {
    result.nextOffset = offset;
    result.nextAddress = offset === this.head ? this.headAddress : address;
    return (result.status = "end");
  }
}
