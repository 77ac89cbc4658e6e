import { renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import type { FileContext, TopicHooks } from "./file-context.js";
import type { FileHead } from "./file-head.js";
import { fileNameOf } from "./file-name.js";
import { GroupSync } from "./group-sync.js";
import { EPOCH_LENGTH, Lineage } from "./lineage.js";
import type { LogCopy } from "./log-copy.js";
import { asUnavailable, newPathOf, removeLogFile, resizePathOf, syncDirectory } from "./log-files.js";
import type { LogKeeper, LogPlace } from "./log-keeper.js";
import { createFile, findFile, mapFile } from "./open-file.js";
import type { ProducerMark } from "./port.js";
import { recoverLog } from "./recover-log.js";
import type { Region } from "./region/index.js";
import { copyToCapacity } from "./resizing.js";
import type { PartitionLog } from "./ring-log.js";

/** How long a log that couldn't be opened is left alone. */
const RETRY_MS = 1_000;

/** Keeps one log in its file: opening and recovery, the header, syncs, closing. */
export class FileKeeper implements LogKeeper {
  readonly log: PartitionLog;
  readonly #context: FileContext;
  readonly #hooks: TopicHooks;
  readonly #path: string;
  #file: FileHead | undefined;
  /** Whether the catalogue knows that the log is open. */
  #isMarkedOpen: boolean;
  /** Whether head, tail and index are right although the memory was let go. */
  #isWarm = false;
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
    return this.#file !== undefined;
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
    if (this.#file?.isOpen === false) this.#file.writeHeader(log, "open");
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
    const file = this.#file;
    const isSynced = file === undefined || (file.syncedAddress >= log.headAddress && !this.#isDirectoryDirty);
    return isSynced ? Promise.resolve() : this.#groupSync.next();
  }

  async #sync(): Promise<void> {
    if (this.#latch !== undefined) throw this.#latch;
    const { log } = this;
    const { headAddress, head } = log;
    log.isDirty = false;
    const file = this.#file;
    try {
      if (this.#isDirectoryDirty) await syncDirectory(dirname(this.#path));
      this.#isDirectoryDirty = false;
      await file?.region.sync();
    } catch (cause) {
      throw this.#latched(cause);
    }
    // Meanwhile a copy may have taken the place of the memory that was synced.
    if (file === undefined || this.#file !== file) return;
    file.noteSynced(headAddress, head);
    if (file.isOpen) file.writeHeader(log, "open");
  }

  /** The kernel reports a failed sync once and then forgets it, with the bytes: nothing that this log says of the device is true any more. */
  #latched(cause: unknown): RingcastError {
    const message = `Writing ${shown(this.#path)} to the storage device failed: check the disk, then restart the hub.`;
    this.#latch = new RingcastError("unavailable", message, { stored: "no" }, { cause });
    this.log.isDirty = false;
    this.#file?.writeHeader(this.log, "failed");
    this.health(this.log, this.#latch);
    return this.#latch;
  }

  // ---- capacity ------------------------------------------------------------------------------------------------------

  resize(log: PartitionLog, capacityBytes: number): void {
    this.#wantedCapacityBytes = capacityBytes;
    if (this.#file === undefined) {
      // Without a file there is nothing to copy; with one, its next opening sees the difference.
      if (log.headAddress === 0 && !this.#isMarkedOpen) log.capacityBytes = capacityBytes;
      return;
    }
    if (log.capacityBytes !== capacityBytes) this.#resizing ??= this.#resize();
  }

  async #resize(): Promise<void> {
    const { log } = this;
    const path = resizePathOf(this.#path);
    const capacityBytes = this.#wantedCapacityBytes;
    const isEnding = (): boolean =>
      this.#isRemoved || this.#isClosing || this.#file === undefined || this.#latch !== undefined;
    try {
      await copyToCapacity({
        context: this.#context,
        log,
        path,
        capacityBytes,
        isEnding,
        takeOver: (file, copy) => this.#moveTo(file, copy, path),
      });
    } catch (error) {
      this.health(log, asUnavailable(error, path));
    } finally {
      this.#resizing = undefined;
    }
    if (this.#wantedCapacityBytes !== log.capacityBytes && log.failure === undefined) {
      this.resize(log, this.#wantedCapacityBytes);
    }
  }

  #moveTo(file: FileHead, copy: LogCopy, path: string): void {
    const { log } = this;
    this.#hooks.moving();
    renameSync(path, this.#path);
    this.#isDirectoryDirty = true;
    this.#file = file;
    log.moveTo(file.region, copy, (changed) => file.publish(changed));
    log.isDirty = true;
    this.#context.dirtied(this);
  }

  // ---- closing -------------------------------------------------------------------------------------------------------

  /** Lets the memory go, if all of it is synced; the log goes on by itself at its next use. @returns whether it did */
  letGo(): boolean {
    if (this.#file === undefined || this.log.isDirty || this.#groupSync.isRunning) {
      return false;
    }
    this.log.release();
    this.#file = undefined;
    this.#isWarm = true;
    return true;
  }

  /** Syncs and marks the log closed. @returns whether the catalogue may forget that it was open */
  async close(): Promise<boolean> {
    this.#isClosing = true;
    await this.#resizing;
    if (this.#file === undefined && this.#isMarkedOpen && this.#isWarm) this.open(this.log);
    if (this.#file === undefined) return !this.#isMarkedOpen;
    try {
      await this.synced(this.log);
      if (this.#file.isOpen) {
        this.#file.writeHeader(this.log, "closed");
        await this.#file.region.sync();
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
    this.#file = undefined;
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
    const found = findFile(this.#path, log);
    if (found.kind === "unusable") this.#setAside(found.reason);
    if (found.kind !== "file") return this.#create(log);
    const file = mapFile(this.#context, found);
    const { header, words } = found.head;
    log.capacityBytes = header.capacityBytes;
    const isSame = this.#isWarm && words !== undefined && words.headAddress === log.headAddress;
    this.#attach(log, file);
    if (!isSame) {
      file.region.populate();
      recoverLog({ log, file, found: found.head, context: this.#context, hooks: this.#hooks, startedMs });
    }
    if (header.capacityBytes !== this.#wantedCapacityBytes) this.#resizing ??= this.#resize();
    return file.region;
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
    const file = createFile(this.#context, newPathOf(this.#path), log.capacityBytes);
    if (isLost) this.#beginAnew(log);
    this.#attach(log, file);
    file.writeAll(log, "open");
    renameSync(newPathOf(this.#path), this.#path);
    this.#isDirectoryDirty = true;
    this.#isLost = false;
    if (isLost) this.#hooks.lineageChanged();
    return file.region;
  }

  #beginAnew(log: PartitionLog): void {
    const epoch = this.#context.runtime.randomId(EPOCH_LENGTH);
    const lineage = [{ epoch, first: 0 }];
    log.restore(
      { lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: log.lastTimestamp },
      new Lineage(lineage, log.partition),
    );
  }

  #attach(log: PartitionLog, file: FileHead): void {
    this.#file = file;
    this.#isWarm = false;
    log.attach(file.region, (changed) => file.publish(changed));
    this.#context.opened(this);
  }
}
