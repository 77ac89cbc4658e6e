import type { BlockCache } from "./block-cache.js";
import { FileClosing } from "./file-closing.js";
import { FileCopying } from "./file-copying.js";
import { FileOpening } from "./file-opening.js";
import { FileSyncing, UNSYNCED } from "./file-syncing.js";
import { KeptFile, type KeptFileOptions } from "./kept-file.js";
import { Lineage } from "./lineage.js";
import { removeLogFile } from "./log-files.js";
import type { LogKeeper, LogPlace, LogState } from "./log-keeper.js";
import type { ProducerMark } from "./port.js";
import type { Region } from "./region/index.js";
import type { PartitionLog } from "./ring-log.js";

/**
 * Keeps one log in its file. What happens to the file by and by has a place of its own ({@link FileOpening}, {@link FileSyncing}, {@link FileCopying},
 * {@link FileClosing}); here is what a log tells and asks while records come and go.
 */
export class FileKeeper implements LogKeeper {
  readonly log: PartitionLog;
  readonly #kept: KeptFile;
  readonly #syncing: FileSyncing;
  readonly #copying: FileCopying;
  readonly #opening: FileOpening;
  readonly #closing: FileClosing;

  /** @param options `wasOpen`: the process before this one left the log open */
  constructor(makeLog: (keeper: LogKeeper) => PartitionLog, options: KeptFileOptions) {
    this.log = makeLog(this);
    this.#kept = new KeptFile(this, options);
    this.#syncing = new FileSyncing(this.#kept);
    this.#copying = new FileCopying(this.#kept);
    this.#opening = new FileOpening(this.#kept, this.#syncing, this.#copying);
    const activities = { opening: this.#opening, syncing: this.#syncing, copying: this.#copying };
    this.#closing = new FileClosing(this.#kept, activities);
  }

  get blocks(): BlockCache {
    return this.#kept.context.blocks;
  }

  /** Whether the next start opens the log by itself. */
  get isMarkedOpen(): boolean {
    return this.#kept.isMarkedOpen;
  }

  get hasFile(): boolean {
    return this.#kept.hasFile;
  }

  // ---- opening -------------------------------------------------------------------------------------------------------

  open(): Region {
    return this.#opening.open();
  }

  ensureKnown(): void {
    this.#opening.ensureKnown();
  }

  /** See {@link FileOpening.distrust}. */
  distrust(): void {
    this.#opening.distrust();
  }

  /** {@link distrust} could not open the log, and nobody else has done it since. */
  get isInDoubt(): boolean {
    return this.#kept.isInDoubt;
  }

  // ---- records come and go -------------------------------------------------------------------------------------------

  beforeAppend(log: PartitionLog): void {
    const kept = this.#kept;
    if (kept.latch !== undefined) throw kept.latch.error;
    kept.markOpen();
    if (kept.file?.isOpen === false) kept.file.writeHeader(log, "open");
    kept.dirtied();
  }

  beforeTrim(log: PartitionLog, tailAddress: number): void {
    this.#kept.hooks.trimming(log, tailAddress);
  }

  beforeGrow(bytes: number): void {
    this.#kept.context.checkRoom(bytes);
  }

  afterGrow(): void {
    this.#kept.grown();
  }

  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void {
    this.#kept.hooks.marked(log, mark, first, count);
  }

  health(_log: PartitionLog, failure: Error | undefined): void {
    this.#kept.health(failure);
  }

  // ---- epochs --------------------------------------------------------------------------------------------------------

  begin(log: PartitionLog, state: LogState): void {
    const kept = this.#kept;
    const { context, hooks } = kept;
    if (kept.latch !== undefined) throw kept.latch.error;
    const { lineage, head, tail, headAddress, tailAddress, lastTimestamp } = log;
    // First the file, if an append that was refused has left one: with other epochs than the catalogue's it would be nobody's.
    kept.discard();
    removeLogFile(context.disk, context.directory, log.topic, log.partition);
    kept.isMarkedOpen = false;
    kept.isWarm = false;
    log.isDirty = false;
    log.restore(state, new Lineage(state.lineage, log.partition));
    log.restart();
    kept.grown();
    kept.gone();
    try {
      hooks.emptied(log);
    } catch (error) {
      // A record in these epochs would have a file that the catalogue knows nothing of.
      const before = { lineage, head, tail, headAddress, tailAddress, lastTimestamp };
      log.restore(before, new Lineage(lineage, log.partition));
      throw error;
    }
  }

  beforeEpoch(): void {
    const { file } = this.#kept;
    try {
      // Rare enough to wait for: the copy that isn't written next is the only one that a power cut leaves whole.
      if (file?.isHeaderSynced === false) file.syncNow();
    } catch (cause) {
      throw this.#syncing.failed(UNSYNCED, cause, file?.syncedOffset ?? 0);
    }
  }

  lineageExtended(log: PartitionLog): void {
    this.#kept.file?.writeHeader(log, "open");
    this.#kept.hooks.lineageChanged();
  }

  // ---- device and capacity -------------------------------------------------------------------------------------------

  synced(): Promise<void> {
    return this.#syncing.synced();
  }

  /** See {@link FileCopying.heal}. */
  heal(): Promise<boolean> {
    return this.#copying.heal();
  }

  resize(_log: PartitionLog, capacityBytes: number): void {
    this.#copying.resize(capacityBytes);
  }

  // ---- letting go, see {@link FileClosing} ---------------------------------------------------------------------------

  letGo(): boolean {
    return this.#closing.letGo();
  }

  rest(): Promise<boolean> {
    return this.#closing.rest();
  }

  get isResting(): boolean {
    return this.#closing.isResting;
  }

  retire(): void {
    this.#closing.retire();
  }

  empty(): Promise<boolean> {
    return this.#closing.empty();
  }

  close(): Promise<boolean> {
    return this.#closing.close();
  }

  remove(): void {
    this.#closing.remove();
  }
}
