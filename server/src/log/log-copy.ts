import {
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  hasKey,
  headersAtOf,
  isPayloadIntact,
  KEY_AT,
  lengthOf,
  producerLengthOf,
  type RecordStamp,
  timestampOf,
  writeFiller,
  writeRecord,
  FLAGS_AT,
} from "@ringcast/protocol";
import type { HeadWords } from "./file-header.js";
import type { LogCursor, ReadResult } from "./port.js";
import { emptyResult } from "./read.js";
import type { Damage } from "./recovery.js";
import type { Region } from "./region/index.js";
import { lapOf, saveRange } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";
import { SparseIndex } from "./sparse-index.js";
import { firstWithin } from "./tail.js";

/** What stands for damaged records in a copy: so many zeros, which no reader believes. */
const HOLE_BYTES = 48;
/** A record that takes more of the new ring is left out, with all before it. */
const LARGEST_PART = 2;

/**
 * Copies the newest records of a log into another ring, a slice at a time while the log goes on. Offsets, times and checks of the publishers' parts
 * stay; addresses begin at 0 again, so the hub's checks are made anew. A damaged record is never given a good check: it becomes a hole.
 */
export class LogCopy implements HeadWords {
  head: number;
  tail: number;
  headAddress = 0;
  tailAddress = 0;
  lastTimestamp = 0;
  readonly index: SparseIndex;
  /** What was damaged in the source and is a hole in the copy, ascending. */
  readonly damages: Damage[] = [];
  readonly #source: PartitionLog;
  readonly #region: Region;
  readonly #cursor: LogCursor;
  readonly #result: ReadResult = emptyResult();

  /** @param region empty, with storage for its whole capacity or growing with {@link step} */
  constructor(source: PartitionLog, region: Region) {
    this.#source = source;
    this.#region = region;
    this.index = new SparseIndex(region.capacityBytes);
    this.tail = firstWithin(source, region.capacityBytes);
    this.head = this.tail;
    this.lastTimestamp = source.lastTimestamp;
    this.#cursor = { offset: this.tail, address: -1 };
  }

  /** Copies about as many bytes. @returns whether everything is copied by now */
  step(bytes: number): boolean {
    const source = this.#source;
    const result = this.#result;
    const cursor = this.#cursor;
    const from = this.headAddress;
    let left = bytes;
    while (left > 0) {
      const status = source.read(cursor, 65_536, Infinity, result);
      if (status === "end") break;
      if (status === "pending") break;
      // The ring went on faster than the copy: what it lost is lost here, too.
      if (status === "below-tail") this.#startAt(result.nextOffset);
      else if (status === "corrupt") this.#skip(result.nextOffset);
      else left -= this.#copyBlock(result);
      cursor.offset = result.nextOffset;
      cursor.address = result.nextAddress;
    }
    saveRange(this.#region, from, this.headAddress);
    this.lastTimestamp = source.lastTimestamp;
    return this.head === source.head;
  }

  #copyBlock(result: ReadResult): number {
    for (let at = result.start; at < result.end; at += lengthOf(result.view, at)) {
      if (isPayloadIntact(result.view, at)) this.#copyRecord(result, at);
      else this.#skip(this.head + 1);
    }
    return result.end - result.start;
  }

  #copyRecord(result: ReadResult, at: number): void {
    const { bytes, view } = result;
    const length = lengthOf(view, at);
    if (length > this.#region.capacityBytes / LARGEST_PART) {
      this.#startAt(this.head + 1);
      return;
    }
    const timestamp = timestampOf(view, at);
    const address = this.#makeRoom(length, timestamp);
    const headersAt = headersAtOf(view, at);
    const dataAt = dataAtOf(view, at);
    const dataEnd = dataEndOf(view, at);
    const message = {
      contentType: contentTypeOf(view, at),
      key: hasKey(view, at) ? bytes.subarray(at + KEY_AT, headersAt) : undefined,
      headers: bytes.subarray(headersAt, dataAt),
      data: bytes.subarray(dataAt, dataEnd),
    };
    const stamp: RecordStamp = {
      offset: this.head,
      timestamp,
      flags: view.getUint16(at + FLAGS_AT, true),
      seed: this.#source.history.seedOf(this.head),
      address,
      producer: bytes.subarray(dataEnd, dataEnd + producerLengthOf(view, at)),
    };
    writeRecord(this.#region.bytes, this.#region.view, this.#placeOf(address), message, stamp);
    this.headAddress = address + length;
    this.head++;
  }

  /** Leaves a hole for the records up to `next`. */
  #skip(next: number): void {
    this.#note({ from: this.head, to: next - 1 });
    const address = this.#makeRoom(HOLE_BYTES, this.#lastIndexedTime());
    const place = this.#placeOf(address);
    this.#region.bytes.fill(0, place, place + HOLE_BYTES);
    this.headAddress = address + HOLE_BYTES;
    this.head = next;
  }

  #note(damage: Damage): void {
    const last = this.damages.at(-1);
    if (last !== undefined && last.to + 1 === damage.from)
      this.damages[this.damages.length - 1] = { ...last, to: damage.to };
    else this.damages.push(damage);
  }

  /** Forgets what was copied: the copy begins at an offset. */
  #startAt(offset: number): void {
    this.head = offset;
    this.tail = offset;
    this.tailAddress = this.headAddress;
    this.index.dropBelow(this.headAddress);
  }

  /** Makes room for one record and notes it in the index. @returns its address */
  #makeRoom(length: number, timestamp: number): number {
    const region = this.#region;
    const capacity = region.capacityBytes;
    let address = this.headAddress;
    const rest = lapOf(address, capacity) + capacity - address;
    const isWrapping = rest < length;
    const end = address + length + (isWrapping ? rest : 0);
    if (end > region.allocatedBytes && region.allocatedBytes < capacity)
      region.grow(Math.max(end, region.allocatedBytes * 2));
    if (end - capacity > this.tailAddress) this.#trim(end - capacity);
    if (isWrapping) {
      if (rest > 0)
        writeFiller(region.view, this.#placeOf(address), rest, this.#source.history.seedOf(this.head), address);
      address += rest;
    }
    if (address >= this.index.nextAddress) this.index.add(address, this.head, timestamp);
    return address;
  }

  #trim(address: number): void {
    const entry = this.index.entryFromAddress(address);
    const isEmpty = entry >= this.index.count;
    this.tail = isEmpty ? this.head : this.index.offsetAt(entry);
    this.tailAddress = isEmpty ? this.headAddress : this.index.addressAt(entry);
    this.index.dropBelow(this.tailAddress);
  }

  #placeOf(address: number): number {
    return this.#region.ringAt + (address % this.#region.capacityBytes);
  }

  #lastIndexedTime(): number {
    return this.index.count === 0 ? 0 : this.index.timeAt(this.index.count - 1);
  }
}
