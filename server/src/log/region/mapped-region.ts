import type { DiskFile, Mapping } from "../disk/port.js";
import { FILE_HEADER_BYTES } from "../file-header.js";
import { RegionFile } from "./region-file.js";
import type { FileBackedRegion } from "./region.js";
import { storageError } from "./storage-error.js";

/** What a mapped region is made of. */
export interface MappedRegionOptions {
  /** Owned by the region from the call on, also when it throws. */
  readonly file: DiskFile;
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
  readonly #mapping: Mapping;
  readonly #file: RegionFile;
  readonly #endOfTurn: (callback: () => void) => void;

  constructor(options: MappedRegionOptions) {
    const { file, capacityBytes } = options;
    try {
      this.#mapping = file.map(FILE_HEADER_BYTES + capacityBytes);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file = new RegionFile(file);
    this.#endOfTurn = options.endOfTurn;
    this.bytes = this.#mapping.bytes;
    this.view = this.#mapping.view;
    this.headerAt = this.#mapping.at;
    this.ringAt = this.#mapping.at + FILE_HEADER_BYTES;
    this.capacityBytes = capacityBytes;
    this.allocatedBytes = options.allocatedBytes;
  }

  grow(ringBytes: number): void {
    const wanted = Math.min(ringBytes, this.capacityBytes);
    if (wanted <= this.allocatedBytes) return;
    allocateFile(this.#file.file, FILE_HEADER_BYTES + this.allocatedBytes, wanted - this.allocatedBytes);
    this.allocatedBytes = wanted;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async readInto(at: number, target: Uint8Array): Promise<boolean> {
    if (this.#file.isClosed) return false;
    return this.#file.use((file) => file.readInto(target, FILE_HEADER_BYTES + at));
  }

  isInMemory(at: number, length: number): boolean {
    return this.#mapping.isInMemory(FILE_HEADER_BYTES + at, length);
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  isNamed(path: string): boolean {
    return this.#file.file.isNamed(path);
  }

  /**
   * Brings the allocated bytes into the page tables at once, for a scan.
   * @returns false when a part of them can't be read: touching it would kill the process
   */
  populate(): boolean {
    return this.#mapping.populate(FILE_HEADER_BYTES + this.allocatedBytes);
  }

  close(): void {
    if (this.#file.isClosed) return;
    this.#file.close();
    this.#endOfTurn(() => this.#mapping.unmap());
  }
}

/**
 * Gives a file blocks for `length` more bytes.
 * @throws RingcastError `unavailable`, with what to do about it
 */
export function allocateFile(file: DiskFile, from: number, length: number): void {
  try {
    file.allocate(from, length);
  } catch (error) {
    throw storageError(error);
  }
}
