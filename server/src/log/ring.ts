/**
 * Walking over the records of a ring: where an address is, whether a record can be believed, where the next good one begins. Addresses are
 * monotonic byte counts; place = address mod capacity.
 */
import { checkRecord, isFiller, isHubPartIntact, offsetOf, RECORD_ALIGNMENT } from "@ringcast/protocol";
import type { Lineage } from "./lineage.js";
import { perhapsStored, type Region } from "./region/index.js";

/** First address of the lap that an address belongs to. */
export function lapOf(address: number, capacityBytes: number): number {
  return address - (address % capacityBytes);
}

/** Place of an address in the region's `bytes`. */
export function placeOf(region: Region, address: number): number {
  return region.ringAt + (address % region.capacityBytes);
}

/** Has bytes of the ring survive the process that were written between two addresses, less than a lap apart or the whole ring. */
export function saveRange(region: Region, from: number, to: number): void {
  if (region.save === undefined || to <= from) return;
  const { capacityBytes, ringAt } = region;
  if (to - from >= capacityBytes) {
    region.save(ringAt, Math.min(capacityBytes, region.allocatedBytes));
    return;
  }
  const end = Math.min(to, lapOf(from, capacityBytes) + capacityBytes);
  region.save(placeOf(region, from), end - from);
  if (end === to) return;
  try {
    region.save(ringAt, to - end);
  } catch (error) {
    throw perhapsStored(error);
  }
}

/** Bytes of a record or filler that are enough for it to be none any more. */
export const WIPED_BYTES = 8;

/**
 * Has what stands behind a head be no record any more: it was never published, but a log that is scanned after a power cut would take it for one.
 * @throws RingcastError `unavailable` where that doesn't survive the process; the memory is wiped then as well
 */
export function wipe(region: Region, headAddress: number): void {
  const place = placeOf(region, headAddress);
  region.bytes.fill(0, place, place + WIPED_BYTES);
  saveRange(region, headAddress, headAddress + WIPED_BYTES);
}

/** The next address that is no longer in the same lap, at most `limit`. */
export function lapEnd(address: number, capacityBytes: number, limit: number): number {
  return Math.min(lapOf(address, capacityBytes) + capacityBytes, limit);
}

/**
 * Length of the record at an address when all of it lies below `limit` and its hub check holds: then its offset, time and lengths are as they were
 * written. Of a filler, too.
 *
 * @param offset of the record expected here, or of the one that follows the filler: decides the epoch
 * @returns 0 where nothing can be believed
 */
export function believedLength(
  region: Region,
  lineage: Lineage,
  address: number,
  offset: number,
  limit: number,
): number {
  const place = placeOf(region, address);
  const room = lapEnd(address, region.capacityBytes, limit) - address;
  const length = checkRecord(region.view, place, place + room);
  if (length === 0 || !isHubPartIntact(region.view, place, lineage.seedOf(offset), address)) return 0;
  return isFiller(region.view, place) || offsetOf(region.view, place) === offset ? length : 0;
}

/**
 * Like {@link believedLength}, but believes a record by its lengths and offset alone: enough to follow a chain whose end is known, at a third of
 * the cost.
 */
export function plausibleLength(
  region: Region,
  lineage: Lineage,
  address: number,
  offset: number,
  limit: number,
): number {
  const place = placeOf(region, address);
  const length = checkRecord(region.view, place, place + lapEnd(address, region.capacityBytes, limit) - address);
  if (length > 0 && isFiller(region.view, place)) return believedLength(region, lineage, address, offset, limit);
  return length > 0 && offsetOf(region.view, place) === offset ? length : 0;
}

/** Where records can be believed again after a damaged stretch. */
export interface Resumption {
  readonly address: number;
  readonly offset: number;
}

/**
 * Finds the next record behind a damaged one: every multiple of 8 is tried for a record whose hub check holds and whose offset fits. O(bytes
 * of the damage); a filler isn't taken, what follows it is found just as well.
 *
 * @param from  address and offset of the damaged record
 * @param limit where to stop: the answer when nothing is found
 */
export function findNextRecord(region: Region, lineage: Lineage, from: Resumption, limit: Resumption): Resumption {
  const { view } = region;
  let address = from.address + RECORD_ALIGNMENT;
  while (address < limit.address) {
    const end = lapEnd(address, region.capacityBytes, limit.address);
    let place = placeOf(region, address);
    const endPlace = place + (end - address);
    for (; address < end; address += RECORD_ALIGNMENT, place += RECORD_ALIGNMENT) {
      if (checkRecord(view, place, endPlace) === 0 || isFiller(view, place)) continue;
      const offset = offsetOf(view, place);
      if (offset < from.offset || offset >= limit.offset) continue;
      if (isHubPartIntact(view, place, lineage.seedOf(offset), address)) return { address, offset };
    }
  }
  return limit;
}
