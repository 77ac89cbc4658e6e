/** Batch frames and records, written from docs/protocol.md alone: shares no code with the hub or the SDK. */
import { crc32 } from "node:zlib";
import { Unpackr } from "msgpackr";

const HEAD_BYTES = 32;
const RECORD_BYTES = 48;
const FILLER = 1;

/** One record as it is published. */
export interface RecordDraft {
  /** 0 bytes, 1 JSON (default), 2 msgpack, 3 text. */
  readonly type?: number;
  readonly data: Uint8Array | string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A publish in one frame. */
export interface PublishDraft {
  readonly id: number;
  readonly topic: string;
  readonly records: readonly RecordDraft[];
  readonly batch?: boolean;
  readonly producer?: { readonly id: string; readonly sequence: number };
  readonly partition?: number;
  readonly durability?: "stored" | "synced";
}

/** One record as it was received. */
export interface RawRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type: number;
  /** As they were published. */
  readonly bytes: Buffer;
  /** Whether the payload check holds. */
  readonly isIntact: boolean;
}

const unpackr = new Unpackr({ useRecords: false, int64AsType: "number" });

export function unpack(bytes: Uint8Array): unknown {
  return unpackr.unpack(bytes) as unknown;
}

export function publishFrame(draft: PublishDraft): Buffer {
  const { id, topic, records, batch = records.length !== 1, producer, partition, durability } = draft;
  const names = Buffer.from(topic + (producer?.id ?? ""));
  const head = Buffer.alloc(HEAD_BYTES + padded(names.length));
  head[0] = 0xc1;
  head[1] = 2;
  head[2] = Buffer.byteLength(topic);
  head[3] = Buffer.byteLength(producer?.id ?? "");
  head.writeUInt16LE(partition ?? 0, 4);
  const flags = [batch, producer, partition !== undefined, durability === "stored", durability === "synced"];
  head.writeUInt16LE(
    flags.reduce((sum, flag, bit) => sum + (flag ? 1 << bit : 0), 0),
    6,
  );
  head.writeBigUInt64LE(BigInt(id), 8);
  head.writeBigUInt64LE(BigInt(producer?.sequence ?? 0), 16);
  head.writeUInt32LE(records.length, 24);
  names.copy(head, HEAD_BYTES);
  return Buffer.concat([head, ...records.map(recordBytes)]);
}

/** A record of a publish: the hub's part is zero but for the length. */
export function recordBytes({ type = 1, data, key, headers = {} }: RecordDraft): Buffer {
  const keyBytes = Buffer.from(key ?? "");
  const block = Buffer.concat(Object.entries(headers).map(headerBytes));
  const dataBytes = Buffer.from(data);
  const end = RECORD_BYTES + keyBytes.length + block.length + dataBytes.length;
  const record = Buffer.alloc(padded(end));
  record.writeUInt32LE(record.length, 4);
  record.writeUInt32LE(dataBytes.length, 36);
  record.writeUInt16LE(keyBytes.length, 40);
  record.writeUInt16LE(block.length, 42);
  record[44] = type;
  record[45] = key === undefined ? 0 : 1;
  Buffer.concat([keyBytes, block, dataBytes]).copy(record, RECORD_BYTES);
  record.writeUInt32LE(crc32(record.subarray(36, end)), 32);
  return record;
}

/** A delivery as the JSON dialect would show it, with the raw records beside. */
export function readDelivery(frame: Buffer): object {
  if (frame[1] !== 1) throw new Error(`Expected a delivery, got kind ${frame[1]}`);
  const topicEnd = HEAD_BYTES + (frame[2] ?? 0);
  const epochEnd = topicEnd + (frame[3] ?? 0);
  const records = readRecords(frame.subarray(padded(epochEnd)));
  if (records.length !== frame.readUInt32LE(24)) throw new Error("The count of records is wrong");
  if (frame.readUInt16LE(6) !== 0 || frame.readUInt32LE(28) !== 0) throw new Error("Reserved bits are set");
  return {
    op: "messages",
    subscription: Number(frame.readBigUInt64LE(8)),
    topic: frame.toString("utf8", HEAD_BYTES, topicEnd),
    partition: frame.readUInt16LE(4),
    epoch: frame.toString("utf8", topicEnd, epochEnd),
    next: Number(frame.readBigUInt64LE(16)),
    messages: records.map(readMessage),
    records,
  };
}

/** Records that fill the bytes exactly. */
export function readRecords(bytes: Buffer): RawRecord[] {
  const records: RawRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const word = bytes.readUInt32LE(at + 4);
    const length = word - (word % 8);
    if (word % 8 === FILLER) throw new Error("A filler is no record");
    if (length < RECORD_BYTES || at + length > bytes.length) throw new Error("A record isn't whole");
    records.push(readRecord(bytes.subarray(at, at + length)));
    at += length;
  }
  return records;
}

/** What a reader makes of a record. */
export function readMessage({ offset, timestamp, key, headers, type, bytes }: RawRecord): object {
  const named = {
    offset,
    timestamp,
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers }),
  };
  return { ...named, data: valueOf(type, bytes) };
}

function valueOf(type: number, bytes: Buffer): unknown {
  if (type === 1) return JSON.parse(bytes.toString());
  // A copy: msgpackr leaves notes on what it reads.
  if (type === 2) return unpack(Buffer.from(bytes));
  return type === 3 ? bytes.toString() : { $bytes: bytes.toString("base64") };
}

function readRecord(record: Buffer): RawRecord {
  const keyEnd = RECORD_BYTES + record.readUInt16LE(40);
  const blockEnd = keyEnd + record.readUInt16LE(42);
  const end = blockEnd + record.readUInt32LE(36);
  return {
    offset: Number(record.readBigUInt64LE(8)),
    timestamp: Number(record.readBigUInt64LE(16)),
    ...(record[45] === 1 ? { key: record.toString("utf8", RECORD_BYTES, keyEnd) } : {}),
    ...(blockEnd > keyEnd ? { headers: readHeaders(record.subarray(keyEnd, blockEnd)) } : {}),
    type: record[44] ?? 0,
    bytes: record.subarray(blockEnd, end),
    isIntact: crc32(record.subarray(36, end)) === record.readUInt32LE(32),
  };
}

function readHeaders(block: Buffer): Record<string, string> {
  const headers: [string, string][] = [];
  for (let at = 0; at < block.length;) {
    const nameEnd = at + 3 + (block[at] ?? 0);
    const valueEnd = nameEnd + block.readUInt16LE(at + 1);
    headers.push([block.toString("utf8", at + 3, nameEnd), block.toString("utf8", nameEnd, valueEnd)]);
    at = valueEnd;
  }
  return Object.fromEntries(headers);
}

function headerBytes([name, value]: [string, string]): Buffer {
  const head = Buffer.from([Buffer.byteLength(name), 0, 0]);
  head.writeUInt16LE(Buffer.byteLength(value), 1);
  return Buffer.concat([head, Buffer.from(name), Buffer.from(value)]);
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
