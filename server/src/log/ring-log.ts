import {
  encodeProducerPart,
  isFiller,
  isHubPartIntact,
  isPayloadIntact,
  NO_PRODUCER,
  type NewMessage,
  offsetOf,
  checkRecord,
  RingcastError,
} from "@ringcast/protocol";
import { planEnd, writeBatch } from "./append.js";
import type { HeadWords } from "./file-header.js";
import type { Lineage } from "./lineage.js";
import { locate, locateTime } from "./locate.js";
import { FIRST_ALLOCATION_BYTES, type LogKeeper, type LogState } from "./log-keeper.js";
import type { Assignment, LineageEntry, LogCursor, ProducerMark, ReadResult, ReadStatus, RingLog } from "./port.js";
import { readBlock } from "./read.js";
import type { Region } from "./region/index.js";
import type { Resumption } from "./ring.js";
import { SparseIndex } from "./sparse-index.js";

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
  /** Whether `beforeAppend` was called since the last sync. */
  isDirty = false;
  #region: Region | undefined;
  #storedBytes: number;
  readonly #keeper: LogKeeper;
  #publish: ((log: PartitionLog) => void) | undefined;

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
    this.#keeper = options.keeper;
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
    this.#publish = publish;
  }

  /** Lets the memory go; the next use asks the keeper for it again. */
  release(): void {
    this.#storedBytes = this.storedBytes;
    this.#region?.close();
    this.#region = undefined;
    this.#publish = undefined;
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

  append(messages: readonly NewMessage[], assignment: Assignment, producer?: ProducerMark): void {
    if (messages.length === 0) return;
    if (this.#region === undefined) this.#keeper.open(this);
    this.isUsed = true;
    this.#checkAssignment(assignment);
    const part = producer === undefined ? NO_PRODUCER : encodeProducerPart(producer, messages.length);
    const end = planEnd(this, messages, part.length);
    this.#prepare(end);
    const address = writeBatch(this, messages, assignment, part);
    const place = { offset: this.head, address, timestamp: assignment.timestamp };
    this.head += messages.length;
    this.headAddress = end;
    this.lastTimestamp = assignment.timestamp;
    this.#publish?.(this);
    if (producer !== undefined) this.#keeper.afterMarked(this, producer, place, messages.length);
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
    return readBlock(this, region, cursor, edgeBytes, limitOffset, result);
  }

  isIntact(result: ReadResult, place: number, offset: number): boolean {
    const { view } = result;
    if (checkRecord(view, place, result.end) === 0 || isFiller(view, place) || offsetOf(view, place) !== offset)
      return false;
    const address = result.address + (place - result.start);
    return isHubPartIntact(view, place, this.history.seedOf(offset), address) && isPayloadIntact(view, place);
  }

  addressOf(offset: number): number {
    if (offset >= this.head) return this.headAddress;
    const region = this.#region ?? this.#keeper.open(this);
    this.isUsed = true;
    return locate(this, region, Math.max(offset, this.tail)).address;
  }

  offsetAtTime(timeMs: number): number {
    if (this.head === this.tail || timeMs > this.lastTimestamp) return this.head;
    const region = this.#region ?? this.#keeper.open(this);
    this.isUsed = true;
    return locateTime(this, region, timeMs);
  }

  /** Lowest offset from which on everything takes at most so many bytes; rounded up to an entry of the index. */
  firstWithin(bytes: number): number {
    const address = this.headAddress - bytes;
    if (address <= this.tailAddress) return this.tail;
    const entry = this.index.entryFromAddress(address);
    return entry < this.index.count ? this.index.offsetAt(entry) : this.head;
  }

  /** Asks for another capacity; holds as soon as the log has been copied. */
  resize(capacityBytes: number): void {
    this.#keeper.resize(this, capacityBytes);
  }

  /** Moves the tail up to an offset, if it stands below. */
  trimTo(offset: number): void {
    if (offset <= this.tail) return;
    this.tailAddress = this.addressOf(offset);
    this.tail = Math.min(offset, this.head);
    this.index.dropBelow(this.tailAddress);
  }

  /** Goes over to a copy of itself in another region; the old one is let go. */
  moveTo(
    region: Region,
    copy: HeadWords & { readonly index: SparseIndex },
    publish: ((log: PartitionLog) => void) | undefined,
  ): void {
    this.release();
    this.capacityBytes = region.capacityBytes;
    this.take(copy);
    this.index = copy.index;
    this.damages.clear();
    this.attach(region, publish);
  }

  synced(): Promise<void> {
    return this.#keeper.synced(this);
  }

  #checkAssignment(assignment: Assignment): void {
    if (
      assignment.firstOffset === this.head &&
      assignment.epoch === this.epoch &&
      assignment.timestamp >= this.lastTimestamp
    )
      return;
    const given = `${assignment.epoch}/${assignment.firstOffset}`;
    const message = `The log stands at ${this.epoch}/${this.head} and can't append at ${given}: try again.`;
    throw new RingcastError("unavailable", message, { stored: "no" });
  }

  /** Makes room up to `end`: storage first, then the tail, which is published before anything is overwritten. */
  #prepare(end: number): void {
    try {
      if (!this.isDirty) this.#keeper.beforeAppend(this);
      const region = this.#region as Region;
      if (end > region.allocatedBytes && region.allocatedBytes < this.capacityBytes) this.#grow(region, end);
      if (end - this.capacityBytes > this.tailAddress) this.#trim(end - this.capacityBytes);
    } catch (error) {
      this.#keeper.health(this, error as Error);
      throw error;
    }
    if (this.failure !== undefined) this.#keeper.health(this, undefined);
  }

  #grow(region: Region, end: number): void {
    let wanted = Math.max(region.allocatedBytes, FIRST_ALLOCATION_BYTES);
    while (wanted < end && wanted < this.capacityBytes) wanted *= 2;
    region.grow(wanted);
  }

  /** Moves the tail to the first indexed record at or above an address: a stretch of the index at a time, without touching old pages. */
  #trim(address: number): void {
    const entry = this.index.entryFromAddress(address);
    const isEmpty = entry >= this.index.count;
    const tailAddress = isEmpty ? this.headAddress : this.index.addressAt(entry);
    this.#keeper.beforeTrim(this, tailAddress);
    this.tail = isEmpty ? this.head : this.index.offsetAt(entry);
    this.tailAddress = tailAddress;
    this.index.dropBelow(tailAddress);
    this.#publish?.(this);
  }

  /** Nothing may throw in a flush: a log that can't be opened has said so by an event, and is tried again later. */
  #openForReading(): Region | undefined {
    try {
      return this.#keeper.open(this);
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
