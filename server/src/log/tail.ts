/** Where a log's oldest record is, and letting go of those before another. */
import type { PartitionLog } from "./ring-log.js";

/** Lowest offset from which on everything takes at most so many bytes; rounded up to an entry of the index. */
export function firstWithin(log: PartitionLog, bytes: number): number {
  const { index } = log;
  const address = log.headAddress - bytes;
  if (address <= log.tailAddress) return log.tail;
  const entry = index.entryFromAddress(address);
  return entry < index.count ? index.offsetAt(entry) : log.head;
}

/** Moves the tail up to an offset, if it stands below; nobody is told, and nothing written down. */
export function trimTo(log: PartitionLog, offset: number): void {
  if (offset <= log.tail) return;
  log.tailAddress = log.addressOf(offset);
  log.tail = Math.min(offset, log.head);
  log.index.dropBelow(log.tailAddress);
}

/**
 * Lets go of all records below an offset, for retention: afterwards the tail is exactly there, or at the head if that is lower.
 * @throws RingcastError `unavailable`; nothing was changed then
 */
export function expireTo(log: PartitionLog, offset: number): void {
  if (log.region === undefined) log.keeper.open(log);
  const tail = Math.min(offset, log.head);
  if (tail <= log.tail) return;
  const tailAddress = log.addressOf(tail);
  if (!log.isDirty) log.keeper.beforeAppend(log);
  moveTail(log, tail, tailAddress);
}

/**
 * Moves the tail to the first indexed record at or above an address: a stretch of the index at a time, without touching old pages.
 * @throws RingcastError `unavailable`; nothing was changed then
 */
export function trimToAddress(log: PartitionLog, address: number): void {
  const { index } = log;
  const entry = index.entryFromAddress(address);
  if (entry >= index.count) moveTail(log, log.head, log.headAddress);
  else moveTail(log, index.offsetAt(entry), index.addressAt(entry));
}

function moveTail(log: PartitionLog, tail: number, tailAddress: number): void {
  log.keeper.beforeTrim(log, tailAddress);
  publishTail(log, tail, tailAddress);
}

/**
 * Puts the tail where it is, here and where it survives the process: a tail that only readers know of would run back with the next start.
 * @throws RingcastError `unavailable`; nothing was changed then, and the keeper was told
 */
export function publishTail(log: PartitionLog, tail: number, tailAddress: number): void {
  const before = { tail: log.tail, tailAddress: log.tailAddress };
  log.tail = tail;
  log.tailAddress = tailAddress;
  try {
    log.publish?.(log);
  } catch (error) {
    Object.assign(log, before);
    log.keeper.health(log, error as Error);
    throw error;
  }
  log.index.dropBelow(tailAddress);
}
