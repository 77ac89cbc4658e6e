/**
 * Where a batch goes, and putting it there. Free functions over the ring's bytes: nothing is made per record.
 */
import {
  FLAG_MORE,
  NO_PRODUCER,
  type NewMessage,
  type RecordStamp,
  recordSize,
  RingcastError,
  writeFiller,
  writeRecord,
} from "@ringcast/protocol";
import type { Assignment } from "./port.js";
import type { Region } from "./region/index.js";
import { lapOf } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";

/** A batch may take one part in so many of the ring: else it would push out what readers are just reading. */
const LARGEST_BATCH_PART = 4;
/** What the hub adds to a record; filled anew for each, since writing is never interrupted. */
const STAMP: RecordStamp = { offset: 0, timestamp: 0, flags: 0, seed: 0, address: 0, producer: NO_PRODUCER };

/**
 * Address behind the last record of a batch, fillers included.
 *
 * @param partLength bytes of the producer part that the first record has
 * @throws RingcastError `too_large`
 */
export function planEnd(log: PartitionLog, messages: readonly NewMessage[], partLength: number): number {
  const capacity = log.capacityBytes;
  let end = log.headAddress;
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
  if (total > capacity / LARGEST_BATCH_PART) throw tooLarge(total, capacity);
  return end;
}

/**
 * Writes a batch behind the head, where room was made; nothing of it is visible yet.
 *
 * @param part the producer part of the first record
 * @returns address of its first record
 */
export function writeBatch(
  log: PartitionLog,
  messages: readonly NewMessage[],
  assignment: Assignment,
  part: Uint8Array,
): number {
  const region = log.region as Region;
  const { bytes, view, ringAt } = region;
  const capacity = log.capacityBytes;
  const index = log.index;
  const stamp = STAMP;
  const seed = log.history.seed;
  const last = messages.length - 1;
  let address = log.headAddress;
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
    if (address >= index.nextAddress) index.add(address, stamp.offset, stamp.timestamp);
    address += writeRecord(bytes, view, ringAt + (address - lap), message, stamp);
    stamp.producer = NO_PRODUCER;
  }
  return first;
}

function tooLarge(bytes: number, capacityBytes: number): RingcastError {
  const limit = Math.floor(capacityBytes / LARGEST_BATCH_PART);
  const advice = "send less at once or raise the topic's capacityBytes";
  return new RingcastError(
    "too_large",
    `${bytes} bytes in one partition are over a quarter of its capacity: ${advice}.`,
    { limit },
  );
}
