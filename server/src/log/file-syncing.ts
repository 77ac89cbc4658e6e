import { dirname } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import { isExhausted } from "./disk/index.js";
import { GroupSync } from "./group-sync.js";
import type { KeptFile } from "./kept-file.js";
import { asUnavailable } from "./log-files.js";

/** What may happen to a log's file, so that it is latched. */
export const UNSYNCED = "could not be brought to the storage device: check the disk";
const REPLACED = "was removed, renamed or replaced while the hub had it open";

/** Brings one log to the storage device, and latches it where the device fails. */
export class FileSyncing {
  readonly #kept: KeptFile;
  readonly #groupSync = new GroupSync(() => this.#sync());

  constructor(kept: KeptFile) {
    this.#kept = kept;
  }

  get isRunning(): boolean {
    return this.#groupSync.isRunning;
  }

  /** Resolves when what was appended so far is on the storage device. */
  synced(): Promise<void> {
    const { latch, file, log, isNameDirty } = this.#kept;
    if (latch !== undefined) return Promise.reject(latch.error);
    const isSynced = file === undefined || (file.syncedAddress >= log.headAddress && !isNameDirty);
    return isSynced ? Promise.resolve() : this.#groupSync.next();
  }

  async #sync(): Promise<void> {
    const kept = this.#kept;
    if (kept.latch !== undefined) throw kept.latch.error;
    const { log, file } = kept;
    const { headAddress, head } = log;
    log.isDirty = false;
    const { runtime, onEvent, catalogueSynced } = kept.context;
    const startedMs = runtime.monotonicMs();
    try {
      await this.#syncName();
      await catalogueSynced();
      if (kept.file === file) await file?.sync();
      // A copy has taken its place: it is on the device, its name may not be.
      else await this.#syncName();
    } catch (cause) {
      if (isExhausted(cause)) throw this.#postponed(cause);
      throw this.failed(UNSYNCED, cause, file?.syncedOffset ?? 0);
    }
    // On the device, but nobody would find it at the next start.
    if (kept.file === file && file?.region.isNamed(kept.path) === false)
      throw this.failed(REPLACED, undefined, file.syncedOffset);
    onEvent({ type: "synced", tookMs: runtime.monotonicMs() - startedMs });
    // Meanwhile a copy may have taken the place of the memory that was synced.
    if (file === undefined || kept.file !== file) return;
    file.noteSynced(headAddress, head);
    try {
      if (file.isOpen) file.writeHeader(log, "open");
    } catch (error) {
      // The older copy holds, which says of less that it is on the device.
      kept.health(asUnavailable(error, kept.path));
    }
  }

  /** Nothing was asked of the device: the next sync asks it. */
  #postponed(cause: unknown): RingcastError {
    const kept = this.#kept;
    kept.log.isDirty = true;
    kept.context.makeRoom();
    kept.dirtied();
    return asUnavailable(cause, kept.path);
  }

  /** Forces the file's name to the device, if it is new. */
  async #syncName(): Promise<void> {
    const kept = this.#kept;
    if (!kept.isNameDirty) return;
    kept.isNameDirty = false;
    try {
      await kept.context.disk.syncFolder(dirname(kept.path));
    } catch (error) {
      kept.isNameDirty = true;
      throw error;
    }
  }

  /**
   * Latches the log: the kernel reports a failed sync once and then forgets it, with the bytes. Nothing that the file says of the device is true any more.
   * @param what           has happened to the file
   * @param unverifiedFrom offset from which on records may be lost
   */
  failed(what: string, cause: unknown, unverifiedFrom: number): RingcastError {
    const kept = this.#kept;
    const message = `${shown(kept.path)} ${what}; the log takes records again as soon as a copy of it is written.`;
    const error = new RingcastError("unavailable", message, { stored: "no" }, { cause });
    kept.latch = { error, unverifiedFrom };
    kept.log.isDirty = false;
    this.#noteFailure();
    kept.health(error);
    return error;
  }

  /** Where even that can't be written, the file still says that the log is open. */
  #noteFailure(): void {
    try {
      this.#kept.file?.writeHeader(this.#kept.log, "failed");
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }
}
