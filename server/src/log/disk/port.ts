/**
 * What the log does to the file system, and nothing else of it does: so that a whole log store runs over a model of a disk as well, one that loses, tears and
 * forgets what was not synced (test/simulation/disk). Errors carry the system's name for them as `code`, like Node's own.
 */
import type { Tables } from "../catalogue/tables.js";

/** Which kind of region the file logs of a store have. */
export type RegionKind = "mapped" | "file";

/** A kind of region and why it is that one, for the operator. */
export interface RegionChoice {
  readonly kind: RegionKind;
  readonly reason: string;
}

/** A data directory that belongs to this process alone. */
export interface DirectoryLock {
  /** Can be called twice. */
  release(): void;
}

/** The file system under a data directory, as one process sees it. Paths are absolute. */
export interface Disk {
  /** Bytes of address space with a file behind it. */
  readonly mappedBytes: number;
  /** Identity of this boot of the machine, 32 hexadecimal digits; zeros where the system doesn't tell, which never counts as the same boot. */
  bootId(): string;
  /**
   * Takes a data directory for this process, and makes it if there is none. The lock dies with the process.
   * @throws RingcastError with `details.field` "data": another hub has the directory, or it can't be one
   */
  lock(directory: string): DirectoryLock;
  /** Makes a folder, and those above it, where there is none. Its name is on the storage device on return. */
  makeFolder(path: string): void;
  /**
   * Chooses the region for the logs of a folder.
   * @param isMappingWanted false: never map
   */
  chooseRegion(folder: string, isMappingWanted: boolean): RegionChoice;
  /**
   * Opens an existing file.
   * @returns undefined when there is none
   * @throws UnusableFileError for a link, directory, FIFO or device
   */
  open(path: string): DiskFile | undefined;
  /** Makes a new, empty file; fails with EEXIST when the name is taken by anything. */
  create(path: string): DiskFile;
  /** Opens a file, made if there is none. */
  openOrCreate(path: string): DiskFile;
  /** Gives a file another name, in place of what has it. */
  rename(from: string, to: string): void;
  /** Removes whatever has the name, if anything does. */
  remove(path: string): void;
  /** Forces the names in a folder to the storage device. */
  syncFolder(path: string): Promise<void>;
  /** Like {@link syncFolder}, but blocks the loop meanwhile. */
  syncFolderNow(path: string): void;
  /**
   * Opens the catalogue's tables in a folder, made if there are none.
   * @throws RingcastError `unavailable` with `details.field` "data" when they can't be understood
   */
  openTables(folder: string): Tables;
}

/** An open file. */
export interface DiskFile {
  /** Bytes it is long. */
  size(): number;
  /** Whether it has fewer blocks than bytes. */
  isSparse(): boolean;
  /** Whether this path leads to it: somebody may have removed it, or put another one in its place. */
  isNamed(path: string): boolean;
  /**
   * Reads at most `length` bytes from place `at` of the file to `targetAt` of `target`.
   * @returns how many; 0 at the end of the file
   */
  read(target: Uint8Array, targetAt: number, length: number, at: number): number;
  /** Reads as many bytes as `target` has, off the loop. @returns false where the file ends before, or the device reports an error */
  readInto(target: Uint8Array, at: number): Promise<boolean>;
  /**
   * Writes `length` bytes from `sourceAt` of `source` to place `at` of the file. They survive the process on return.
   * @returns how many were written
   */
  write(source: Uint8Array, sourceAt: number, length: number, at: number): number;
  /** Gives it another length, with zeros and without blocks. */
  truncate(length: number): void;
  /** Gives it real blocks for `length` bytes from place `from` on; it is as long as these at least. */
  allocate(from: number, length: number): void;
  /** Forces everything written before the call to the storage device, off the loop. */
  sync(): Promise<void>;
  /** Like {@link sync}, but blocks the loop meanwhile. */
  syncNow(): void;
  /** Maps it from its start, `length` bytes of address space: more than it has is fine, as long as nobody touches it. */
  map(length: number): Mapping;
  close(): void;
}

/** A file as memory: what is written there survives the process, and is brought to the device by {@link DiskFile.sync}. */
export interface Mapping {
  /** What may hold many mappings; all of it stays valid memory of the process. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Place of the file's first byte in `bytes`. */
  readonly at: number;
  /**
   * Brings the first `length` bytes into memory at once.
   * @returns false when a part of them can't be read: touching it would kill the process
   */
  populate(length: number): boolean;
  /** Whether `length` bytes from place `at` of the file are in memory, so that touching them waits for no device; false where nobody knows. */
  isInMemory(at: number, length: number): boolean;
  /** Lets it go. Nobody may touch its bytes from now on. */
  unmap(): void;
}
