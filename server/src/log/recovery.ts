/**
 * Finding out what a log holds when it is opened. Two rules (docs/log-format.md, "Recovery"): after a clean close, or a death of the process alone, the head
 * in the file is binding, and what is damaged below it is a gap whose offsets stay used. After a power cut pages are on disk in any order: everything
 * is verified, the log is cut at the first bad record at or after what was synced, and a new epoch begins there.
 */
import { hasMore, isFiller, isHubPartIntact, isPayloadIntact, producerLengthOf, timestampOf } from "@ringcast/protocol";
import type { FileHeader, HeadWords } from "./file-header.js";
import type { Lineage } from "./lineage.js";
import type { Region } from "./region/index.js";
import { believedLength, findNextRecord, lapOf, placeOf, plausibleLength, type Resumption } from "./ring.js";
import type { SparseIndex } from "./sparse-index.js";

/** Records `from` to `to` are damaged. */
export interface Damage {
  readonly from: number;
  readonly to: number;
}

export interface Recovery {
  readonly words: HeadWords;
  /** Whole records found. */
  readonly records: number;
  /** Records that were there by the head words, and are cut off. */
  readonly cutRecords: number;
  /** Whether acknowledged records may have been lost, so that a new epoch has to begin at the head. */
  readonly needsEpoch: boolean;
  readonly damages: readonly Damage[];
}

export interface RecoveryInput {
  readonly region: Region;
  readonly lineage: Lineage;
  readonly header: FileHeader;
  /** Undefined when the head words can't be believed. */
  readonly words: HeadWords | undefined;
  /** What is left of them: head and tail have stood there once. */
  readonly slot: HeadWords | undefined;
  /** Whether the page cache outlived the process that wrote them: the same boot, or a clean close. */
  readonly isBinding: boolean;
  /** Filled with what is found. */
  readonly index: SparseIndex;
  /** Told each record with a producer part. */
  readonly onMarked: (place: number, address: number, offset: number) => void;
}

/**
 * Reads a whole log once, O(bytes). Below a binding head the chain of lengths and offsets is followed: whoever reads a record verifies it. Only after a failed
 * sync all that wasn't synced before is verified here.
 */
export function recover(input: RecoveryInput): Recovery {
  return input.words !== undefined && input.isBinding ? recoverBound(input, input.words) : recoverUnbound(input);
}

function recoverBound(input: RecoveryInput, words: HeadWords): Recovery {
  const { region, lineage, header } = input;
  const damages: Damage[] = [];
  const end = { address: words.headAddress, offset: words.head };
  let at: Resumption = { address: words.tailAddress, offset: words.tail };
  let records = 0;
  while (at.offset < end.offset && at.address < end.address) {
    const isTrusted = header.state !== "failed" || at.address < header.syncedAddress;
    const length = isTrusted
      ? plausibleLength(region, lineage, at.address, at.offset, end.address)
      : believedLength(region, lineage, at.address, at.offset, end.address);
    if (length === 0) {
      const behind = findNextRecord(region, lineage, at, end);
      if (behind.offset > at.offset) damages.push({ from: at.offset, to: behind.offset - 1 });
      at = behind;
      continue;
    }
    const place = placeOf(region, at.address);
    if (isFiller(region.view, place)) {
      at = { address: at.address + length, offset: at.offset };
      continue;
    }
    if (!isTrusted && !isPayloadIntact(region.view, place)) {
      damages.push({ from: at.offset, to: at.offset });
    }
    indexRecord(input, place, at);
    if (
      producerLengthOf(region.view, place) > 0 &&
      isHubPartIntact(region.view, place, lineage.seedOf(at.offset), at.address)
    ) {
      input.onMarked(place, at.address, at.offset);
    }
    records++;
    at = { address: at.address + length, offset: at.offset + 1 };
  }
  return { words, records, cutRecords: 0, needsEpoch: false, damages };
}

function recoverUnbound(input: RecoveryInput): Recovery {
  const { region, lineage, header, slot } = input;
  const synced = { address: header.syncedAddress, offset: header.syncedOffset };
  const damages: Damage[] = [];
  let tail = newestTail(header, slot);
  let at = tail;
  /** Behind the last whole batch. */
  let head = at;
  let records = 0;
  let lastTimestamp = header.lastTimestamp;
  /** Before the ring has its whole length nothing was ever overwritten. */
  const hasWrapped = region.allocatedBytes >= region.capacityBytes;
  /** The batch that is being read, if a producer marked it: it counts when it is whole. */
  let marked: { readonly place: number; readonly at: Resumption } | undefined;
  for (;;) {
    const lap = lapOf(at.address, region.capacityBytes);
    const limit = Math.min(tail.address + region.capacityBytes, lap + wholeWords(region.allocatedBytes));
    const isInside = at.address < limit;
    const length = isInside ? believedLength(region, lineage, at.address, at.offset, limit) : 0;
    const place = placeOf(region, at.address);
    const isWhole = length > 0 && (isFiller(region.view, place) || isPayloadIntact(region.view, place));
    if (isWhole && isFiller(region.view, place)) {
      at = { address: at.address + length, offset: at.offset };
    } else if (isWhole) {
      indexRecord(input, place, at);
      if (producerLengthOf(region.view, place) > 0) marked = { place, at };
      records++;
      lastTimestamp = Math.max(lastTimestamp, timestampOf(region.view, place));
      at = { address: at.address + length, offset: at.offset + 1 };
      if (hasMore(region.view, place)) continue;
      head = at;
      if (marked !== undefined) input.onMarked(marked.place, marked.at.address, marked.at.offset);
      marked = undefined;
    } else if (at.address < synced.address && at.offset < synced.offset) {
      const behind = findNextRecord(region, lineage, at, synced);
      // Nothing good before it: the ring went on overwriting after the tail was last written down.
      if (records === 0 && hasWrapped) tail = behind;
      else damages.push({ from: at.offset, to: behind.offset - 1 });
      at = behind;
      head = at;
      marked = undefined;
    } else {
      break;
    }
  }
  input.index.dropFrom(head.address);
  const cutRecords = Math.max(0, (slot?.head ?? head.offset) - head.offset);
  return {
    words: {
      head: head.offset,
      headAddress: head.address,
      tail: tail.offset,
      tailAddress: tail.address,
      lastTimestamp,
    },
    records: records - (at.offset - head.offset),
    cutRecords,
    needsEpoch: true,
    damages,
  };
}

/** A file that was cut from outside may end anywhere. */
function wholeWords(bytes: number): number {
  return bytes - (bytes % 8);
}

/** Header copy and head words are written at different times, and reach the disk in any order: the farther one is right. */
function newestTail(header: FileHeader, words: HeadWords | undefined): Resumption {
  if (words !== undefined && words.tailAddress > header.tailAddress)
    return { address: words.tailAddress, offset: words.tail };
  return { address: header.tailAddress, offset: header.tailOffset };
}

function indexRecord(input: RecoveryInput, place: number, at: Resumption): void {
  if (at.address >= input.index.nextAddress)
    input.index.add(at.address, at.offset, timestampOf(input.region.view, place));
}
