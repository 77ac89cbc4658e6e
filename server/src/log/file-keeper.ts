import { closeSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import type { Runtime } from "../runtime/port.js";
import {
  FILE_HEADER_BYTES,
  type FileHeader,
  type FileState,
  FORMAT_VERSION,
  type HeadWords,
  writeHeader,
  writeHeadWords,
} from "./file-header.js";
import { fileNameOf } from "./file-name.js";
import { GroupSync } from "./group-sync.js";
import { Lineage, withEpoch } from "./lineage.js";
import { LogCopy } from "./log-copy.js";
import {
  asUnavailable,
  ensureAllocated,
  neededBytes,
  newPathOf,
  readHead,
  readReading,
  removeLogFile,
  resizePathOf,
  syncDirectory,
} from "./log-files.js";
import type { LogEvent, ProducerMark } from "./port.js";
import { recover } from "./recovery.js";
import {
  allocateFile,
  type Arenas,
  createLogFile,
  MappedRegion,
  openLogFile,
  type Region,
  UnusableFileError,
} from "./region/index.js";
import { FIRST_ALLOCATION_BYTES, type LogKeeper, type LogPlace } from "./log-keeper.js";
import type { PartitionLog } from "./ring-log.js";

/** Length of the epochs that the log makes up itself. */
export const EPOCH_LENGTH = 12;
/** How long a log that couldn't be opened is left alone. */
const RETRY_MS = 1_000;
/** Bytes copied in one turn when a log gets another capacity: some two milliseconds. */
const SLICE_BYTES = 2 ** 20;
/** Syncs of a copy during which the log went on; the next one is waited for on the loop, so that the copy comes to an end. */
const MOST_SYNCS = 5;

/** What all file logs of a store share. */
export interface FileContext {
  readonly runtime: Runtime;
  readonly arenas: Arenas;
  /** Directory of the log files. */
  readonly directory: string;
  /** This boot of the machine, 32 hexadecimal digits. */
  readonly bootId: string;
  readonly onEvent: (event: LogEvent) => void;
  /** Told before a log's file is used in a way that a death of the process must not hide. Survives `kill -9` on return. */
  readonly markOpen: (log: PartitionLog) => void;
  /** Told when a log has its memory; may let go others. */
  readonly opened: (keeper: FileKeeper) => void;
  /** Told when a log has something that isn't synced. */
  readonly dirtied: (keeper: FileKeeper) => void;
}

/** What a file log needs of its topic. */
export interface TopicHooks {
  /** The lineage changed in another way than by a clean close: write it down. */
  lineageChanged(): void;
  /** A record with a producer part was appended, or found at opening. */
  marked(log: PartitionLog, mark: ProducerMark, place: LogPlace, count: number): void;
  /** The tail is about to move: save the producers whose records it passes. */
  trimming(log: PartitionLog, tailAddress: number): void;
  /** Addresses begin anew and old records may go: save the producers. */
  moving(): void;
  /** A record with a producer part was found at `place` of the region. */
  found(log: PartitionLog, region: Region, place: number, where: Omit<LogPlace, "timestamp">): void;
}

/** Keeps one log in its file: opening and recovery, the header, syncs, closing. */
export class FileKeeper implements LogKeeper {
  readonly log: PartitionLog;
  readonly #context: FileContext;
  readonly #hooks: TopicHooks;
  readonly #path: string;
  #region: MappedRegion | undefined;
  /** Whether the catalogue knows that the log is open. */
  #isMarkedOpen: boolean;
  /** Whether the header says so, with this boot. */
  #isHeaderOpen = false;
  /** Whether head, tail and index are right although the memory was let go. */
  #isWarm = false;
  #sequence = 0;
  #count = 0;
  #syncedAddress = 0;
  #syncedOffset = 0;
  #isDirectoryDirty = false;
  /** The file is gone or was set aside, with whatever it held. */
  #isLost = false;
  #isRemoved = false;
  #isClosing = false;
  #wantedCapacityBytes: number;
  #resizing: Promise<void> | undefined;
  #latch: RingcastError | undefined;
  #openFailure: { readonly error: RingcastError; readonly untilMs: number } | undefined;
  readonly #groupSync = new GroupSync(() => this.#sync());

  /** @param options `wasOpen`: the process before this one left the log open */
  constructor(
    makeLog: (keeper: LogKeeper) => PartitionLog,
    options: { readonly context: FileContext; readonly hooks: TopicHooks; readonly wasOpen: boolean },
  ) {
    this.log = makeLog(this);
    this.#context = options.context;
    this.#hooks = options.hooks;
    this.#wantedCapacityBytes = this.log.capacityBytes;
    this.#isMarkedOpen = options.wasOpen;
    this.#path = join(options.context.directory, fileNameOf(this.log.topic, this.log.partition));
  }

  get isMapped(): boolean {
    return this.#region !== undefined;
  }

  open(log: PartitionLog): Region {
    const failed = this.#openFailure;
    if (this.#isRemoved) throw new RingcastError("unavailable", "The topic was deleted.", { stored: "no" });
    if (failed !== undefined && this.#context.runtime.monotonicMs() < failed.untilMs) throw failed.error;
    try {
      const region = this.#open(log);
      this.#openFailure = undefined;
      return region;
    } catch (cause) {
      const error = asUnavailable(cause, this.#path);
      this.#openFailure = { error, untilMs: this.#context.runtime.monotonicMs() + RETRY_MS };
      this.health(log, error);
      throw error;
    }
  }

  beforeAppend(log: PartitionLog): void {
    if (this.#latch !== undefined) throw this.#latch;
    if (!this.#isMarkedOpen) {
      this.#context.markOpen(log);
      this.#isMarkedOpen = true;
    }
    if (!this.#isHeaderOpen) this.#writeHeader("open");
    log.isDirty = true;
    this.#context.dirtied(this);
  }

  beforeTrim(log: PartitionLog, tailAddress: number): void {
    this.#hooks.trimming(log, tailAddress);
  }

  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void {
    this.#hooks.marked(log, mark, first, count);
  }

  health(log: PartitionLog, failure: Error | undefined): void {
    const { topic, partition } = log;
    if (failure !== undefined) {
      if (log.failure === undefined) this.#context.onEvent({ type: "failed", topic, partition, error: failure });
      log.failure ??= failure;
    } else if (this.#latch === undefined && log.failure !== undefined) {
      log.failure = undefined;
      this.#context.onEvent({ type: "healthy", topic, partition });
    }
  }

  // ---- sync ----------------------------------------------------------------------------------------------------------

  synced(log: PartitionLog): Promise<void> {
    if (this.#latch !== undefined) return Promise.reject(this.#latch);
    const isSynced = this.#syncedAddress >= log.headAddress && !this.#isDirectoryDirty;
    return isSynced || this.#region === undefined ? Promise.resolve() : this.#groupSync.next();
  }

  async #sync(): Promise<void> {
    if (this.#latch !== undefined) throw this.#latch;
    const { log } = this;
    const target = { address: log.headAddress, offset: log.head };
    log.isDirty = false;
    const region = this.#region;
    try {
      if (this.#isDirectoryDirty) await syncDirectory(dirname(this.#path));
      this.#isDirectoryDirty = false;
      await region?.sync();
    } catch (cause) {
      throw this.#latched(cause);
    }
    // Meanwhile a copy may have taken the place of the memory that was synced.
    if (region === undefined || this.#region !== region) return;
    this.#syncedAddress = target.address;
    this.#syncedOffset = target.offset;
    if (this.#isHeaderOpen) this.#writeHeader("open");
  }

  /** The kernel reports a failed sync once and then forgets it, with the bytes: nothing that this log says of the device is true any more. */
  #latched(cause: unknown): RingcastError {
    const message = `Writing ${shown(this.#path)} to the storage device failed: check the disk, then restart the hub.`;
    this.#latch = new RingcastError("unavailable", message, { stored: "no" }, { cause });
    this.log.isDirty = false;
    if (this.#region !== undefined) this.#writeHeader("failed");
    this.health(this.log, this.#latch);
    return this.#latch;
  }

  // ---- capacity ------------------------------------------------------------------------------------------------------

  resize(log: PartitionLog, capacityBytes: number): void {
    this.#wantedCapacityBytes = capacityBytes;
    if (this.#region === undefined) {
      // Without a file there is nothing to copy; with one, its next opening sees the difference.
      if (log.headAddress === 0 && !this.#isMarkedOpen) log.capacityBytes = capacityBytes;
      return;
    }
    if (log.capacityBytes !== capacityBytes) this.#resizing ??= this.#resize();
  }

  /** Copies into a new file until that has everything and is synced, then puts it in the old one's place. */
  async #resize(): Promise<void> {
    const { log } = this;
    const path = resizePathOf(this.#path);
    const capacityBytes = this.#wantedCapacityBytes;
    let region: MappedRegion | undefined;
    try {
      await this.#nextTurn();
      if (this.#isEnding()) return;
      region = this.#createRegion(path, capacityBytes);
      const copy = new LogCopy(log, region);
      for (let syncs = 0; ; syncs++) {
        while (!copy.step(SLICE_BYTES)) {
          await this.#nextTurn();
          if (this.#isEnding()) return;
        }
        this.#writeCopied(region, copy);
        if (syncs < MOST_SYNCS) await region.sync();
        else region.syncNow();
        if (this.#isEnding()) return;
        if (copy.head === log.head) break;
      }
      this.#moveTo(region, copy, path);
      region = undefined;
    } catch (error) {
      this.health(log, asUnavailable(error, path));
    } finally {
      this.#resizing = undefined;
      if (region !== undefined) {
        region.close();
        rmSync(path, { force: true });
      }
    }
    if (this.#wantedCapacityBytes !== log.capacityBytes && log.failure === undefined) {
      this.resize(log, this.#wantedCapacityBytes);
    }
  }

  /** Gives a copy its header before it is synced: at the moment of the renaming everything in it is on the device. */
  #writeCopied(region: MappedRegion, copy: LogCopy): void {
    const synced = { syncedAddress: copy.headAddress, syncedOffset: copy.head };
    for (const sequence of [1, 2]) {
      const header = { ...this.#header("open"), ...synced, capacityBytes: region.capacityBytes, sequence };
      writeHeader(region.bytes, region.view, region.headerAt, {
        ...header,
        tailAddress: copy.tailAddress,
        tailOffset: copy.tail,
      });
      writeHeadWords(region.view, region.headerAt, sequence, copy);
    }
  }

  #moveTo(region: MappedRegion, copy: LogCopy, path: string): void {
    const { log } = this;
    this.#hooks.moving();
    renameSync(path, this.#path);
    this.#isDirectoryDirty = true;
    this.#region = region;
    this.#sequence = 2;
    this.#count = 2;
    this.#syncedAddress = copy.headAddress;
    this.#syncedOffset = copy.head;
    this.#isHeaderOpen = true;
    log.moveTo(region, copy, (changed) => this.#publish(changed));
    log.isDirty = true;
    this.#context.dirtied(this);
  }

  #isEnding(): boolean {
    return this.#isRemoved || this.#isClosing || this.#region === undefined || this.#latch !== undefined;
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#context.runtime.setTimer(0, resolve));
  }

  // ---- closing -------------------------------------------------------------------------------------------------------

  /** Lets the memory go, if all of it is synced; the log goes on by itself at its next use. @returns whether it did */
  letGo(): boolean {
    if (this.#region === undefined || this.log.isDirty || this.#groupSync.isRunning) {
      return false;
    }
    this.log.release();
    this.#region = undefined;
    this.#isWarm = true;
    return true;
  }

  /** Syncs and marks the log closed. @returns whether the catalogue may forget that it was open */
  async close(): Promise<boolean> {
    this.#isClosing = true;
    await this.#resizing;
    if (this.#region === undefined && this.#isMarkedOpen && this.#isWarm) this.open(this.log);
    if (this.#region === undefined) return !this.#isMarkedOpen;
    try {
      await this.synced(this.log);
      if (this.#isHeaderOpen) {
        this.#writeHeader("closed");
        await this.#region.sync();
      }
      return this.#latch === undefined;
    } catch {
      // Latched, and said so by an event: the next start verifies the log.
      return false;
    } finally {
      this.discard();
    }
  }

  /** Lets the memory go without a word to the file. */
  discard(): void {
    this.log.release();
    this.#region = undefined;
  }

  /** Removes the file for good. */
  remove(): void {
    this.#isRemoved = true;
    this.discard();
    removeLogFile(this.#context.directory, this.log.topic, this.log.partition);
  }

  // ---- opening -------------------------------------------------------------------------------------------------------

  #open(log: PartitionLog): Region {
    const startedMs = this.#context.runtime.monotonicMs();
    const file = this.#openExisting();
    if (file === undefined) return this.#create(log);
    const head = readHead(file.fd);
    const { header } = head;
    const capacityBytes = header.capacityBytes;
    const allocatedBytes = ensureAllocated(file.fd, file.length, neededBytes(header, head.words));
    const region = new MappedRegion({ ...this.#regionOptions(), fd: file.fd, capacityBytes, allocatedBytes });
    log.capacityBytes = capacityBytes;
    this.#sequence = head.sequence;
    this.#count = head.words?.count ?? 0;
    this.#syncedAddress = header.syncedAddress;
    this.#syncedOffset = header.syncedOffset;
    const isSame = this.#isWarm && head.words !== undefined && head.words.headAddress === log.headAddress;
    this.#attach(log, region);
    if (!isSame) this.#recover(log, region, { header, words: head.words, startedMs });
    if (capacityBytes !== this.#wantedCapacityBytes) this.#resizing ??= this.#resize();
    return region;
  }

  /** Opens the file and judges what it says about itself; what can't be a log is set aside, what is another's is refused. */
  #openExisting(): { readonly fd: number; readonly length: number } | undefined {
    let file: { readonly fd: number; readonly length: number } | undefined;
    try {
      file = openLogFile(this.#path);
    } catch (error) {
      if (!(error instanceof UnusableFileError)) throw error;
      this.#setAside(error.message);
    }
    if (file === undefined) return undefined;
    const reading = readReading(file.fd, file.length);
    const reason = this.#unusable(reading, file.length);
    if (reason === undefined) return file;
    closeSync(file.fd);
    if (reading?.kind === "version" || reading?.kind === "header")
      throw new RingcastError("unavailable", reason, { stored: "no" });
    this.#setAside(reason);
    return undefined;
  }

  #unusable(reading: ReturnType<typeof readReading>, length: number): string | undefined {
    if (reading === undefined) return `It is ${length} bytes long, shorter than a log's header.`;
    if (reading.kind === "none") return "Neither copy of its header is intact.";
    const move = "move it away, or start the hub that it belongs to";
    if (reading.kind === "version") {
      return `${shown(this.#path)} has format version ${reading.version}, this hub knows ${FORMAT_VERSION}: ${move}.`;
    }
    const { topic, partition, lineage } = reading.header;
    if (topic !== this.log.topic || partition !== this.log.partition) {
      return `${shown(this.#path)} is the log of ${shown(topic)}, partition ${partition}: ${move}.`;
    }
    if (!lineage.some(({ epoch }) => this.log.history.endOf(epoch) !== -1)) {
      return `${shown(this.#path)} holds epoch ${shown(lineage.at(-1)?.epoch)}, expected ${shown(this.log.epoch)}: ${move}.`;
    }
    return undefined;
  }

  #setAside(reason: string): void {
    const { topic, partition } = this.log;
    const file = `${this.#path}.aside-${this.#context.runtime.randomId(6)}`;
    renameSync(this.#path, file);
    this.#isMarkedOpen = true;
    this.#isLost = true;
    this.#context.onEvent({ type: "set-aside", topic, partition, file, reason });
  }

  /** Makes the file beside its place and moves it there when it is whole. */
  #create(log: PartitionLog): Region {
    // The file should be there: what it held is gone, and its offsets must not be given again in the same epoch.
    const isLost = this.#isLost || this.#isMarkedOpen || log.head > 0;
    if (!this.#isMarkedOpen) this.#context.markOpen(log);
    this.#isMarkedOpen = true;
    const region = this.#createRegion(newPathOf(this.#path), log.capacityBytes);
    if (isLost) this.#beginAnew(log);
    this.#sequence = 0;
    this.#count = 0;
    this.#syncedAddress = 0;
    this.#syncedOffset = 0;
    this.#attach(log, region);
    // Both copies, so that there is always one to fall back on.
    this.#writeHeader("open");
    this.#writeHeader("open");
    this.#publish(log);
    this.#publish(log);
    renameSync(newPathOf(this.#path), this.#path);
    this.#isDirectoryDirty = true;
    this.#isLost = false;
    if (isLost) this.#hooks.lineageChanged();
    return region;
  }

  #createRegion(path: string, capacityBytes: number): MappedRegion {
    rmSync(path, { force: true });
    const fd = createLogFile(path);
    const first = Math.min(FIRST_ALLOCATION_BYTES, capacityBytes);
    try {
      allocateFile(fd, 0, FILE_HEADER_BYTES + first);
    } catch (error) {
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
    return new MappedRegion({ ...this.#regionOptions(), fd, capacityBytes, allocatedBytes: first });
  }

  #beginAnew(log: PartitionLog): void {
    const epoch = this.#context.runtime.randomId(EPOCH_LENGTH);
    const lineage = [{ epoch, first: 0 }];
    log.restore(
      { lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: log.lastTimestamp },
      new Lineage(lineage, log.partition),
    );
  }

  #recover(
    log: PartitionLog,
    region: MappedRegion,
    found: { readonly header: FileHeader; readonly words: HeadWords | undefined; readonly startedMs: number },
  ): void {
    const { header, words } = found;
    const { topic, partition } = log;
    const lineage = new Lineage(header.lineage, partition);
    const isClosed = header.state === "closed";
    const isBinding = isClosed || header.bootId === this.#context.bootId;
    log.restore(
      { lineage: header.lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: 0 },
      lineage,
    );
    region.populate();
    const recovery = recover({
      region,
      lineage,
      header,
      words,
      isBinding,
      index: log.index,
      // After a clean close all producers are in the catalogue.
      onMarked: (place, address, offset) => {
        if (!isClosed) this.#hooks.found(log, region, place, { address, offset });
      },
    });
    log.take(recovery.words);
    this.#isHeaderOpen = header.state === "open" && header.bootId === this.#context.bootId;
    // The kernel takes pages whose sync failed for clean; they have to be written once more.
    if (header.state === "failed") region.dirtyAll();
    let newEpoch: string | undefined;
    if (recovery.needsEpoch) {
      newEpoch = this.#context.runtime.randomId(EPOCH_LENGTH);
      const entries = withEpoch(header.lineage, newEpoch, log.head);
      // Records of an epoch that is forgotten can't be verified any more.
      log.trimTo(entries[0]?.first ?? 0);
      log.history = new Lineage(entries, partition);
      this.#syncedAddress = Math.min(this.#syncedAddress, log.headAddress);
      this.#syncedOffset = Math.min(this.#syncedOffset, log.head);
      this.#writeHeader("open");
      this.#publish(log);
      this.#hooks.lineageChanged();
    }
    for (const damage of recovery.damages) this.#context.onEvent({ type: "corrupt", topic, partition, ...damage });
    if (isClosed && recovery.damages.length === 0 && newEpoch === undefined) return;
    const tookMs = this.#context.runtime.monotonicMs() - found.startedMs;
    const { records, cutRecords } = recovery;
    this.#context.onEvent({ type: "recovered", topic, partition, records, tookMs, cutRecords, newEpoch });
  }

  #regionOptions(): { readonly arenas: Arenas; readonly endOfTurn: (callback: () => void) => void } {
    const { arenas, runtime } = this.#context;
    return { arenas, endOfTurn: (callback) => runtime.endOfTurn(callback) };
  }

  #attach(log: PartitionLog, region: MappedRegion): void {
    this.#region = region;
    this.#isWarm = false;
    log.attach(region, (changed) => this.#publish(changed));
    this.#context.opened(this);
  }

  #publish(log: PartitionLog): void {
    const region = this.#region as MappedRegion;
    this.#count = (this.#count + 1) >>> 0;
    writeHeadWords(region.view, region.headerAt, this.#count, log);
  }

  #writeHeader(state: FileState): void {
    const region = this.#region as MappedRegion;
    this.#sequence++;
    writeHeader(region.bytes, region.view, region.headerAt, { ...this.#header(state), sequence: this.#sequence });
    this.#isHeaderOpen = state === "open";
  }

  #header(state: FileState): FileHeader {
    const { log } = this;
    return {
      topic: log.topic,
      partition: log.partition,
      capacityBytes: log.capacityBytes,
      syncedAddress: this.#syncedAddress,
      syncedOffset: this.#syncedOffset,
      tailAddress: log.tailAddress,
      tailOffset: log.tail,
      lastTimestamp: log.lastTimestamp,
      state,
      bootId: this.#context.bootId,
      lineage: log.lineage,
    };
  }
}
