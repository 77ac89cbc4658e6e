import { dirname, join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import type { BlockCache } from "./block-cache.js";
import { DataLimitError } from "./data-limit.js";
import { codeOf, isExhausted } from "./disk/index.js";
import type { FileContext, TopicHooks } from "./file-context.js";
import type { FileHead } from "./file-head.js";
import { fileNameOf } from "./file-name.js";
import { GroupSync } from "./group-sync.js";
import { EPOCH_LENGTH, Lineage, withEpoch } from "./lineage.js";
import type { LogCopy } from "./log-copy.js";
import { asUnavailable, newPathOf, removeLogFile, resizePathOf } from "./log-files.js";
import { FIRST_ALLOCATION_BYTES, type LogKeeper, type LogPlace, type LogState } from "./log-keeper.js";
import { nextTurn } from "./next-turn.js";
import { createFile, findFile, useFile, UNREADABLE } from "./open-file.js";
import type { ProducerMark } from "./port.js";
import { FILE_HEADER_BYTES } from "./file-header.js";
import { recoverLog } from "./recover-log.js";
import type { Damage } from "./recovery.js";
import type { Region } from "./region/index.js";
import { copyToCapacity } from "./resizing.js";
import type { PartitionLog } from "./ring-log.js";

/** How long a log that couldn't be opened is left alone. */
const RETRY_MS = 1_000;
/** What may happen to a log's file, so that it is latched. */
const UNSYNCED = "could not be brought to the storage device: check the disk";
const REPLACED = "was removed, renamed or replaced while the hub had it open";

/** A failed sync that isn't made good yet: nothing is appended, no sync is acknowledged, and the memory isn't let go. */
interface Latch {
  readonly error: RingcastError;
  /** Records from this offset on may be lost, and nobody was told yet. */
  readonly unverifiedFrom: number;
}

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
  /** Whether the directory has to be synced for the file to be found after a power cut. */
  #isNameDirty = false;
  /** The process before left it open, and it was not opened since: what the catalogue says of it is of some time before. */
  #isUnread: boolean;
  /** The file is gone or was set aside, with whatever it held. */
  #isLost = false;
  /** A power cut may have taken a file of which nothing tells. */
  #isInDoubt = false;
  #isRemoved = false;
  /** Another object stands for the log from now on, or will. */
  #isRetired = false;
  /** Bytes of the file as the store knows them. */
  #countedBytes: number;
  #isClosing = false;
  #wantedCapacityBytes: number;
  /** A copy that is being made of the log. */
  #copying: Promise<unknown> | undefined;
  #latch: Latch | undefined;
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
    this.#countedBytes = this.log.storedBytes;
    this.#isMarkedOpen = options.wasOpen;
    this.#isUnread = options.wasOpen;
    this.#path = join(options.context.directory, fileNameOf(this.log.topic, this.log.partition));
  }

  get blocks(): BlockCache {
    return this.#context.blocks;
  }

  get isMapped(): boolean {
    return this.#file !== undefined;
  }

  /** Whether the next start opens the log by itself. */
  get isMarkedOpen(): boolean {
    return this.#isMarkedOpen;
  }

  open(log: PartitionLog): Region {
    const failed = this.#openFailure;
    if (this.#isRetired) throw new RingcastError("unavailable", "The log was let go: ask for its topic again.");
    if (this.#isRemoved) throw new RingcastError("unavailable", "The topic was deleted.", { stored: "no" });
    if (failed !== undefined && this.#context.runtime.monotonicMs() < failed.untilMs) throw failed.error;
    try {
      const region = this.#openWithRoom(log);
      this.#openFailure = undefined;
      return region;
    } catch (cause) {
      const error = asUnavailable(cause, this.#path);
      this.#openFailure = { error, untilMs: this.#context.runtime.monotonicMs() + RETRY_MS };
      this.health(log, error);
      throw error;
    }
  }

  ensureKnown(log: PartitionLog): void {
    if (this.#isUnread || this.#isInDoubt) this.open(log);
  }

  /**
   * Verifies a log of which a power cut may have taken records, and everything that told of them: begins an epoch, so that no offset is given a second time
   * in the one that holds; whoever calls writes it down. Where the file is as it was closed, nothing happens.
   */
  distrust(): void {
    const { log } = this;
    if (this.#file !== undefined) return;
    if (this.hasFile || this.#isThere()) {
      this.#isInDoubt = true;
      this.open(log);
      return;
    }
    const epoch = this.#context.runtime.randomId(EPOCH_LENGTH);
    log.history = new Lineage(withEpoch(log.lineage, epoch, log.head), log.partition);
  }

  /** {@link distrust} could not open the log, and nobody else has done it since. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  #isThere(): boolean {
    try {
      const file = this.#context.disk.open(this.#path);
      file?.close();
      return file !== undefined;
    } catch {
      // Whatever it is, opening the log finds out.
      return true;
    }
  }

  beforeAppend(log: PartitionLog): void {
    if (this.#latch !== undefined) throw this.#latch.error;
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

  beforeGrow(bytes: number): void {
    this.#context.checkRoom(bytes);
  }

  afterGrow(log: PartitionLog): void {
    this.#context.grew(log.storedBytes - this.#countedBytes);
    this.#countedBytes = log.storedBytes;
  }

  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void {
    this.#hooks.marked(log, mark, first, count);
  }

  get hasFile(): boolean {
    return this.#isMarkedOpen || this.log.storedBytes > 0;
  }

  begin(log: PartitionLog, state: LogState): void {
    if (this.#latch !== undefined) throw this.#latch.error;
    const { lineage, head, tail, headAddress, tailAddress, lastTimestamp } = log;
    // First the file, if an append that was refused has left one: with other epochs than the catalogue's it would be nobody's.
    this.discard();
    removeLogFile(this.#context.disk, this.#context.directory, log.topic, log.partition);
    this.#isMarkedOpen = false;
    this.#isWarm = false;
    log.isDirty = false;
    log.restore(state, new Lineage(state.lineage, log.partition));
    log.restart();
    this.afterGrow(log);
    this.#context.gone(this);
    try {
      this.#hooks.emptied(log);
    } catch (error) {
      // A record in these epochs would have a file that the catalogue knows nothing of.
      const before = { lineage, head, tail, headAddress, tailAddress, lastTimestamp };
      log.restore(before, new Lineage(lineage, log.partition));
      throw error;
    }
  }

  beforeEpoch(): void {
    const file = this.#file;
    try {
      // Rare enough to wait for: the copy that isn't written next is the only one that a power cut leaves whole.
      if (file?.isHeaderSynced === false) file.syncNow();
    } catch (cause) {
      throw this.#failed(UNSYNCED, cause, file?.syncedOffset ?? 0);
    }
  }

  lineageExtended(log: PartitionLog): void {
    this.#file?.writeHeader(log, "open");
    this.#hooks.lineageChanged();
  }

  health(log: PartitionLog, failure: Error | undefined): void {
    const { topic, partition } = log;
    if (failure instanceof DataLimitError) return;
    if (failure !== undefined) {
      if (log.failure === undefined) this.#context.onEvent({ type: "failed", topic, partition, error: failure });
      log.failure ??= failure;
      this.#context.failed(this);
    } else if (this.#latch === undefined && log.failure !== undefined) {
      log.failure = undefined;
      this.#context.onEvent({ type: "healthy", topic, partition });
    }
  }

  // ---- sync ----------------------------------------------------------------------------------------------------------

  synced(log: PartitionLog): Promise<void> {
    if (this.#latch !== undefined) return Promise.reject(this.#latch.error);
    const file = this.#file;
    const isSynced = file === undefined || (file.syncedAddress >= log.headAddress && !this.#isNameDirty);
    return isSynced ? Promise.resolve() : this.#groupSync.next();
  }

  async #sync(): Promise<void> {
    if (this.#latch !== undefined) throw this.#latch.error;
    const { log } = this;
    const { headAddress, head } = log;
    log.isDirty = false;
    const file = this.#file;
    const { runtime, onEvent } = this.#context;
    const startedMs = runtime.monotonicMs();
    try {
      await this.#syncName();
      await this.#context.catalogueSynced();
      if (this.#file === file) await file?.sync();
      // A copy has taken its place: it is on the device, its name may not be.
      else await this.#syncName();
    } catch (cause) {
      if (isExhausted(cause)) throw this.#postponed(cause);
      throw this.#failed(UNSYNCED, cause, file?.syncedOffset ?? 0);
    }
    // On the device, but nobody would find it at the next start.
    if (this.#file === file && file?.region.isNamed(this.#path) === false)
      throw this.#failed(REPLACED, undefined, file.syncedOffset);
    onEvent({ type: "synced", tookMs: runtime.monotonicMs() - startedMs });
    // Meanwhile a copy may have taken the place of the memory that was synced.
    if (file === undefined || this.#file !== file) return;
    file.noteSynced(headAddress, head);
    try {
      if (file.isOpen) file.writeHeader(log, "open");
    } catch (error) {
      // The older copy holds, which says of less that it is on the device.
      this.health(log, asUnavailable(error, this.#path));
    }
  }

  /** Nothing was asked of the device: the next sync asks it. */
  #postponed(cause: unknown): RingcastError {
    this.log.isDirty = true;
    this.#context.makeRoom();
    this.#context.dirtied(this);
    return asUnavailable(cause, this.#path);
  }

  /** Forces the file's name to the device, if it is new. */
  async #syncName(): Promise<void> {
    if (!this.#isNameDirty) return;
    this.#isNameDirty = false;
    try {
      await this.#context.disk.syncFolder(dirname(this.#path));
    } catch (error) {
      this.#isNameDirty = true;
      throw error;
    }
  }

  // ---- a failed sync -------------------------------------------------------------------------------------------------

  /**
   * Latches the log: the kernel reports a failed sync once and then forgets it, with the bytes. Nothing that the file says of the device is true any more.
   * @param what           has happened to the file
   * @param unverifiedFrom offset from which on records may be lost
   */
  #failed(what: string, cause: unknown, unverifiedFrom: number): RingcastError {
    const message = `${shown(this.#path)} ${what}; the log takes records again as soon as a copy of it is written.`;
    const error = new RingcastError("unavailable", message, { stored: "no" }, { cause });
    this.#latch = { error, unverifiedFrom };
    this.log.isDirty = false;
    this.#noteFailure();
    this.health(this.log, error);
    return error;
  }

  /** Where even that can't be written, the file still says that the log is open. */
  #noteFailure(): void {
    try {
      this.#file?.writeHeader(this.log, "failed");
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /**
   * Has a log whose storage failed take records again: asks once more for what was refused; takes a latched one up
   * again, if the device takes a copy of it. Writing the same pages once more would not do: ext4 then sends their
   * bytes, but goes on taking the blocks for never written, and they are zeros as soon as the page cache is gone.
   *
   * @returns whether there is nothing left to heal
   */
  async heal(): Promise<boolean> {
    await this.#copying;
    if (this.#latch === undefined) return await this.#retry();
    const healing = this.#heal();
    this.#copying = healing;
    try {
      return await healing;
    } finally {
      this.#copying = undefined;
    }
  }

  /** Whoever was refused may never come again: until somebody appends, nothing else would tell that it works. */
  async #retry(): Promise<boolean> {
    const { log } = this;
    await nextTurn(this.#context.runtime);
    if (log.failure === undefined || this.#isEnded) return true;
    try {
      log.retry();
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return false;
    }
    if (this.#latch === undefined) this.health(log, undefined);
    return this.#latch === undefined;
  }

  async #heal(): Promise<boolean> {
    try {
      await this.#copy(
        () => this.#isEnding(),
        (copy) => this.#healed(copy.damages),
      );
      return true;
    } catch {
      // The device fails as before, or there is no room: an event has told that the log is latched, and it stays so.
      return false;
    }
  }

  #healed(damages: readonly Damage[]): void {
    const { topic, partition } = this.log;
    const unverifiedFrom = this.#latch?.unverifiedFrom ?? 0;
    this.#latch = undefined;
    for (const damage of damages) {
      if (damage.from >= unverifiedFrom) this.#context.onEvent({ type: "corrupt", topic, partition, ...damage });
    }
    this.health(this.log, undefined);
  }

  // ---- copies --------------------------------------------------------------------------------------------------------

  resize(log: PartitionLog, capacityBytes: number): void {
    this.#wantedCapacityBytes = capacityBytes;
    if (this.#file === undefined) {
      // Without a file there is nothing to copy; with one, its next opening sees the difference.
      if (log.headAddress === 0 && !this.#isMarkedOpen) log.capacityBytes = capacityBytes;
      return;
    }
    if (log.capacityBytes !== capacityBytes) this.#copying ??= this.#resize();
  }

  async #resize(): Promise<void> {
    const { log } = this;
    try {
      await this.#copy(
        () => this.#isEnding() || this.#latch !== undefined,
        () => undefined,
      );
    } catch (error) {
      this.health(log, asUnavailable(error, resizePathOf(this.#path)));
    } finally {
      this.#copying = undefined;
    }
    if (this.#wantedCapacityBytes !== log.capacityBytes && log.failure === undefined) {
      this.resize(log, this.#wantedCapacityBytes);
    }
  }

  /** Puts a copy of the log in its place, in the capacity that is wanted. */
  #copy(isEnding: () => boolean, whenMoved: (copy: LogCopy) => void): Promise<void> {
    const path = resizePathOf(this.#path);
    return copyToCapacity({
      context: this.#context,
      log: this.log,
      path,
      capacityBytes: this.#wantedCapacityBytes,
      isEnding,
      takeOver: (file, copy) => {
        this.#moveTo(file, copy, path);
        whenMoved(copy);
      },
    });
  }

  #moveTo(file: FileHead, copy: LogCopy, path: string): void {
    const { log } = this;
    this.#hooks.moving();
    if (this.#file?.region.isNamed(this.#path) === false) this.#makeWay();
    this.#context.disk.rename(path, this.#path);
    this.#isNameDirty = true;
    this.#file = file;
    log.moveTo(file.region, copy, (changed) => file.publish(changed));
    this.afterGrow(log);
    log.isDirty = true;
    this.#context.dirtied(this);
  }

  #isEnding(): boolean {
    return this.#isRemoved || this.#isClosing || this.#file === undefined;
  }

  // ---- closing -------------------------------------------------------------------------------------------------------

  /** Lets the memory go, if all of it is synced; the log goes on by itself at its next use. @returns whether it did */
  letGo(): boolean {
    if (this.#file === undefined || this.#latch !== undefined) return false;
    if (this.log.isDirty || this.#groupSync.isRunning) return false;
    this.log.release();
    this.#file = undefined;
    this.#isWarm = true;
    return true;
  }

  /**
   * Closes the file of an idle log cleanly while the hub goes on. @returns whether the log could be let go: nobody used it meanwhile
   */
  async rest(): Promise<boolean> {
    if (!this.#isQuiet()) return false;
    // Without memory but used before: what is to be said of it is said in its file.
    if (this.#file === undefined && this.#isMarkedOpen) this.open(this.log);
    const file = this.#file;
    if (file?.isOpen === true) {
      try {
        file.writeHeader(this.log, "closed");
        await file.sync();
      } catch (cause) {
        this.#failed(UNSYNCED, cause, file.syncedOffset);
      }
    }
    return this.isResting;
  }

  /** Whether the log's file, if it has one, is closed cleanly and holds everything. */
  get isResting(): boolean {
    return this.#isQuiet() && (this.#file === undefined ? !this.#isMarkedOpen : !this.#file.isOpen);
  }

  #isQuiet(): boolean {
    if (this.log.failure !== undefined || this.#copying !== undefined || this.#isEnded) return false;
    return !this.log.isDirty && !this.#groupSync.isRunning;
  }

  /** Lets everything of a resting log go; who still has it can't open it any more. */
  retire(): void {
    this.#isRetired = true;
    this.discard();
    this.#context.gone(this);
  }

  /** Lets the file of a log without records go; head and epochs stay in the catalogue. @returns false when somebody used it meanwhile */
  async empty(): Promise<boolean> {
    const { log } = this;
    const { head, storedBytes } = log;
    if (storedBytes === 0 || head !== log.tail || this.#latch !== undefined || this.#copying !== undefined)
      return false;
    this.#hooks.emptied(log);
    // From now on the catalogue says that there is no file: the next append has to say otherwise first.
    this.#isMarkedOpen = false;
    log.isDirty = false;
    await this.#context.catalogueSynced();
    if (!this.#isStillEmpty(head)) return false;
    this.discard();
    log.restart();
    this.afterGrow(log);
    this.#isWarm = false;
    this.#context.gone(this);
    try {
      removeLogFile(this.#context.disk, this.#context.directory, log.topic, log.partition);
    } catch (error) {
      // What stays is taken up again by the next append.
      throw asUnavailable(error, this.#path);
    }
    return true;
  }

  #isStillEmpty(head: number): boolean {
    return this.log.head === head && !this.#isMarkedOpen && this.#copying === undefined && !this.#isEnded;
  }

  get #isEnded(): boolean {
    return this.#isRemoved || this.#isRetired || this.#isClosing;
  }

  /** Syncs and marks the log closed. @returns whether the catalogue may forget that it was open */
  async close(): Promise<boolean> {
    this.#isClosing = true;
    await this.#copying;
    if (this.#file === undefined && this.#isMarkedOpen && this.#isWarm) this.open(this.log);
    if (this.#file === undefined) return !this.#isMarkedOpen;
    try {
      await this.synced(this.log);
      if (this.#file.isOpen) {
        this.#file.writeHeader(this.log, "closed");
        await this.#file.sync();
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

  /** Lets the log go for good; its file is to be removed next. */
  remove(): void {
    this.#isRemoved = true;
    this.discard();
    this.#context.gone(this);
    this.#context.grew(-this.#countedBytes);
    this.#countedBytes = 0;
  }

  // ---- opening -------------------------------------------------------------------------------------------------------

  /** Where the system gives no more handles or mappings, others have to go: once. */
  #openWithRoom(log: PartitionLog): Region {
    try {
      return this.#open(log);
    } catch (error) {
      if (!isExhausted(error) || !this.#context.makeRoom()) throw error;
      return this.#open(log);
    }
  }

  #open(log: PartitionLog): Region {
    const startedMs = this.#context.runtime.monotonicMs();
    const found = findFile(this.#context, this.#path, log, this.hasFile || log.head > 0);
    if (found.kind === "unusable" || found.kind === "stranger") this.#setAside(found.reason);
    if (found.kind === "unusable" || (this.#isInDoubt && found.kind !== "file")) this.#isLost = true;
    if (found.kind !== "file") return this.#create(log);
    const file = useFile(this.#context, found);
    const { header, words } = found.head;
    const isSame = this.#isWarm && words !== undefined && words.headAddress === log.headAddress;
    // Touching what can't be read kills the process: at each start again, and with it every other log.
    if ((!isSame || !file.region.isLoaded) && !file.region.populate()) {
      file.region.close();
      this.#setAside(UNREADABLE);
      this.#isLost = true;
      return this.#create(log);
    }
    log.capacityBytes = header.capacityBytes;
    this.#attach(log, file);
    if (!isSame) {
      recoverLog({ log, file, found: found.head, context: this.#context, hooks: this.#hooks, startedMs });
      // The page cache is as the process before left it: right, but not to be brought to the device from here.
      if (header.state === "failed" && header.bootId === this.#context.bootId) {
        this.#failed(UNSYNCED, new Error("A sync failed before the hub was started."), log.head);
      }
    }
    if (header.capacityBytes !== this.#wantedCapacityBytes) this.#copying ??= this.#resize();
    return file.region;
  }

  /** What somebody has put in the place of the log's file isn't ours to overwrite. */
  #makeWay(): void {
    try {
      this.#setAside("It came into the place of a file that the hub had open.");
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  #setAside(reason: string): void {
    const { topic, partition } = this.log;
    const file = `${this.#path}.aside-${this.#context.runtime.randomId(6)}`;
    this.#context.disk.rename(this.#path, file);
    this.#context.onEvent({ type: "set-aside", topic, partition, file, reason });
  }

  /** Makes the file beside its place and moves it there when it is whole. */
  #create(log: PartitionLog): Region {
    // The file should be there: what it held is gone, and its offsets must not be given again in the same epoch.
    if (!this.#isLost && (this.#isMarkedOpen || log.head > log.tail)) {
      this.#isLost = true;
      this.#context.onEvent({ type: "missing", topic: log.topic, partition: log.partition, file: this.#path });
    }
    this.#context.checkRoom(FILE_HEADER_BYTES + Math.min(FIRST_ALLOCATION_BYTES, log.capacityBytes));
    const file = createFile(this.#context, newPathOf(this.#path), log.capacityBytes);
    try {
      // Before the file: one of an epoch that the catalogue doesn't know would be nobody's at the next start.
      if (this.#isLost) this.#beginAnew(log);
      file.noteSynced(log.headAddress, log.head);
      file.writeAll(log, "open");
      this.#context.disk.rename(newPathOf(this.#path), this.#path);
      // Behind the file: a mark without one would say that records are lost.
      if (!this.#isMarkedOpen) this.#context.markOpen(log);
    } catch (error) {
      file.region.close();
      throw error;
    }
    this.#isMarkedOpen = true;
    this.#attach(log, file);
    this.#isNameDirty = true;
    return file.region;
  }

  #beginAnew(log: PartitionLog): void {
    const epoch = this.#context.runtime.randomId(EPOCH_LENGTH);
    const lineage = [{ epoch, first: 0 }];
    log.restore(
      { lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: log.lastTimestamp },
      new Lineage(lineage, log.partition),
    );
    this.#hooks.lineageChanged();
  }

  #attach(log: PartitionLog, file: FileHead): void {
    this.#file = file;
    this.#isWarm = false;
    this.#isLost = false;
    this.#isInDoubt = false;
    this.#isUnread = false;
    log.attach(file.region, (changed) => file.publish(changed));
    this.afterGrow(log);
    this.#context.opened(this);
  }
}
