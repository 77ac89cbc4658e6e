/**
 * Finding a record by its offset or time: the sparse index, a short scan, and the way around damaged stretches.
 */
import { isFiller, timestampOf } from "@ringcast/protocol";
import type { Region } from "./region/index.js";
import { believedLength, findNextRecord, placeOf, type Resumption } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";

/** Damaged stretches remembered, so that not every reader has to look for their end. */
const MAX_KNOWN_DAMAGES = 64;

/** Address of a record, or of the damaged stretch that it is in (then with the offset at which the damage begins). */
export function locate(log: PartitionLog, region: Region, offset: number): Resumption {
  const entry = log.index.entryOfOffset(offset);
  let at = placeOfEntry(log, entry);
  while (at.offset < offset) {
    const length = lengthAt(log, region, at);
    if (length === 0) {
      const behind = behindDamage(log, region, at);
      if (behind.offset > offset) return at;
      at = behind;
    } else {
      const isRecord = !isFiller(region.view, placeOf(region, at.address));
      at = { address: at.address + length, offset: at.offset + (isRecord ? 1 : 0) };
    }
  }
  return at;
}

/** First offset whose time is `timeMs` or later; the head where there is none. */
export function locateTime(log: PartitionLog, region: Region, timeMs: number): number {
  const entry = log.index.entryBeforeTime(timeMs);
  let at = placeOfEntry(log, entry);
  while (at.offset < log.head) {
    const length = lengthAt(log, region, at);
    const place = placeOf(region, at.address);
    if (length === 0) at = behindDamage(log, region, at);
    else if (isFiller(region.view, place)) at = { address: at.address + length, offset: at.offset };
    else if (timestampOf(region.view, place) >= timeMs) return at.offset;
    else at = { address: at.address + length, offset: at.offset + 1 };
  }
  return log.head;
}

/**
 * Time of the record that a cursor stands at, or of the next one that can be believed. Touches one page when the cursor knows its address.
 */
export function timeAt(log: PartitionLog, region: Region, cursor: Resumption): number {
  let at = cursor;
  const isKnown = at.address >= log.tailAddress && at.address < log.headAddress && at.address % 8 === 0;
  if (!isKnown || lengthAt(log, region, at) === 0) at = locate(log, region, Math.max(cursor.offset, log.tail));
  while (at.offset < log.head && at.address < log.headAddress) {
    const length = lengthAt(log, region, at);
    const place = placeOf(region, at.address);
    if (length > 0 && !isFiller(region.view, place)) return timestampOf(region.view, place);
    at = length === 0 ? behindDamage(log, region, at) : { address: at.address + length, offset: at.offset };
  }
  return log.lastTimestamp;
}

/** Length of the record at a place; 0 when it can't be believed. */
export function lengthAt(log: PartitionLog, region: Region, at: Resumption): number {
  return believedLength(region, log.history, at.address, at.offset, log.headAddress);
}

/** Where records can be believed again behind a damaged one. */
export function behindDamage(log: PartitionLog, region: Region, at: Resumption): Resumption {
  const known = log.damages.get(at.address);
  if (known !== undefined && known.address <= log.headAddress && known.address > log.tailAddress) return known;
  const behind = findNextRecord(region, log.history, at, { address: log.headAddress, offset: log.head });
  if (log.damages.size >= MAX_KNOWN_DAMAGES) log.damages.clear();
  log.damages.set(at.address, behind);
  return behind;
}

/** Where a scan begins: at an entry of the index, or at the tail when there is none before. */
function placeOfEntry({ index, tail, tailAddress }: PartitionLog, entry: number): Resumption {
  if (entry < 0) return { address: tailAddress, offset: tail };
  return { address: index.addressAt(entry), offset: index.offsetAt(entry) };
}
