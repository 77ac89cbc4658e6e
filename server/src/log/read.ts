/**
 * Reading records where they stand: what a read hands out is a slice of the ring, no copy.
 */
import { intactLength, isFiller } from "@ringcast/protocol";
import { behindDamage, lengthAt, locate } from "./locate.js";
import type { LogCursor, ReadResult, ReadStatus } from "./port.js";
import type { Region } from "./region/index.js";
import { lapEnd, lapOf, placeOf, type Resumption } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";

/** A result to hand in again and again. */
export function emptyResult(): ReadResult {
  return {
    status: "end",
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    start: 0,
    end: 0,
    address: 0,
    firstOffset: 0,
    nextOffset: 0,
    nextAddress: 0,
    epoch: "",
  };
}

/**
 * Reads from a cursor between tail and head, as {@link RingLog.read} says. A damaged filler hides no record: reading goes on behind it.
 */
export function readBlock(
  log: PartitionLog,
  region: Region,
  cursor: LogCursor,
  edgeBytes: number,
  limitOffset: number,
  result: ReadResult,
): ReadStatus {
  const { offset } = cursor;
  result.firstOffset = offset;
  result.epoch = log.history.epochOf(offset);
  if (isPlaced(log, cursor)) {
    takeFromRing(log, region, cursor, edgeBytes, limitOffset, result);
    // The record's check has offset and address in it: a cursor's own address needs no look of its own.
    if (result.nextOffset > offset) return (result.status = "records");
  }
  let from = locate(log, region, offset);
  for (;;) {
    takeFromRing(log, region, from, edgeBytes, limitOffset, result);
    if (result.nextOffset > offset) return (result.status = "records");
    const behind = behindDamage(log, region, from);
    if (behind.offset > offset || behind.address >= log.headAddress) {
      result.nextOffset = behind.offset;
      result.nextAddress = behind.address;
      return (result.status = "corrupt");
    }
    from = behind;
  }
}

/** Whether a cursor has an address at which its record may stand. */
function isPlaced({ tailAddress, headAddress }: PartitionLog, { address }: LogCursor): boolean {
  return address >= tailAddress && address < headAddress && address % 8 === 0;
}

/** Points the result at the ring's memory from a place on, behind a filler that may stand there, and takes the records. */
function takeFromRing(
  log: PartitionLog,
  region: Region,
  from: Resumption,
  edgeBytes: number,
  limitOffset: number,
  result: ReadResult,
): void {
  const { capacityBytes } = log;
  let address = from.address;
  let place = placeOf(region, address);
  if (from.offset === result.firstOffset && isFillerAt(log, region, from)) {
    address = lapOf(address, capacityBytes) + capacityBytes;
    place = region.ringAt;
  }
  result.bytes = region.bytes;
  result.view = region.view;
  result.start = place;
  result.address = address;
  takeRecords(log, place + (lapEnd(address, capacityBytes, log.headAddress) - address), edgeBytes, limitOffset, result);
}

function isFillerAt(log: PartitionLog, region: Region, at: Resumption): boolean {
  if (at.address >= log.headAddress || !isFiller(region.view, placeOf(region, at.address))) return false;
  return lengthAt(log, region, at) > 0;
}

/**
 * The hot loop of reading: takes records from `result.start` and `result.firstOffset` on as long as they are whole, of this epoch, and end before the edge.
 * @param endPlace one past the last byte that may be looked at, in the same lap
 */
export function takeRecords(
  log: PartitionLog,
  endPlace: number,
  edgeBytes: number,
  limitOffset: number,
  result: ReadResult,
): void {
  const { view } = result;
  const { history } = log;
  const offset = result.firstOffset;
  const limit = Math.min(limitOffset, log.head, history.endOfEpochAt(offset));
  const seed = history.seedOf(offset);
  let address = result.address;
  let place = result.start;
  let edge = 0;
  let next = offset;
  while (next < limit && place < endPlace) {
    const length = intactLength(view, place, endPlace, next, seed, address);
    if (length === 0) break;
    if (edge === 0) edge = (Math.floor((address + length - 1) / edgeBytes) + 1) * edgeBytes;
    else if (address + length > edge) break;
    address += length;
    place += length;
    next++;
  }
  result.end = place;
  result.nextOffset = next;
  result.nextAddress = address;
}
