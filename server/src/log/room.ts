/** Room for a batch behind the head of a log: storage first, then the tail, which is published before anything is overwritten. */
import { FIRST_ALLOCATION_BYTES } from "./log-keeper.js";
import type { Region } from "./region/index.js";
import { saveRange } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";
import { trimToAddress } from "./tail.js";

/**
 * Makes room up to an address.
 * @throws RingcastError `unavailable`; the keeper was told then
 */
export function makeRoom(log: PartitionLog, end: number): void {
  try {
    if (!log.isDirty) log.keeper.beforeAppend(log);
    growUpTo(log, end);
    if (end - log.capacityBytes > log.tailAddress) trimToAddress(log, end - log.capacityBytes);
  } catch (error) {
    log.refusedEnd = end;
    log.keeper.health(log, error as Error);
    throw error;
  }
}

/**
 * Asks the storage again for what it refused the last append, without a record.
 * @throws RingcastError `unavailable`
 */
export function retryRefused(log: PartitionLog): void {
  if (log.region === undefined) log.keeper.open(log);
  if (!log.isDirty) log.keeper.beforeAppend(log);
  if (log.refusedEnd <= log.headAddress) return;
  growUpTo(log, log.refusedEnd);
  // Nothing of it is visible: the head stays.
  saveRange(log.region as Region, log.headAddress, log.refusedEnd);
  log.refusedEnd = 0;
}

/** Doubles the storage until an address has some, or all of the ring. */
function growUpTo(log: PartitionLog, end: number): void {
  const region = log.region as Region;
  const { allocatedBytes } = region;
  if (end <= allocatedBytes || allocatedBytes >= log.capacityBytes) return;
  let wanted = Math.max(allocatedBytes, FIRST_ALLOCATION_BYTES);
  while (wanted < end && wanted < log.capacityBytes) wanted *= 2;
  log.keeper.beforeGrow(Math.min(wanted, log.capacityBytes) - allocatedBytes);
  region.grow(wanted);
  log.keeper.afterGrow(log);
}
