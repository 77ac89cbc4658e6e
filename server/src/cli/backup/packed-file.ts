/**
 * Layout of a packed backup. All numbers are little-endian; entries begin at multiples of 8.
 *
 * ```
 *    0          8         12      16
 *   +----------+---------+-------+--------+------+------------------+
 *   | RINGCAST | version | zero  | length | CRC- | body … | zeros … |  entry, entry, …
 *   |          | u32 = 1 |       | u32    | 32   |                  |
 *   +----------+---------+-------+--------+------+------------------+
 * ```
 *
 * A body is JSON, `{"topic":…,"config":{…},"partitions":[…]}` in front of a topic's records, or a delivery frame of the binary dialect, which begins with
 * 0xC1; its records are as they stood in the log, so that the publisher's checks survive. The last entry is `{"end":true,"records":<n>}`: a file without it is
 * not whole.
 */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { BATCH_MARK, RingcastError, shown, type TopicDescription } from "@ringcast/protocol";
import { decodeRun, type RecordRun } from "./record-run.js";

const MAGIC = Buffer.from("RINGCAST");
const VERSION = 1;
const HEAD_BYTES = 16;
const ENTRY_HEAD_BYTES = 8;
/** Beyond any frame; a length over it is damage. */
const MAX_ENTRY_BYTES = 268_435_456;

/** What stands in a packed backup, in this order: a topic, then its records. */
export type PackedEntry =
  | { readonly kind: "topic"; readonly topic: TopicDescription }
  | { readonly kind: "run"; readonly run: RecordRun }
  | { readonly kind: "end"; readonly records: number };

/** The beginning of the file. */
export function packedHead(): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.set(MAGIC);
  head.writeUInt32LE(VERSION, MAGIC.length);
  return head;
}

/** Whether a file that begins so is a packed backup. */
export function isPackedHead(bytes: Uint8Array): boolean {
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** One entry with its length, check and zeros. */
export function packedEntry(body: Uint8Array): Uint8Array {
  const entry = Buffer.alloc(ENTRY_HEAD_BYTES + ((body.length + 7) & ~7));
  entry.writeUInt32LE(body.length, 0);
  entry.writeUInt32LE(crc32(body), 4);
  entry.set(body, ENTRY_HEAD_BYTES);
  return entry;
}

/**
 * Reads a packed backup from its beginning.
 *
 * @param progress told of the byte that has been reached
 * @throws RingcastError `bad_request` at the first byte that is damaged or missing; every entry before it has been handed out
 */
export async function* readPacked(file: FileHandle, progress: (at: number) => void): AsyncGenerator<PackedEntry> {
  const head = await readWhole(file, 0, HEAD_BYTES);
  const version = head?.readUInt32LE(MAGIC.length);
  if (version !== VERSION) {
    throw damaged(0, `has version ${shown(version)} of the layout; this ringcast reads version ${VERSION}`);
  }
  let at = HEAD_BYTES;
  for (;;) {
    const entryHead = await readWhole(file, at, ENTRY_HEAD_BYTES);
    if (entryHead === undefined) throw damaged(at, "is cut off there");
    const length = entryHead.readUInt32LE(0);
    if (length === 0 || length > MAX_ENTRY_BYTES) throw damaged(at, "is damaged there");
    const body = await readWhole(file, at + ENTRY_HEAD_BYTES, length);
    if (body === undefined) throw damaged(at, "is cut off behind it");
    if (crc32(body) !== entryHead.readUInt32LE(4)) throw damaged(at, "is damaged there: its check doesn't fit");
    const entry = decodeEntry(body);
    if (entry === undefined) throw damaged(at, "holds something else than a backup there");
    yield entry;
    if (entry.kind === "end") return;
    at += ENTRY_HEAD_BYTES + ((length + 7) & ~7);
    progress(at);
  }
}

function decodeEntry(body: Buffer): PackedEntry | undefined {
  if (body[0] === BATCH_MARK) {
    const run = decodeRun(body);
    return run === undefined ? undefined : { kind: "run", run };
  }
  const value = parseObject(body);
  if (typeof value?.["topic"] === "string") {
    const { topic, ...rest } = value;
    return { kind: "topic", topic: { ...rest, name: topic } as unknown as TopicDescription };
  }
  return value?.["end"] === true ? { kind: "end", records: Number(value["records"]) } : undefined;
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function damaged(at: number, what: string): RingcastError {
  return new RingcastError("bad_request", `Byte ${at}: the file ${what}.`, { field: "file", at });
}

/** Undefined where the file ends before. */
async function readWhole(file: FileHandle, at: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) return undefined;
    read += bytesRead;
  }
  return bytes;
}
