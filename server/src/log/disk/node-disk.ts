/** The real file system: Node's calls, and the few of the C library that Node lacks. */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { LmdbTables } from "../catalogue/lmdb-tables.js";
import type { Tables } from "../catalogue/tables.js";
import { Arenas, type Slot } from "./arenas.js";
import { lockDirectory } from "./directory-lock.js";
import { allocate } from "./libc.js";
import { canReadFile, createLogFile, openLogFile } from "./log-file.js";
import type { DirectoryLock, Disk, DiskFile, Mapping, RegionChoice } from "./port.js";
import { chooseRegion } from "./region-choice.js";

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;
const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";
/** Unit of `blocks` in stat(2), whatever the file system's own. */
const STAT_BLOCK_BYTES = 512;
const dataSync = promisify(fdatasync);
const wholeSync = promisify(fsync);

/** The file system that the process runs on, with the arenas that its mapped files stand in. */
export class NodeDisk implements Disk {
  readonly #arenas = new Arenas();
  /** Kept open: without a handle to be had no new log could be synced, and none that isn't synced lets go of its own. */
  readonly #folders = new Map<string, number>();

  get mappedBytes(): number {
    return this.#arenas.mappedBytes;
  }

  bootId(): string {
    return existsSync(BOOT_ID_PATH) ? readFileSync(BOOT_ID_PATH, "utf8").trim().replaceAll("-", "") : "0".repeat(32);
  }

  lock(directory: string): DirectoryLock {
    const lock = lockDirectory(directory, (path) => this.makeFolder(path));
    return {
      release: () => {
        lock.release();
        for (const fd of this.#folders.values()) closeSync(fd);
        this.#folders.clear();
      },
    };
  }

  makeFolder(path: string): void {
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#handleOf(path);
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) this.syncFolderNow(dirname(made));
  }

  chooseRegion(folder: string, isMappingWanted: boolean): RegionChoice {
    return chooseRegion(folder, isMappingWanted);
  }

  open(path: string): NodeFile | undefined {
    const fd = openLogFile(path);
    return fd === undefined ? undefined : new NodeFile(fd, this.#arenas);
  }

  create(path: string): NodeFile {
    return new NodeFile(createLogFile(path), this.#arenas);
  }

  openOrCreate(path: string): NodeFile {
    return new NodeFile(openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600), this.#arenas);
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    rmSync(path, { force: true, recursive: true });
  }

  async syncFolder(path: string): Promise<void> {
    await wholeSync(this.#handleOf(path));
  }

  syncFolderNow(path: string): void {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  openTables(folder: string): Tables {
    return new LmdbTables(folder);
  }

  #handleOf(folder: string): number {
    const kept = this.#folders.get(folder);
    if (kept !== undefined && isAt(kept, folder)) return kept;
    const fd = openSync(folder, O_RDONLY | O_DIRECTORY);
    this.#folders.set(folder, fd);
    return fd;
  }
}

/** An open file of the real file system. */
export class NodeFile implements DiskFile {
  readonly #fd: number;
  readonly #arenas: Arenas;

  /**
   * @param fd     owned from the call on
   * @param arenas where it is mapped, if it is
   */
  constructor(fd: number, arenas = new Arenas()) {
    this.#fd = fd;
    this.#arenas = arenas;
  }

  size(): number {
    return fstatSync(this.#fd).size;
  }

  isSparse(): boolean {
    const { blocks, size } = fstatSync(this.#fd);
    return blocks * STAT_BLOCK_BYTES < size;
  }

  isNamed(path: string): boolean {
    return isAt(this.#fd, path);
  }

  read(target: Uint8Array, targetAt: number, length: number, at: number): number {
    return readSync(this.#fd, target, targetAt, length, at);
  }

  async readInto(target: Uint8Array, at: number): Promise<boolean> {
    for (let got = 0; got < target.length;) {
      const bytes = await new Promise<number>((resolve) => {
        read(this.#fd, target, got, target.length - got, at + got, (error, count) =>
          resolve(error === null ? count : 0),
        );
      });
      if (bytes === 0) return false;
      got += bytes;
    }
    return true;
  }

  write(source: Uint8Array, sourceAt: number, length: number, at: number): number {
    return writeSync(this.#fd, source, sourceAt, length, at);
  }

  truncate(length: number): void {
    ftruncateSync(this.#fd, length);
  }

  allocate(from: number, length: number): void {
    allocate(this.#fd, from, length);
  }

  /** fdatasync(2) covers the pages of a shared mapping, too. */
  sync(): Promise<void> {
    return dataSync(this.#fd);
  }

  syncNow(): void {
    fdatasyncSync(this.#fd);
  }

  map(length: number): Mapping {
    return new NodeMapping(this.#arenas, this.#arenas.map(this.#fd, length), this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Whether a path leads to what a handle is open for. */
function isAt(fd: number, path: string): boolean {
  const named = lstatSync(path, { throwIfNoEntry: false });
  const own = fstatSync(fd);
  return named?.ino === own.ino && named.dev === own.dev;
}

/** A slot of an arena with a file in it. */
class NodeMapping implements Mapping {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly at: number;
  readonly #arenas: Arenas;
  readonly #slot: Slot;
  readonly #fd: number;

  constructor(arenas: Arenas, slot: Slot, fd: number) {
    this.#arenas = arenas;
    this.#slot = slot;
    this.#fd = fd;
    this.bytes = slot.arena.bytes;
    this.view = slot.arena.view;
    this.at = slot.at;
  }

  populate(length: number): boolean {
    return this.#arenas.populate(this.#slot, length) ?? canReadFile(this.#fd, length);
  }

  isInMemory(at: number, length: number): boolean {
    return this.#arenas.isInMemory(this.#slot, at, length);
  }

  unmap(): void {
    this.#arenas.unmap(this.#slot);
  }
}
