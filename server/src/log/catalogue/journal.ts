/**
 * The journal before the catalogue: a change is appended to a file by one write of some microseconds, and is then in the operating system's hands, so
 * that it survives `kill -9`; lmdb takes many of them in one transaction later, and with them the sequence up to which it has all. Two files take turns: one
 * is written from its start again when lmdb has brought to the device what is in it, while the other one goes on.
 *
 * An entry: length of the text (u32), CRC-32 of what follows (u32), sequence (f64), text (JSON of a {@link Change}, UTF-8). Little-endian. Sequences
 * grow by one; a file ends where an entry doesn't check out or its sequence isn't higher: what follows was there before.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "../disk/port.js";
import { GroupSync } from "../group-sync.js";
import type { Change } from "./changes.js";

const FILES = ["journal.0", "journal.1"] as const;
const HEAD_BYTES = 16;
const CRC_AT = 4;
const SEQUENCE_AT = 8;

interface Segment {
  readonly file: DiskFile;
  length: number;
  /** Sequence of its newest entry, -1 where it is empty. */
  last: number;
  /** Has something that isn't on the device. */
  isDirty: boolean;
  /** A sync failed: the next one would succeed, and the device have nothing. Until the file is emptied it is on the device for nobody. */
  isFailed: boolean;
}

interface Entry {
  readonly sequence: number;
  readonly change: Change;
}

/** A place of a file at which an entry should stand and none does. */
export interface JournalFlaw {
  readonly file: string;
  /** Byte of the file. */
  readonly at: number;
  /** False: it may be a change that was being written when the hub died, of which nobody was told. */
  readonly isDamage: boolean;
}

/** Both files of one catalogue. */
export class Journal {
  /** Changes that were there at the start, oldest first; they are to be settled. */
  readonly found: readonly Change[];
  /** What was wrong with the files at the start. Intact entries behind a damaged place are among those found. */
  readonly flaws: readonly JournalFlaw[];
  readonly #segments: readonly [Segment, Segment];
  #current: Segment;
  #sequence = 0;
  #isClosed = false;
  readonly #groupSync = new GroupSync(() => this.#sync());

  /** @param settled lmdb has all changes up to this sequence */
  constructor(disk: Disk, directory: string, settled: number) {
    const entries: Entry[] = [];
    const flaws: JournalFlaw[] = [];
    this.flaws = flaws;
    const [first, second] = FILES.map((name) => openSegment(disk, join(directory, name), settled, entries, flaws));
    this.#segments = [first as Segment, second as Segment];
    this.#current = first as Segment;
    disk.syncFolderNow(directory);
    entries.sort((a, b) => a.sequence - b.sequence);
    this.found = entries.filter(({ sequence }) => sequence > settled).map(({ change }) => change);
    this.#sequence = Math.max(settled, entries.at(-1)?.sequence ?? -1) + 1;
  }

  /** Sequence of the newest entry; -1 before the first. */
  get newest(): number {
    return this.#sequence - 1;
  }

  /** Writes a change down; it survives `kill -9` from the return on. @throws what the system says; nothing was written then */
  append(change: Change): void {
    const segment = this.#current;
    const bytes = encodeEntry(change, this.#sequence);
    // What is there of an entry that couldn't be written whole doesn't check out.
    for (let written = 0; written < bytes.length;) {
      written += segment.file.write(bytes, written, bytes.length - written, segment.length + written);
    }
    segment.length += bytes.length;
    segment.last = this.#sequence++;
    segment.isDirty = true;
  }

  /**
   * Notes that lmdb has everything appended so far. The entries may go when it is on the device.
   * @param flushed resolves then
   */
  settled(flushed: Promise<unknown>): void {
    const through = this.newest;
    const other = this.#segments[0] === this.#current ? this.#segments[1] : this.#segments[0];
    if (other.length === 0) this.#current = other;
    void flushed.then(
      () => this.#reuse(through),
      // Kept for the next start; the next transaction meets the same trouble and says so.
      () => undefined,
    );
  }

  /** Whether a sync failed, so that what is in the journal can only be saved by lmdb. */
  get hasFailed(): boolean {
    return this.#segments.some((segment) => segment.isFailed);
  }

  /** Resolves when everything appended so far is on the device. */
  synced(): Promise<void> {
    const isDirty = this.#groupSync.isRunning || this.#segments.some((segment) => segment.isDirty);
    return isDirty ? this.#groupSync.next() : Promise.resolve();
  }

  /** Closes both files. Those whose entries lmdb has on the device are emptied. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { file, length } of this.#segments) {
      // What stays is settled: the next start passes it over.
      if (length === 0) isEmptied(file);
      file.close();
    }
  }

  async #sync(): Promise<void> {
    for (const segment of this.#segments) {
      if (!segment.isDirty || this.#isClosed) continue;
      if (segment.isFailed) throw new Error("A sync of the journal failed before.");
      segment.isDirty = false;
      try {
        await segment.file.sync();
      } catch (error) {
        segment.isDirty = true;
        segment.isFailed = true;
        throw error;
      }
    }
  }

  #reuse(through: number): void {
    for (const segment of this.#segments) {
      if (segment.last > through) continue;
      if (segment.isFailed && !this.#isClosed) segment.isFailed = !isEmptied(segment.file);
      segment.length = 0;
      segment.last = -1;
      segment.isDirty = false;
    }
  }
}

/** Opens a file, made if there is none, and takes over its intact entries; those behind a damaged place if lmdb doesn't have them. */
function openSegment(disk: Disk, path: string, settled: number, entries: Entry[], flaws: JournalFlaw[]): Segment {
  const file = disk.openOrCreate(path);
  const bytes = readWhole(file);
  let at = 0;
  let last = -1;
  for (;;) {
    const entry = decodeEntry(bytes, at);
    if (entry !== undefined && entry.sequence > last) {
      entries.push(entry);
      last = entry.sequence;
      at += HEAD_BYTES + bytes.readUInt32LE(at);
      continue;
    }
    const behind = findEntry(bytes, at + 1, Math.max(last, settled));
    const isTorn = at + HEAD_BYTES <= bytes.length && last >= 0 && bytes.readDoubleLE(at + SEQUENCE_AT) === last + 1;
    const isDamage = behind > 0 || (at === 0 && bytes.length > 0);
    if (isDamage || isTorn) flaws.push({ file: path, at, isDamage });
    if (behind < 0) break;
    at = behind;
  }
  // A sync may have failed in the process before, which the system doesn't tell a second time.
  return { file, length: at, last, isDirty: at > 0, isFailed: at > 0 };
}

/** Gives up a file's blocks, of which the system may think wrongly that they are on the device. */
function isEmptied(file: DiskFile): boolean {
  try {
    file.truncate(0);
    return true;
  } catch {
    // The next time, or the next start.
    return false;
  }
}

/** Place of the next intact entry above a sequence, tried at every byte; -1 where there is none. */
function findEntry(bytes: Buffer, from: number, above: number): number {
  for (let at = from; at + HEAD_BYTES <= bytes.length; at++) {
    if (at + HEAD_BYTES + bytes.readUInt32LE(at) > bytes.length) continue;
    const sequence = bytes.readDoubleLE(at + SEQUENCE_AT);
    if (sequence > above && Number.isSafeInteger(sequence) && decodeEntry(bytes, at) !== undefined) return at;
  }
  return -1;
}

function encodeEntry(change: Change, sequence: number): Buffer {
  const text = JSON.stringify(change);
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeDoubleLE(sequence, SEQUENCE_AT);
  bytes.write(text, HEAD_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(SEQUENCE_AT)), CRC_AT);
  return bytes;
}

function decodeEntry(bytes: Buffer, at: number): Entry | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const end = at + HEAD_BYTES + bytes.readUInt32LE(at);
  if (end > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + SEQUENCE_AT, end)) !== bytes.readUInt32LE(at + CRC_AT)) return undefined;
  const change = JSON.parse(bytes.toString("utf8", at + HEAD_BYTES, end)) as Change;
  return { sequence: bytes.readDoubleLE(at + SEQUENCE_AT), change };
}

function readWhole(file: DiskFile): Buffer {
  const bytes = Buffer.alloc(file.size());
  let length = 0;
  for (let read = 1; read > 0 && length < bytes.length; length += read)
    read = file.read(bytes, length, bytes.length - length, length);
  return bytes.subarray(0, length);
}
