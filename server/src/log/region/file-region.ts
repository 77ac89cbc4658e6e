import { codeOf } from "../disk/disk-error.js";
import type { DiskFile } from "../disk/port.js";
import { FILE_HEADER_BYTES } from "../file-header.js";
import { RegionFile } from "./region-file.js";
import type { FileBackedRegion } from "./region.js";
import { perhapsStored, storageError } from "./storage-error.js";

/** Reads and writes of more than 2 GiB at once are refused by Node. */
const MOST_AT_ONCE = 2 ** 30;
/** Zeros behind the last byte, so that the head of a record that isn't whole can be looked at. */
const SLACK_BYTES = 64;

/** Bytes of memory that all file regions of a store take. */
export interface RegionMemory {
  bytes: number;
}

/** What a file region is made of. */
export interface FileRegionOptions {
  /** Owned by the region from the call on. */
  readonly file: DiskFile;
  readonly capacityBytes: number;
  /** Bytes of the ring that the file has already; they are read by {@link FileRegion.populate}. */
  readonly allocatedBytes: number;
  readonly memory: RegionMemory;
}

/**
 * A region over a file that isn't mapped: its bytes are in the process's memory, and each change is written to the file before it is acknowledged or
 * delivered. For file systems where a mapped write can fail after the space was promised.
 */
export class FileRegion implements FileBackedRegion {
  readonly headerAt = 0;
  readonly headerBytes = FILE_HEADER_BYTES;
  readonly ringAt = FILE_HEADER_BYTES;
  readonly isPersistent = true;
  readonly isLoaded = false;
  readonly capacityBytes: number;
  allocatedBytes: number;
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  readonly #file: RegionFile;
  readonly #memory: RegionMemory;

  constructor(options: FileRegionOptions) {
    this.#file = new RegionFile(options.file);
    this.#memory = options.memory;
    this.capacityBytes = options.capacityBytes;
    this.allocatedBytes = options.allocatedBytes;
    this.bytes = new Uint8Array(FILE_HEADER_BYTES + this.allocatedBytes + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.#memory.bytes += this.bytes.length;
  }

  /** Moves to a larger buffer. Slices handed out before stay as they are: the old buffer lives as long as they do. */
  grow(ringBytes: number): void {
    const wanted = Math.min(ringBytes, this.capacityBytes);
    if (wanted <= this.allocatedBytes) return;
    lengthenFile(this.#file.file, FILE_HEADER_BYTES + wanted);
    const bytes = new Uint8Array(FILE_HEADER_BYTES + wanted + SLACK_BYTES);
    bytes.set(this.bytes);
    this.#memory.bytes += bytes.length - this.bytes.length;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.allocatedBytes = wanted;
  }

  save(place: number, length: number): void {
    const end = place + length;
    const { file } = this.#file;
    let at = place;
    try {
      while (at < end) at += file.write(this.bytes, at, Math.min(end - at, MOST_AT_ONCE), at);
    } catch (error) {
      throw at === place ? storageError(error) : perhapsStored(storageError(error));
    }
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  isNamed(path: string): boolean {
    return this.#file.file.isNamed(path);
  }

  /** Reads the file. @returns false when a part of it can't be read */
  populate(): boolean {
    const end = FILE_HEADER_BYTES + this.allocatedBytes;
    const { file } = this.#file;
    try {
      for (let at = 0, read = 1; at < end; at += read) {
        read = file.read(this.bytes, at, Math.min(end - at, MOST_AT_ONCE), at);
        if (read === 0) return false;
      }
      return true;
    } catch (error) {
      if (codeOf(error) === "EIO") return false;
      throw error;
    }
  }

  close(): void {
    if (this.#file.isClosed) return;
    this.#memory.bytes -= this.bytes.length;
    this.#file.close();
  }
}

/**
 * Gives a file another length, with zeros and without blocks: what can't be written later is an error of that write.
 * @throws RingcastError `unavailable`, with what to do about it
 */
export function lengthenFile(file: DiskFile, length: number): void {
  try {
    file.truncate(length);
  } catch (error) {
    throw storageError(error);
  }
}
