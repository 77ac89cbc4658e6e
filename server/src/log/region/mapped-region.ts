import { closeSync, read } from "node:fs";
import { FILE_HEADER_BYTES } from "../file-header.js";
import type { Arenas, Slot } from "./arenas.js";
import { allocate } from "./libc.js";
import { canReadFile } from "./log-file.js";
import { RegionFile } from "./region-file.js";
import type { FileBackedRegion } from "./region.js";
import { storageError } from "./storage-error.js";

/** What a mapped region is made of. */
export interface MappedRegionOptions {
  readonly arenas: Arenas;
  /** Owned by the region from the call on, also when it throws. */
  readonly fd: number;
  readonly capacityBytes: number;
  /** Bytes of the ring that the file has already. */
  readonly allocatedBytes: number;
  /** Calls back when nobody can hold a slice of the memory any more. */
  readonly endOfTurn: (callback: () => void) => void;
}

/**
 * A region over a file, mapped once at its full capacity. Growing gives the file blocks and maps nothing anew; every block is there before it is
 * touched, so that a full disk is an error to the publisher and not a SIGBUS.
 */
export class MappedRegion implements FileBackedRegion {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly headerAt: number;
  readonly headerBytes = FILE_HEADER_BYTES;
  readonly ringAt: number;
  readonly capacityBytes: number;
  readonly isPersistent = true;
  readonly isLoaded = true;
  allocatedBytes: number;
  readonly #arenas: Arenas;
  readonly #slot: Slot;
  readonly #file: RegionFile;
  readonly #endOfTurn: (callback: () => void) => void;

  constructor(options: MappedRegionOptions) {
    const { arenas, fd, capacityBytes } = options;
    try {
      this.#slot = arenas.map(fd, FILE_HEADER_BYTES + capacityBytes);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#arenas = arenas;
    this.#file = new RegionFile(fd);
    this.#endOfTurn = options.endOfTurn;
    this.bytes = this.#slot.arena.bytes;
    this.view = this.#slot.arena.view;
    this.headerAt = this.#slot.at;
    this.ringAt = this.#slot.at + FILE_HEADER_BYTES;
    this.capacityBytes = capacityBytes;
    this.allocatedBytes = options.allocatedBytes;
  }

  grow(ringBytes: number): void {
    const wanted = Math.min(ringBytes, this.capacityBytes);
    if (wanted <= this.allocatedBytes) return;
    allocateFile(this.#file.fd, FILE_HEADER_BYTES + this.allocatedBytes, wanted - this.allocatedBytes);
    this.allocatedBytes = wanted;
  }

  /** fdatasync(2) covers the pages of a shared mapping, too. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  async readInto(at: number, target: Uint8Array): Promise<boolean> {
    if (this.#file.isClosed) return false;
    return this.#file.use((fd) => readWhole(fd, FILE_HEADER_BYTES + at, target));
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  /**
   * Brings the allocated bytes into the page tables at once, for a scan.
   * @returns false when a part of them can't be read: touching it would kill the process
   */
  populate(): boolean {
    const length = FILE_HEADER_BYTES + this.allocatedBytes;
    return this.#arenas.populate(this.#slot, length) ?? canReadFile(this.#file.fd, length);
  }

  close(): void {
    if (this.#file.isClosed) return;
    this.#file.close();
    this.#endOfTurn(() => this.#arenas.unmap(this.#slot));
  }
}

/** @returns false where the file ends before, or the device reports an error */
async function readWhole(fd: number, at: number, target: Uint8Array): Promise<boolean> {
  for (let got = 0; got < target.length;) {
    const bytes = await new Promise<number>((resolve) => {
      read(fd, target, got, target.length - got, at + got, (error, count) => resolve(error === null ? count : 0));
    });
    if (bytes === 0) return false;
    got += bytes;
  }
  return true;
}

/**
 * Gives a file blocks for `length` more bytes.
 * @throws RingcastError `unavailable`, with what to do about it
 */
export function allocateFile(fd: number, from: number, length: number): void {
  try {
    allocate(fd, from, length);
  } catch (error) {
    throw storageError(error);
  }
}
