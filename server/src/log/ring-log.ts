import {
  encodeProducerPart,
  FLAG_MORE,
  isPayloadIntact,
  NO_PRODUCER,
  type NewMessage,
  type RecordStamp,
  recordSize,
  RingcastError,
  timestampOf,
  writeFiller,
  writeRecord,
} from "@ringcast/protocol";
import { checkRecord, isFiller, isHubPartIntact, offsetOf } from "@ringcast/protocol";
import type { HeadWords } from "./file-header.js";
import type { Lineage } from "./lineage.js";
import type { Assignment, LineageEntry, LogCursor, ProducerMark, ReadResult, ReadStatus, RingLog } from "./port.js";
import type { Region } from "./region/index.js";
import { believedLength, findNextRecord, lapEnd, lapOf, placeOf, type Resumption } from "./ring.js";
import { SparseIndex } from "./sparse-index.js";

/** Bytes of the ring that get storage at first; doubled whenever they are full. */
export const FIRST_ALLOCATION_BYTES = 65_536;
/** A batch may take one part in so many of the ring: else it would push out what readers are just reading. */
const LARGEST_BATCH_PART = 4;
/** Damaged stretches remembered, so that not every reader has to look for their end. */
const MAX_KNOWN_DAMAGES = 64;

/** Where a log stands: all that is known of it without looking at its bytes. */
export interface LogState {
  readonly lineage: readonly LineageEntry[];
  readonly head: number;
  readonly tail: number;
  readonly headAddress: number;
  readonly tailAddress: number;
  readonly lastTimestamp: number;
}

/** What a log needs of whoever keeps it. */
export interface LogKeeper {
  /**
   * Brings a log's memory, with `state` and `index` set from it. Called at the first use and after {@link PartitionLog.release}.
   * @throws RingcastError `unavailable`
   */
  open(log: PartitionLog): Region;
  /** Called before the first append since the log was opened or synced; may throw like `append`. */
  beforeAppend(log: PartitionLog): void;
  /** Called before the tail passes records of which somebody still needs something; may throw like `append`. */
  beforeTrim(log: PartitionLog, tailAddress: number): void;
  /** Called after a batch that a producer marked. */
  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void;
  synced(log: PartitionLog): Promise<void>;
  /** Brings the ring to another capacity in the background. */
  resize(log: PartitionLog, capacityBytes: number): void;
  /** Storage refused, or is well again (undefined). */
  health(log: PartitionLog, failure: Error | undefined): void;
}

/** Where a record stands. */
export interface LogPlace {
  readonly offset: number;
  readonly address: number;
  readonly timestamp: number;
}

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
  /** Whether `beforeAppend` was called since the last sync. */
  isDirty = false;
  #region: Region | undefined;
  #storedBytes: number;
  readonly #keeper: LogKeeper;
  #publish: ((log: PartitionLog) => void) | undefined;
  readonly #damages = new Map<number, Resumption>();
  readonly #stamp: RecordStamp = { offset: 0, timestamp: 0, flags: 0, seed: 0, address: 0, producer: NO_PRODUCER };

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
    this.#damages.clear();
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
    const region = this.#region ?? this.#keeper.open(this);
    this.isUsed = true;
    this.#checkAssignment(assignment);
    const part = producer === undefined ? NO_PRODUCER : encodeProducerPart(producer, messages.length);
    const end = this.#planEnd(messages, part.length);
    this.#prepare(end);
    const address = this.#write(this.#region ?? region, messages, assignment, part);
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
    return this.#readFrom(region, this.#addressFor(region, cursor), offset, edgeBytes, limitOffset, result);
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
    return this.#locate(region, Math.max(offset, this.tail)).address;
  }

  offsetAtTime(timeMs: number): number {
    if (this.head === this.tail || timeMs > this.lastTimestamp) return this.head;
    const region = this.#region ?? this.#keeper.open(this);
    this.isUsed = true;
    const entry = this.index.entryBeforeTime(timeMs);
    let at: Resumption =
      entry < 0 ? this.#tailPlace() : { address: this.index.addressAt(entry), offset: this.index.offsetAt(entry) };
    while (at.offset < this.head) {
      const length = this.#lengthAt(region, at);
      const place = placeOf(region, at.address);
      if (length === 0) at = this.#behindDamage(region, at);
      else if (isFiller(region.view, place)) at = { address: at.address + length, offset: at.offset };
      else if (timestampOf(region.view, place) >= timeMs) return at.offset;
      else at = { address: at.address + length, offset: at.offset + 1 };
    }
    return this.head;
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
    this.#damages.clear();
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

  // ---- append --------------------------------------------------------------------------------------------------------

  /** Address behind the last record, fillers included. */
  #planEnd(messages: readonly NewMessage[], partLength: number): number {
    const capacity = this.capacityBytes;
    let end = this.headAddress;
    let lap = lapOf(end, capacity) + capacity;
    let total = 0;
    for (let i = 0; i < messages.length; i++) {
      const size = recordSize(messages[i] as NewMessage, i === 0 ? partLength : 0);
      total += size;
      if (end + size > lap) {
        end = lap;
        lap += capacity;
      }
      end += size;
    }
    if (total > capacity / LARGEST_BATCH_PART) throw this.#tooLarge(total);
    return end;
  }

  #tooLarge(bytes: number): RingcastError {
    const limit = Math.floor(this.capacityBytes / LARGEST_BATCH_PART);
    const advice = "send less at once or raise the topic's capacityBytes";
    return new RingcastError(
      "too_large",
      `${bytes} bytes in one partition are over a quarter of its capacity: ${advice}.`,
      { limit },
    );
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

  /** Writes the batch behind the head; nothing of it is visible yet. @returns address of its first record */
  #write(region: Region, messages: readonly NewMessage[], assignment: Assignment, part: Uint8Array): number {
    const { bytes, view, ringAt } = region;
    const capacity = this.capacityBytes;
    const stamp = this.#stamp;
    const seed = this.history.seed;
    const last = messages.length - 1;
    let address = this.headAddress;
    let lap = lapOf(address, capacity);
    let first = -1;
    stamp.timestamp = assignment.timestamp;
    stamp.seed = seed;
    stamp.producer = part;
    for (let i = 0; i <= last; i++) {
      const message = messages[i] as NewMessage;
      const rest = lap + capacity - address;
      if (recordSize(message, stamp.producer.length) > rest) {
        if (rest > 0) writeFiller(view, ringAt + (address - lap), rest, seed, address);
        lap += capacity;
        address = lap;
      }
      if (i === 0) first = address;
      stamp.offset = assignment.firstOffset + i;
      stamp.flags = i < last ? FLAG_MORE : 0;
      stamp.address = address;
      if (address >= this.index.nextAddress) this.index.add(address, stamp.offset, stamp.timestamp);
      address += writeRecord(bytes, view, ringAt + (address - lap), message, stamp);
      stamp.producer = NO_PRODUCER;
    }
    return first;
  }

  // ---- read ----------------------------------------------------------------------------------------------------------

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

  /** The cursor's own address when the right record stands there, else that from the index. */
  #addressFor(region: Region, cursor: LogCursor): Resumption {
    const { offset, address } = cursor;
    if (address >= this.tailAddress && address < this.headAddress && address % 8 === 0) {
      if (believedLength(region, this.history, address, offset, this.headAddress) > 0) return cursor;
    }
    return this.#locate(region, offset);
  }

  /** The hot loop of reading: takes records as long as they are whole, of this epoch, and end before the edge. */
  #readFrom(
    region: Region,
    from: Resumption,
    offset: number,
    edgeBytes: number,
    limitOffset: number,
    result: ReadResult,
  ): ReadStatus {
    const { view } = region;
    const history = this.history;
    const limit = Math.min(limitOffset, this.head, history.endOfEpochAt(offset));
    const seed = history.seedOf(offset);
    let address = from.address;
    let place = placeOf(region, address);
    if (from.offset === offset && this.#lengthAt(region, from) > 0 && isFiller(view, place)) {
      address = lapOf(address, this.capacityBytes) + this.capacityBytes;
      place = region.ringAt;
    }
    const start = place;
    const first = address;
    const end = lapEnd(address, this.capacityBytes, this.headAddress);
    const endPlace = place + (end - address);
    let edge = 0;
    let next = offset;
    while (next < limit && place < endPlace) {
      const length = checkRecord(view, place, endPlace);
      if (length === 0 || !isHubPartIntact(view, place, seed, address)) break;
      if (isFiller(view, place)) {
        if (next > offset) break;
      } else if (offsetOf(view, place) !== next) break;
      if (edge === 0) edge = (Math.floor((address + length - 1) / edgeBytes) + 1) * edgeBytes;
      else if (address + length > edge) break;
      address += length;
      place += length;
      next++;
    }
    if (next === offset) {
      const behind = this.#behindDamage(region, from);
      // A damaged filler hides no record: go on behind it.
      if (behind.offset === offset && behind.address < this.headAddress) {
        return this.#readFrom(region, behind, offset, edgeBytes, limitOffset, result);
      }
      return this.#corrupt(behind, offset, result);
    }
    result.bytes = region.bytes;
    result.view = view;
    result.start = start;
    result.end = place;
    result.address = first;
    result.firstOffset = offset;
    result.nextOffset = next;
    result.nextAddress = address;
    result.epoch = history.epochOf(offset);
    return (result.status = "records");
  }

  #corrupt(behind: Resumption, offset: number, result: ReadResult): ReadStatus {
    result.firstOffset = offset;
    result.nextOffset = behind.offset;
    result.nextAddress = behind.address;
    result.epoch = this.history.epochOf(offset);
    return (result.status = "corrupt");
  }

  /** Address of a record, or of the damaged stretch that it is in (then with the offset at which the damage begins). */
  #locate(region: Region, offset: number): Resumption {
    const entry = this.index.entryOfOffset(offset);
    let at: Resumption =
      entry < 0 ? this.#tailPlace() : { address: this.index.addressAt(entry), offset: this.index.offsetAt(entry) };
    while (at.offset < offset) {
      const length = this.#lengthAt(region, at);
      if (length === 0) {
        const behind = this.#behindDamage(region, at);
        if (behind.offset > offset) return at;
        at = behind;
      } else {
        const isRecord = !isFiller(region.view, placeOf(region, at.address));
        at = { address: at.address + length, offset: at.offset + (isRecord ? 1 : 0) };
      }
    }
    return at;
  }

  #tailPlace(): Resumption {
    return { address: this.tailAddress, offset: this.tail };
  }

  #lengthAt(region: Region, at: Resumption): number {
    return believedLength(region, this.history, at.address, at.offset, this.headAddress);
  }

  #behindDamage(region: Region, at: Resumption): Resumption {
    const known = this.#damages.get(at.address);
    if (known !== undefined && known.address <= this.headAddress && known.address > this.tailAddress) return known;
    const behind = findNextRecord(region, this.history, at, { address: this.headAddress, offset: this.head });
    if (this.#damages.size >= MAX_KNOWN_DAMAGES) this.#damages.clear();
    this.#damages.set(at.address, behind);
    return behind;
  }
}
