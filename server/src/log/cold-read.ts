/**
 * Reading for a cursor far behind the head: from mapped pages where all of them are in memory, else from blocks that were read off the loop. A mapped page that has to be
 * brought from the device would stop the loop.
 */
import {
  checkRecord,
  isFiller,
  isHubPartIntact,
  lengthOf,
  MIN_FILLER_BYTES,
  MIN_RECORD_BYTES,
  offsetOf,
} from "@ringcast/protocol";
import type { Block, BlockCache } from "./block-cache.js";
import type { LogCursor, ReadResult, ReadStatus } from "./port.js";
import { takeRecords } from "./read.js";
import type { Region } from "./region/index.js";
import { lapEnd, lapOf, placeOf, type Resumption } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";

/** A cursor so far below the head reads blocks: what is nearer was just written, and is in memory. */
export const FAR_BEHIND_BYTES = 8 * 2 ** 20;
/** Places reached on the way to an offset, for readers that have to wait on the way. */
const MAX_WAYMARKS = 64;
/** A length that asks for more than this is left to the mapped memory, which has it without another copy. */
const MOST_BLOCK_BYTES = 2 * 2 ** 20;

/** Whether a read at this cursor belongs here. Touches no page that isn't in memory. */
export function isFarBehind(log: PartitionLog, region: Region, cursor: LogCursor, edgeBytes: number): boolean {
  if (region.readInto === undefined || log.headAddress - log.tailAddress <= FAR_BEHIND_BYTES) return false;
  if (log.headAddress - beginning(log, cursor).address <= FAR_BEHIND_BYTES) return false;
  return !hasPlace(log, cursor) || !isInMemory(log, region, cursor.address, edgeBytes);
}

/**
 * Whether what a read at an address would touch is in memory: everything up to the edge, and all of the first record. Asking the kernel takes 1.2 µs for 64 KiB, and
 * reading them from its page cache 7.6, threads and waiting not counted.
 */
function isInMemory(log: PartitionLog, region: Region, address: number, edgeBytes: number): boolean {
  if (region.isInMemory === undefined) return false;
  const end = lapEnd(address, region.capacityBytes, log.headAddress);
  const at = address % region.capacityBytes;
  const edge = Math.min((Math.floor(address / edgeBytes) + 1) * edgeBytes + MIN_RECORD_BYTES, end);
  if (!region.isInMemory(at, edge - address)) return false;
  const recordEnd = Math.min(address + lengthOf(region.view, placeOf(region, address)), end);
  return recordEnd <= edge || region.isInMemory(at, recordEnd - address);
}

/**
 * Reads as {@link RingLog.read} says, `pending` while the block isn't there.
 * @returns undefined where the bytes can't be believed: whoever looks at the log itself finds out what is damaged, and where it goes on
 */
export function readFarBehind(
  log: PartitionLog,
  region: Region,
  cache: BlockCache,
  cursor: LogCursor,
  edgeBytes: number,
  limitOffset: number,
  result: ReadResult,
): ReadStatus | undefined {
  const { offset } = cursor;
  let at: Resumption = beginning(log, cursor);
  for (;;) {
    const step = stepAt(log, region, cache, at);
    if (step === "pending") {
      remember(log, offset, at);
      return (result.status = "pending");
    }
    if (step === "failed") return failedAt(log, cache.find(region, at.address), cursor, result);
    if (step === "unbelievable") {
      log.waymarks.delete(offset);
      if (at !== cursor) return undefined;
      // The cursor's address is of another time.
      at = beginning(log, { offset, address: -1 });
      continue;
    }
    const { block, length } = step;
    const place = at.address - block.start;
    if (isFiller(block.view, place)) {
      at = { address: lapOf(at.address, region.capacityBytes) + region.capacityBytes, offset: at.offset };
    } else if (at.offset < offset) {
      at = { address: at.address + length, offset: at.offset + 1 };
    } else {
      log.waymarks.delete(offset);
      take(log, region, block, at, edgeBytes, limitOffset, result);
      cache.use(block);
      foresee(log, region, cache, result);
      return (result.status = "records");
    }
  }
}

/** Where the way to a cursor begins: at its address, at a place reached before, or at an entry of the index. */
function beginning(log: PartitionLog, cursor: LogCursor): Resumption {
  const { offset } = cursor;
  if (hasPlace(log, cursor)) return cursor;
  const waymark = log.waymarks.get(offset);
  if (waymark !== undefined && waymark.address >= log.tailAddress) return waymark;
  const entry = log.index.entryOfOffset(offset);
  if (entry < 0) return { address: log.tailAddress, offset: log.tail };
  return { address: log.index.addressAt(entry), offset: log.index.offsetAt(entry) };
}

/** Whether a cursor's address may be that of its record. */
function hasPlace(log: PartitionLog, { address }: LogCursor): boolean {
  return address >= log.tailAddress && address < log.headAddress && address % 8 === 0;
}

function remember(log: PartitionLog, offset: number, { address, offset: reached }: Resumption): void {
  if (log.waymarks.size >= MAX_WAYMARKS) log.waymarks.clear();
  log.waymarks.set(offset, { address, offset: reached });
}

/** The record or filler at a place, in the block that has all of it. */
function stepAt(
  log: PartitionLog,
  region: Region,
  cache: BlockCache,
  at: Resumption,
): { readonly block: Block; readonly length: number } | "pending" | "failed" | "unbelievable" {
  const block = cache.find(region, at.address);
  if (block === undefined) {
    cache.want(log, region, at.address, 1);
    return "pending";
  }
  if (block.state === "reading") return "pending";
  if (block.state === "failed") return "failed";
  const place = at.address - block.start;
  const room = block.end - at.address;
  const rest = lapEnd(at.address, region.capacityBytes, log.headAddress) - at.address;
  const length = room < MIN_FILLER_BYTES ? MIN_FILLER_BYTES : lengthOf(block.view, place);
  if (
    length > room &&
    length <= Math.min(rest, MOST_BLOCK_BYTES) &&
    !(room >= MIN_FILLER_BYTES && isFiller(block.view, place))
  ) {
    cache.want(log, region, at.address, length);
    return "pending";
  }
  // A filler's own bytes are its first eight; it may go on beyond the block.
  return isBelievable(log, block, at, rest) ? { block, length } : "unbelievable";
}

function isBelievable(
  log: PartitionLog,
  { view, start, end }: Block,
  { address, offset }: Resumption,
  rest: number,
): boolean {
  const place = address - start;
  if (checkRecord(view, place, place + rest) === 0) return false;
  if (!isHubPartIntact(view, place, log.history.seedOf(offset), address)) return false;
  return isFiller(view, place) || (offsetOf(view, place) === offset && address + lengthOf(view, place) <= end);
}

/** Takes records, and steps over the filler behind the last one, so that the next read needs this block no more. */
function take(
  log: PartitionLog,
  region: Region,
  block: Block,
  at: Resumption,
  edgeBytes: number,
  limitOffset: number,
  result: ReadResult,
): void {
  const { address, offset } = at;
  result.firstOffset = offset;
  result.epoch = log.history.epochOf(offset);
  result.bytes = block.bytes;
  result.view = block.view;
  result.start = address - block.start;
  result.address = address;
  takeRecords(log, block.bytes.length, edgeBytes, limitOffset, result);
  const { end, nextAddress } = result;
  if (end + MIN_FILLER_BYTES > block.bytes.length || !isFiller(block.view, end)) return;
  const seed = log.history.seedOf(result.nextOffset);
  if (!isHubPartIntact(block.view, end, seed, nextAddress)) return;
  result.nextAddress = lapOf(nextAddress, region.capacityBytes) + region.capacityBytes;
}

/** Has the block read that this reader will want next, while it is busy with this one. */
function foresee(log: PartitionLog, region: Region, cache: BlockCache, { nextAddress }: ReadResult): void {
  if (log.headAddress - nextAddress <= FAR_BEHIND_BYTES) return;
  const block = cache.find(region, nextAddress);
  if (block === undefined) {
    cache.foresee(log, region, nextAddress);
    return;
  }
  if (block.state !== "ready") return;
  const place = nextAddress - block.start;
  const room = block.end - nextAddress;
  if (room >= MIN_FILLER_BYTES && lengthOf(block.view, place) <= room) return;
  if (block.start !== nextAddress) cache.foresee(log, region, nextAddress);
}

/** The device can't read these bytes, and touching them would kill the process: they are a damaged stretch up to where the index knows a record again. */
function failedAt(log: PartitionLog, block: Block | undefined, cursor: LogCursor, result: ReadResult): ReadStatus {
  const entry = log.index.entryFromAddress(block?.end ?? log.headAddress);
  const isLast = entry >= log.index.count || log.index.offsetAt(entry) <= cursor.offset;
  result.nextOffset = isLast ? log.head : log.index.offsetAt(entry);
  result.nextAddress = isLast ? log.headAddress : log.index.addressAt(entry);
  return (result.status = "corrupt");
}
