import type { FileCopying } from "./file-copying.js";
import type { FileOpening } from "./file-opening.js";
import { type FileSyncing, UNSYNCED } from "./file-syncing.js";
import type { KeptFile } from "./kept-file.js";
import { asUnavailable, removeLogFile } from "./log-files.js";

interface FileActivities {
  readonly opening: FileOpening;
  readonly syncing: FileSyncing;
  readonly copying: FileCopying;
}

/** Lets one log go: its memory, its file while nobody uses it, all of it at the end or for good. */
export class FileClosing {
  readonly #kept: KeptFile;
  readonly #opening: FileOpening;
  readonly #syncing: FileSyncing;
  readonly #copying: FileCopying;

  constructor(kept: KeptFile, { opening, syncing, copying }: FileActivities) {
    this.#kept = kept;
    this.#opening = opening;
    this.#syncing = syncing;
    this.#copying = copying;
  }

  /** Lets the memory go, if all of it is synced; the log goes on by itself at its next use. @returns whether it did */
  letGo(): boolean {
    const kept = this.#kept;
    if (kept.file === undefined || kept.latch !== undefined) return false;
    if (kept.log.isDirty || this.#syncing.isRunning) return false;
    kept.discard();
    kept.isWarm = true;
    return true;
  }

  /**
   * Closes the file of an idle log cleanly while the hub goes on. @returns whether the log could be let go: nobody used it meanwhile
   */
  async rest(): Promise<boolean> {
    const kept = this.#kept;
    if (!this.#isQuiet()) return false;
    // Without memory but used before: what is to be said of it is said in its file.
    if (kept.file === undefined && kept.isMarkedOpen) this.#opening.open();
    const file = kept.file;
    if (file?.isOpen === true) {
      try {
        file.writeHeader(kept.log, "closed");
        await file.sync();
      } catch (cause) {
        this.#syncing.failed(UNSYNCED, cause, file.syncedOffset);
      }
    }
    return this.isResting;
  }

  /** Whether the log's file, if it has one, is closed cleanly and holds everything. */
  get isResting(): boolean {
    const { file, isMarkedOpen } = this.#kept;
    return this.#isQuiet() && (file === undefined ? !isMarkedOpen : !file.isOpen);
  }

  #isQuiet(): boolean {
    const { log, isEnded } = this.#kept;
    if (log.failure !== undefined || this.#copying.isRunning || isEnded) return false;
    return !log.isDirty && !this.#syncing.isRunning;
  }

  /** Lets everything of a resting log go; who still has it can't open it any more. */
  retire(): void {
    this.#kept.isRetired = true;
    this.#kept.discard();
    this.#kept.gone();
  }

  /** Lets the file of a log without records go; head and epochs stay in the catalogue. @returns false when somebody used it meanwhile */
  async empty(): Promise<boolean> {
    const kept = this.#kept;
    const { log, context } = kept;
    const { head, storedBytes } = log;
    if (storedBytes === 0 || head !== log.tail || kept.latch !== undefined || this.#copying.isRunning) return false;
    kept.hooks.emptied(log);
    // From now on the catalogue says that there is no file: the next append has to say otherwise first.
    kept.isMarkedOpen = false;
    log.isDirty = false;
    await context.catalogueSynced();
    if (!this.#isStillEmpty(head)) return false;
    kept.discard();
    log.restart();
    kept.grown();
    kept.isWarm = false;
    kept.gone();
    try {
      removeLogFile(context.disk, context.directory, log.topic, log.partition);
    } catch (error) {
      // What stays is taken up again by the next append.
      throw asUnavailable(error, kept.path);
    }
    return true;
  }

  #isStillEmpty(head: number): boolean {
    const { log, isMarkedOpen, isEnded } = this.#kept;
    return log.head === head && !isMarkedOpen && !this.#copying.isRunning && !isEnded;
  }

  /** Syncs and marks the log closed. @returns whether the catalogue may forget that it was open */
  async close(): Promise<boolean> {
    const kept = this.#kept;
    kept.isClosing = true;
    await this.#copying.ended();
    if (kept.file === undefined && kept.isMarkedOpen && kept.isWarm) this.#opening.open();
    if (kept.file === undefined) return !kept.isMarkedOpen;
    try {
      await this.#syncing.synced();
      if (kept.file.isOpen) {
        kept.file.writeHeader(kept.log, "closed");
        await kept.file.sync();
      }
      return kept.latch === undefined;
    } catch {
      // Latched, and said so by an event: the next start verifies the log.
      return false;
    } finally {
      kept.discard();
    }
  }

  /** Lets the log go for good; its file is to be removed next. */
  remove(): void {
    const kept = this.#kept;
    kept.isRemoved = true;
    kept.discard();
    kept.gone();
    kept.uncounted();
  }
}
