/**
 * A model of a machine's storage: files, names and tables, of which the page cache has more than the device. A process sees it as a {@link Disk}; when it dies
 * the page cache stays, when the power is cut only what the device has, and parts of the rest. All choices come from the seed.
 */
import { RingcastError } from "@ringcast/protocol";
import type { Tables } from "../../../server/src/log/catalogue/tables.js";
import type {
  DirectoryLock,
  Disk,
  DiskFile,
  Mapping,
  RegionChoice,
  RegionKind,
} from "../../../server/src/log/disk/index.js";
import type { Random } from "../../support/random.js";
import { type Fate, PAGE_BYTES, SimulatedFile } from "./simulated-file.js";
import { SimulatedNames } from "./simulated-names.js";
import { SimulatedTables, StoredTables } from "./simulated-tables.js";

/** Background writes of the system come so often, in operations. */
const WRITE_BACK_ONE_IN = 8;

export interface SimulatedDiskOptions {
  readonly random: Random;
  /** Asynchronous calls come back by it; with a virtual clock they take virtual time. */
  readonly setTimer: (delayMs: number, callback: () => void) => unknown;
  /** What file logs live in; "mapped" unless said otherwise. */
  readonly regions?: RegionKind;
}

/** How a machine goes down by itself. */
export interface Crash {
  /** Before which operation, counted from 0 (see {@link SimulatedDisk.operations}). */
  readonly at: number;
  readonly how: "kill" | "power";
  /** In the middle of that operation: some pages of a write or a sync. */
  readonly isTorn?: boolean;
}

/** What a call of the system that failed throws. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;

  constructor(code: string, call: string) {
    super(`${code}: ${call}`);
    this.code = code;
  }
}

/** What a call throws whose process is dead: what its code does from then on happens nowhere. */
export class ProcessGone extends Error {
  override readonly name = "ProcessGone";
}

export class SimulatedDisk {
  /** Virtual milliseconds that a sync takes. */
  syncMs = { min: 0, max: 4 };
  /** The next so many syncs answer EIO, and the device has nothing of them. */
  failSyncs = 0;
  /** No file gets a block more, and no table a row. */
  isFull = false;
  /** Goes down at a certain operation. */
  crash: Crash | undefined;
  /** Told when a process dies, however it does. */
  onDown: ((how: Crash["how"]) => void) | undefined;
  /** Operations so far. */
  operations = 0;
  /** Names of the operations, where somebody wants to know. */
  trace: string[] | undefined;
  readonly names = new SimulatedNames();
  readonly tables = new Map<string, StoredTables>();
  readonly locks = new Map<string, SimulatedProcess>();
  readonly regions: RegionKind;
  readonly #random: Random;
  readonly #setTimer: SimulatedDiskOptions["setTimer"];
  #bootId: string;
  #process: SimulatedProcess | undefined;

  constructor(options: SimulatedDiskOptions) {
    this.#random = options.random;
    this.#setTimer = options.setTimer;
    this.regions = options.regions ?? "mapped";
    this.#bootId = this.#newBootId();
  }

  /** The disk as a process sees it that starts now. One runs at a time; the one before is killed if it still does. */
  start(): Disk {
    if (this.#process !== undefined) this.kill();
    this.#process = new SimulatedProcess(this);
    return this.#process;
  }

  /** Whether no process runs. */
  get isDown(): boolean {
    return this.#process === undefined;
  }

  get bootId(): string {
    return this.#bootId;
  }

  /** The process dies: its locks are free, its memory is nobody's, what it has written stays. */
  kill(): void {
    this.#die();
    for (const file of this.names.files()) file.detach();
    this.onDown?.("kill");
  }

  /** The machine loses its power: of what wasn't synced, some is lost, some torn, some kept. */
  cutPower(): void {
    this.#die();
    const random = this.#random.fork();
    const fateOf = (): Fate => random.pick<Fate>(["lost", "kept", "mixed", "mixed"]);
    const fate = random.oneIn(3) ? fateOf() : undefined;
    const files = this.names.files();
    this.names.cutPower(random, fate ?? fateOf());
    for (const file of files) file.cutPower(random, fate ?? fateOf());
    for (const stored of this.tables.values()) stored.cutPower(random, fate ?? fateOf());
    this.#bootId = this.#newBootId();
    this.onDown?.("power");
  }

  /** Brings some of what is dirty to the device, as the system does at any time. */
  writeBack(): void {
    const random = this.#random.fork();
    for (const file of this.names.files()) file.writeBack(random);
  }

  // ---- for processes and their files -------------------------------------------------------------------------------

  /**
   * Counts an operation of a process; the machine may go down before it.
   * @returns whether it goes down in the middle of it
   */
  enter(process: SimulatedProcess, operation: string): boolean {
    if (process.isDead) throw new ProcessGone(operation);
    const at = this.operations++;
    this.trace?.push(operation);
    if (this.crash?.at === at) {
      if (this.crash.isTorn === true) return true;
      this.goDown();
    }
    if (this.#random.oneIn(WRITE_BACK_ONE_IN)) this.writeBack();
    return false;
  }

  /** Goes down as {@link crash} says. */
  goDown(): never {
    const how = this.crash?.how ?? "kill";
    this.crash = undefined;
    if (how === "kill") this.kill();
    else this.cutPower();
    throw new ProcessGone("The machine went down.");
  }

  /** Bytes of a write that happen when its process is killed meanwhile: Linux copies a page without being interrupted. */
  partOf(at: number, length: number): number {
    const pages = Math.floor((at + length) / PAGE_BYTES) - Math.floor(at / PAGE_BYTES);
    const kept = this.#random.below(pages + 1);
    return kept === 0 ? 0 : (Math.floor(at / PAGE_BYTES) + kept) * PAGE_BYTES - at;
  }

  /** @throws SystemError ENOSPC */
  checkRoom(call: string): void {
    if (this.isFull) throw new SystemError("ENOSPC", call);
  }

  /** Whether the sync that is about to be answered fails. */
  takeFailure(): boolean {
    if (this.failSyncs === 0) return false;
    this.failSyncs--;
    return true;
  }

  /** Comes back after some time, unless the process has died meanwhile: then it never does. */
  later<Result>(process: SimulatedProcess, finish: () => Result): Promise<Result> {
    const { min, max } = this.syncMs;
    const delayMs = min + (this.#random.below(1_000) / 1_000) * (max - min);
    return new Promise((resolve, reject) => {
      this.#setTimer(delayMs, () => {
        if (process.isDead) return;
        try {
          resolve(finish());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  #die(): void {
    if (this.#process !== undefined) this.#process.isDead = true;
    this.#process = undefined;
    this.locks.clear();
  }

  #newBootId(): string {
    return Array.from({ length: 32 }, () => this.#random.below(16).toString(16)).join("");
  }
}

/** The model as one process sees it. */
class SimulatedProcess implements Disk {
  isDead = false;
  mappedBytes = 0;
  readonly #machine: SimulatedDisk;

  constructor(machine: SimulatedDisk) {
    this.#machine = machine;
  }

  bootId(): string {
    return this.#machine.bootId;
  }

  lock(directory: string): DirectoryLock {
    const { locks } = this.#machine;
    this.#enter("lock", directory);
    if (locks.has(directory)) throw new RingcastError("unavailable", `${directory} is in use.`, { field: "data" });
    locks.set(directory, this);
    return {
      release: () => {
        if (locks.get(directory) === this) locks.delete(directory);
      },
    };
  }

  makeFolder(path: string): void {
    this.#enter("makeFolder", path);
  }

  chooseRegion(_folder: string, isMappingWanted: boolean): RegionChoice {
    return { kind: isMappingWanted ? this.#machine.regions : "file", reason: "the simulation says so" };
  }

  open(path: string): DiskFile | undefined {
    this.#enter("open", path);
    const file = this.#machine.names.get(path);
    return file === undefined ? undefined : this.#handle(path, file);
  }

  create(path: string): DiskFile {
    this.#enter("create", path);
    const { names } = this.#machine;
    if (names.get(path) !== undefined) throw new SystemError("EEXIST", `open ${path}`);
    this.#machine.checkRoom(`open ${path}`);
    const file = new SimulatedFile();
    names.put(path, file);
    return this.#handle(path, file);
  }

  openOrCreate(path: string): DiskFile {
    return this.open(path) ?? this.create(path);
  }

  rename(from: string, to: string): void {
    this.#enter("rename", to);
    if (this.#machine.names.get(from) === undefined) throw new SystemError("ENOENT", `rename ${from}`);
    this.#machine.names.rename(from, to);
  }

  remove(path: string): void {
    this.#enter("remove", path);
    this.#machine.names.remove(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#enter("syncFolder", path);
    const through = this.#machine.names.beginSync();
    await this.#machine.later(this, () => {
      if (this.#machine.takeFailure()) throw new SystemError("EIO", `fsync ${path}`);
      this.#machine.names.endSync(path, through);
    });
  }

  syncFolderNow(path: string): void {
    this.#enter("syncFolderNow", path);
    if (this.#machine.takeFailure()) throw new SystemError("EIO", `fsync ${path}`);
    this.#machine.names.endSync(path, this.#machine.names.beginSync());
  }

  openTables(folder: string): Tables {
    this.#enter("openTables", folder);
    const { tables } = this.#machine;
    const stored = tables.get(folder) ?? new StoredTables();
    tables.set(folder, stored);
    return new SimulatedTables(stored, {
      change: () => {
        this.#enter("commit", folder);
        this.#machine.checkRoom(`write ${folder}`);
      },
      flush: async (begin) => {
        this.#enter("flush", folder);
        const end = begin();
        await this.#machine.later(this, () => {
          if (this.#machine.takeFailure()) throw new SystemError("EIO", `fdatasync ${folder}`);
          end();
        });
      },
    });
  }

  #enter(call: string, path: string): void {
    // None of these can be seen half done.
    if (this.#machine.enter(this, `${call} ${path}`)) this.#machine.goDown();
  }

  #handle(path: string, file: SimulatedFile): DiskFile {
    return new SimulatedHandle({ machine: this.#machine, process: this, path, file });
  }
}

interface HandleOptions {
  readonly machine: SimulatedDisk;
  readonly process: SimulatedProcess;
  readonly path: string;
  readonly file: SimulatedFile;
}

/** An open file. */
class SimulatedHandle implements DiskFile {
  readonly #machine: SimulatedDisk;
  readonly #process: SimulatedProcess;
  readonly #path: string;
  readonly #file: SimulatedFile;
  #isClosed = false;

  constructor({ machine, process, path, file }: HandleOptions) {
    this.#machine = machine;
    this.#process = process;
    this.#path = path;
    this.#file = file;
  }

  size(): number {
    this.#check("fstat");
    return this.#file.size;
  }

  isSparse(): boolean {
    this.#check("fstat");
    return this.#file.isSparse;
  }

  isNamed(path: string): boolean {
    this.#check("lstat");
    return this.#machine.names.get(path) === this.#file;
  }

  read(target: Uint8Array, targetAt: number, length: number, at: number): number {
    this.#check("read");
    return this.#file.read(target, targetAt, length, at);
  }

  async readInto(target: Uint8Array, at: number): Promise<boolean> {
    this.#check("read");
    return this.#machine.later(this.#process, () => this.#file.read(target, 0, target.length, at) === target.length);
  }

  write(source: Uint8Array, sourceAt: number, length: number, at: number): number {
    const isTorn = this.#enter("write");
    const bytes = source.subarray(sourceAt, sourceAt + length);
    if (isTorn) {
      this.#file.write(bytes.subarray(0, this.#machine.partOf(at, length)), at);
      this.#machine.goDown();
    }
    const room = this.#machine.isFull ? this.#file.bytesWithBlocks(at, length) : length;
    if (room === 0) this.#machine.checkRoom(`write ${this.#path}`);
    this.#file.write(bytes.subarray(0, room), at);
    return room;
  }

  truncate(length: number): void {
    if (this.#enter("truncate")) this.#machine.goDown();
    this.#file.truncate(length);
  }

  allocate(from: number, length: number): void {
    if (this.#enter("allocate")) this.#machine.goDown();
    if (this.#file.bytesWithBlocks(from, length) < length) this.#machine.checkRoom(`fallocate ${this.#path}`);
    this.#file.allocate(from, length);
  }

  async sync(): Promise<void> {
    const isTorn = this.#enter("sync");
    const snapshot = this.#file.beginSync();
    if (isTorn) this.#machine.goDown();
    await this.#machine.later(this.#process, () => {
      if (!this.#machine.takeFailure()) {
        this.#file.endSync(snapshot);
        return;
      }
      this.#file.failSync(snapshot);
      throw new SystemError("EIO", `fdatasync ${this.#path}`);
    });
  }

  syncNow(): void {
    const isTorn = this.#enter("syncNow");
    const snapshot = this.#file.beginSync();
    if (isTorn) this.#machine.goDown();
    if (this.#machine.takeFailure()) {
      this.#file.failSync(snapshot);
      throw new SystemError("EIO", `fdatasync ${this.#path}`);
    }
    this.#file.endSync(snapshot);
  }

  map(length: number): Mapping {
    this.#check("mmap");
    const memory = this.#file.map(length);
    const bytes = new Uint8Array(memory.buffer, memory.byteOffset, memory.length);
    this.#process.mappedBytes += length;
    return {
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      at: 0,
      populate: (wanted) => wanted <= this.#file.size,
      isInMemory: () => false,
      unmap: () => {
        if (this.#process.isDead) return;
        this.#process.mappedBytes -= length;
        this.#file.unmap();
      },
    };
  }

  close(): void {
    if (this.#isClosed && !this.#process.isDead) throw new SystemError("EBADF", `close ${this.#path}`);
    this.#isClosed = true;
  }

  #enter(call: string): boolean {
    this.#check(call);
    return this.#machine.enter(this.#process, `${call} ${this.#path}`);
  }

  /** What changes nothing isn't counted: before or behind it is all the same. */
  #check(call: string): void {
    if (this.#process.isDead) throw new ProcessGone(`${call} ${this.#path}`);
    if (this.#isClosed) throw new SystemError("EBADF", `${call} ${this.#path}`);
  }
}
