/**
 * Layout of a log file's header, the 12,288 bytes before the ring. All numbers are little-endian; u64 are at most 2^53 - 1.
 *
 * ```
 *        0 +------------------+  header copy 0, 4,096 bytes
 *     4096 +------------------+  header copy 1: the two are written in turn, the intact one with the greater sequence holds
 *     8192 +------------------+  head words: selector and two slots; the rest of the page is zero
 *    12288 +------------------+  the ring
 *
 * header copy
 *    0            8      12     16         24         32         40
 *   +------------+------+------+----------+----------+----------+-----------+
 *   | "RINGCAST" | ver- | check| sequence | capacity | syncedTo | offset at |
 *   |            | sion |      |   u64    | u64      | u64      | syncedTo  |
 *   +------------+------+------+----------+----------+----------+-----------+
 *   48             56            64               72          76      80        96       98
 *   +-------------+-------------+----------------+-----------+-------+---------+--------+---------+
 *   | tail        | tail offset | last timestamp | partition | state | boot id | topic  | lineage |
 *   | address u64 | u64         | u64            | u32       | u32   | 16 bytes| length | entries |
 *   +-------------+-------------+----------------+-----------+-------+---------+--------+---------+
 *   104           360                                        3432       3440    4096
 *   +-------------+------------------------------------------+----------+-------+
 *   | topic       | lineage: 64 entries of 48 bytes: first   | run      | zeros |
 *   | (UTF-8)     | offset u64, epoch length u8, epoch       | u64      |       |
 *   +-------------+------------------------------------------+----------+-------+
 *
 * head words: a selector and two slots
 *     8192 selector u32: the count of the slot that holds; its lowest bit is that slot's number
 *     8256 slot 0, 8320 slot 1, each:
 *    0        4        8              16            24             32            40
 *   +--------+--------+--------------+-------------+--------------+-------------+----------------+
 *   | count  | check  | head address | head offset | tail address | tail offset | last timestamp |
 *   +--------+--------+--------------+-------------+--------------+-------------+----------------+
 * ```
 *
 * The check of a copy is the CRC-32 of its bytes, taking the check itself for zero. A slot's check mixes its other words (see {@link slotCheck}).
 *
 * @see docs/log-format.md
 */
import { crc32, decodeUtf8, encodeUtf8 } from "@ringcast/protocol";
import type { LineageEntry } from "./port.js";

export const FILE_HEADER_BYTES = 12_288;
export const COPY_BYTES = 4_096;
export const FORMAT_VERSION = 1;
/** Entries of lineage that a log remembers. */
export const MAX_LINEAGE = 64;

const MAGIC = Uint8Array.of(0x52, 0x49, 0x4e, 0x47, 0x43, 0x41, 0x53, 0x54);
const VERSION_AT = 8;
const CHECK_AT = 12;
const SEQUENCE_AT = 16;
const CAPACITY_AT = 24;
const SYNCED_ADDRESS_AT = 32;
const SYNCED_OFFSET_AT = 40;
const TAIL_ADDRESS_AT = 48;
const TAIL_OFFSET_AT = 56;
const LAST_TIMESTAMP_AT = 64;
const PARTITION_AT = 72;
const STATE_AT = 76;
const BOOT_ID_AT = 80;
const TOPIC_LENGTH_AT = 96;
const LINEAGE_COUNT_AT = 98;
const TOPIC_AT = 104;
const LINEAGE_AT = 360;
const LINEAGE_ENTRY_BYTES = 48;
const RUN_AT = LINEAGE_AT + MAX_LINEAGE * LINEAGE_ENTRY_BYTES;
const EPOCH_LENGTH_AT = 8;
const EPOCH_AT = 9;

/** By number: in use; closed as it should be, and nothing was appended since; a sync failed, so nothing is known of the device. */
export const FILE_STATES = ["open", "closed", "failed"] as const;
export type FileState = (typeof FILE_STATES)[number];

export const SELECTOR_AT = 8_192;
export const SLOTS_AT = 8_256;
export const SLOT_BYTES = 64;
/** Selector and slots, within one page. */
export const HEAD_WORDS_BYTES = SLOTS_AT + 2 * SLOT_BYTES - SELECTOR_AT;
/** Makes a slot of zeros no valid one. */
const SLOT_CHECK_START = 0x52494e47;
const TWO_32 = 0x1_0000_0000;

/** What a header copy says. Addresses and offsets are as of the moment it was written. */
export interface FileHeader {
  readonly topic: string;
  readonly partition: number;
  /** Bytes of the whole ring. */
  readonly capacityBytes: number;
  /** Everything below this address is on the storage device. */
  readonly syncedAddress: number;
  /** Offset of the record that stands, or will stand, at `syncedAddress`. */
  readonly syncedOffset: number;
  readonly tailAddress: number;
  readonly tailOffset: number;
  readonly lastTimestamp: number;
  readonly state: FileState;
  /** Which boot of the machine wrote this: 32 hexadecimal digits. */
  readonly bootId: string;
  /** Which run of the hub wrote this; 0 where runs had no numbers yet. */
  readonly run: number;
  readonly lineage: readonly LineageEntry[];
}

/** What the head words say. A log has these fields itself, so that publishing allocates nothing. */
export interface HeadWords {
  readonly head: number;
  readonly tail: number;
  readonly headAddress: number;
  readonly tailAddress: number;
  readonly lastTimestamp: number;
}

/** Outcome of reading the two copies. `none`: neither is intact. `version`: written by another version of the format. */
export type HeaderReading =
  | { readonly kind: "header"; readonly header: FileHeader; readonly sequence: number }
  | { readonly kind: "version"; readonly version: number }
  | { readonly kind: "none" };

/**
 * Writes one header copy: the one that `sequence` names by its lowest bit, so that the other stays whole meanwhile.
 *
 * @param at place of the file's first byte
 */
export function writeHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: FileHeader & { readonly sequence: number },
): void {
  const copy = at + (header.sequence % 2) * COPY_BYTES;
  bytes.fill(0, copy, copy + COPY_BYTES);
  bytes.set(MAGIC, copy);
  view.setUint32(copy + VERSION_AT, FORMAT_VERSION, true);
  writeU64(view, copy + SEQUENCE_AT, header.sequence);
  writeU64(view, copy + CAPACITY_AT, header.capacityBytes);
  writeU64(view, copy + SYNCED_ADDRESS_AT, header.syncedAddress);
  writeU64(view, copy + SYNCED_OFFSET_AT, header.syncedOffset);
  writeU64(view, copy + TAIL_ADDRESS_AT, header.tailAddress);
  writeU64(view, copy + TAIL_OFFSET_AT, header.tailOffset);
  writeU64(view, copy + LAST_TIMESTAMP_AT, header.lastTimestamp);
  view.setUint32(copy + PARTITION_AT, header.partition, true);
  view.setUint32(copy + STATE_AT, FILE_STATES.indexOf(header.state), true);
  for (let i = 0; i < 16; i++)
    bytes[copy + BOOT_ID_AT + i] = Number.parseInt(header.bootId.slice(2 * i, 2 * i + 2), 16);
  writeU64(view, copy + RUN_AT, header.run);
  const topic = encodeUtf8(header.topic);
  view.setUint16(copy + TOPIC_LENGTH_AT, topic.length, true);
  view.setUint16(copy + LINEAGE_COUNT_AT, header.lineage.length, true);
  bytes.set(topic, copy + TOPIC_AT);
  header.lineage.forEach((entry, i) => {
    const place = copy + LINEAGE_AT + i * LINEAGE_ENTRY_BYTES;
    writeU64(view, place, entry.first);
    view.setUint8(place + EPOCH_LENGTH_AT, entry.epoch.length);
    bytes.set(encodeUtf8(entry.epoch), place + EPOCH_AT);
  });
  view.setUint32(copy + CHECK_AT, crc32(view, copy, copy + COPY_BYTES), true);
}

/** Reads the copy that holds. Believes nothing that its check doesn't cover. */
export function readHeader(bytes: Uint8Array, view: DataView, at: number): HeaderReading {
  const intact = [at, at + COPY_BYTES].filter((copy) => isIntactCopy(bytes, view, copy));
  const newest = intact.sort((a, b) => readU64(view, b + SEQUENCE_AT) - readU64(view, a + SEQUENCE_AT))[0];
  if (newest === undefined) return { kind: "none" };
  const version = view.getUint32(newest + VERSION_AT, true);
  if (version !== FORMAT_VERSION) return { kind: "version", version };
  const header = decodeCopy(bytes, view, newest);
  return header === undefined
    ? { kind: "none" }
    : { kind: "header", header, sequence: readU64(view, newest + SEQUENCE_AT) };
}

/**
 * Publishes head and tail: fills the slot that doesn't hold, then names it. A process that dies between any two of these stores leaves
 * the older state whole.
 *
 * @param count one more than that of the slot that holds, modulo 2^32
 */
export function writeHeadWords(view: DataView, at: number, count: number, words: HeadWords): void {
  const slot = at + SLOTS_AT + (count & 1) * SLOT_BYTES;
  view.setInt32(slot, count | 0, true);
  writeU64(view, slot + 8, words.headAddress);
  writeU64(view, slot + 16, words.head);
  writeU64(view, slot + 24, words.tailAddress);
  writeU64(view, slot + 32, words.tail);
  writeU64(view, slot + 40, words.lastTimestamp);
  view.setInt32(slot + 4, slotCheck(view, slot), true);
  view.setInt32(at + SELECTOR_AT, count | 0, true);
}

/** What a slot says, with the count of its publication. */
export type CountedHeadWords = HeadWords & { readonly count: number };

/**
 * Head and tail as they were published last: the newest whole slot. Undefined when the selector doesn't fit to it, which no death of a process can
 * bring about: it names that slot, or the one before while it was about to be changed.
 */
export function readHeadWords(view: DataView, at: number): CountedHeadWords | undefined {
  const selector = view.getInt32(at + SELECTOR_AT, true);
  const words = readNewestSlot(view, at);
  if (words === undefined) return undefined;
  return selector === (words.count | 0) || selector === ((words.count - 1) | 0) ? words : undefined;
}

/** The newest slot that is whole, whatever the selector says: head and tail have stood there once, or do. */
export function readNewestSlot(view: DataView, at: number): CountedHeadWords | undefined {
  const slots = [at + SLOTS_AT, at + SLOTS_AT + SLOT_BYTES].filter(
    (slot) => view.getInt32(slot + 4, true) === slotCheck(view, slot),
  );
  const [slot] = slots.sort((a, b) => (view.getInt32(b, true) - view.getInt32(a, true)) | 0);
  if (slot === undefined) return undefined;
  return {
    count: view.getUint32(slot, true),
    headAddress: readU64(view, slot + 8),
    head: readU64(view, slot + 16),
    tailAddress: readU64(view, slot + 24),
    tail: readU64(view, slot + 32),
    lastTimestamp: readU64(view, slot + 40),
  };
}

/**
 * Each word is folded in by steps that can be undone (exclusive or, an odd factor, a rotation), so a change of any single word always shows.
 * Much cheaper than a CRC, and written with every append.
 */
function slotCheck(view: DataView, slot: number): number {
  let check = view.getInt32(slot, true) ^ SLOT_CHECK_START;
  for (let at = slot + 8; at < slot + 48; at += 4) {
    check = Math.imul(check ^ view.getInt32(at, true), 0x9e3779b1);
    check = (check << 13) | (check >>> 19);
  }
  return check;
}

function isIntactCopy(bytes: Uint8Array, view: DataView, copy: number): boolean {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[copy + i] !== MAGIC[i]) return false;
  const whole = new Uint8Array(bytes.subarray(copy, copy + COPY_BYTES));
  whole.fill(0, CHECK_AT, CHECK_AT + 4);
  return crc32(new DataView(whole.buffer), 0, COPY_BYTES) === view.getUint32(copy + CHECK_AT, true);
}

function decodeCopy(bytes: Uint8Array, view: DataView, copy: number): FileHeader | undefined {
  const topicLength = view.getUint16(copy + TOPIC_LENGTH_AT, true);
  const lineageCount = view.getUint16(copy + LINEAGE_COUNT_AT, true);
  if (topicLength > LINEAGE_AT - TOPIC_AT || lineageCount < 1 || lineageCount > MAX_LINEAGE) return undefined;
  const lineage = Array.from({ length: lineageCount }, (_, i) => {
    const place = copy + LINEAGE_AT + i * LINEAGE_ENTRY_BYTES;
    const epochAt = place + EPOCH_AT;
    const epoch = decodeUtf8(bytes, epochAt, epochAt + view.getUint8(place + EPOCH_LENGTH_AT));
    return { epoch, first: readU64(view, place) };
  });
  return {
    topic: decodeUtf8(bytes, copy + TOPIC_AT, copy + TOPIC_AT + topicLength),
    partition: view.getUint32(copy + PARTITION_AT, true),
    capacityBytes: readU64(view, copy + CAPACITY_AT),
    syncedAddress: readU64(view, copy + SYNCED_ADDRESS_AT),
    syncedOffset: readU64(view, copy + SYNCED_OFFSET_AT),
    tailAddress: readU64(view, copy + TAIL_ADDRESS_AT),
    tailOffset: readU64(view, copy + TAIL_OFFSET_AT),
    lastTimestamp: readU64(view, copy + LAST_TIMESTAMP_AT),
    state: FILE_STATES[view.getUint32(copy + STATE_AT, true)] ?? "failed",
    bootId: Buffer.from(bytes.subarray(copy + BOOT_ID_AT, copy + BOOT_ID_AT + 16)).toString("hex"),
    run: readU64(view, copy + RUN_AT),
    lineage,
  };
}

function writeU64(view: DataView, at: number, value: number): void {
  view.setInt32(at, value, true);
  view.setInt32(at + 4, value / TWO_32, true);
}

function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
