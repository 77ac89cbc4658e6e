import { join } from "node:path";
import type { RingcastError } from "@ringcast/protocol";
import { DataLimitError } from "./data-limit.js";
import { codeOf } from "./disk/index.js";
import type { FileContext, TopicHooks } from "./file-context.js";
import type { FileHead } from "./file-head.js";
import type { FileKeeper } from "./file-keeper.js";
import { fileNameOf } from "./file-name.js";
import type { PartitionLog } from "./ring-log.js";

/** A failed sync that isn't made good yet: nothing is appended, no sync is acknowledged, and the memory isn't let go. */
export interface Latch {
  readonly error: RingcastError;
  /** Records from this offset on may be lost, and nobody was told yet. */
  readonly unverifiedFrom: number;
}

export interface KeptFileOptions {
  readonly context: FileContext;
  readonly hooks: TopicHooks;
  /** The process before this one left the log open. */
  readonly wasOpen: boolean;
}

/** One log with its file: what those who open, sync, copy and close it know in common. */
export class KeptFile {
  readonly log: PartitionLog;
  readonly context: FileContext;
  readonly hooks: TopicHooks;
  readonly path: string;
  /** In use; undefined while the log has no memory. */
  file: FileHead | undefined;
  /** Whether the catalogue knows that the log is open. */
  isMarkedOpen: boolean;
  /** Whether head, tail and index are right although the memory was let go. */
  isWarm = false;
  /** Whether the directory has to be synced for the file to be found after a power cut. */
  isNameDirty = false;
  /** The process before left it open, and it was not opened since: what the catalogue says of it is of some time before. */
  isUnread: boolean;
  /** The file is gone or was set aside, with whatever it held. */
  isLost = false;
  /** A power cut may have taken a file of which nothing tells. */
  isInDoubt = false;
  isRemoved = false;
  /** Another object stands for the log from now on, or will. */
  isRetired = false;
  isClosing = false;
  latch: Latch | undefined;
  readonly #keeper: FileKeeper;
  /** Bytes of the file as the store knows them. */
  #countedBytes: number;

  constructor(keeper: FileKeeper, { context, hooks, wasOpen }: KeptFileOptions) {
    const { log } = keeper;
    this.#keeper = keeper;
    this.log = log;
    this.context = context;
    this.hooks = hooks;
    this.#countedBytes = log.storedBytes;
    this.isMarkedOpen = wasOpen;
    this.isUnread = wasOpen;
    this.path = join(context.directory, fileNameOf(log.topic, log.partition));
  }

  /** Whether there is storage that may hold records, be it that nobody could open it yet. */
  get hasFile(): boolean {
    return this.isMarkedOpen || this.log.storedBytes > 0;
  }

  get isEnded(): boolean {
    return this.isRemoved || this.isRetired || this.isClosing;
  }

  /** Takes a file into use, with all that it says of the log. */
  attach(file: FileHead): void {
    const { log } = this;
    this.file = file;
    this.isWarm = false;
    this.isLost = false;
    this.isInDoubt = false;
    this.isUnread = false;
    log.attach(file.region, (changed) => file.publish(changed));
    this.grown();
    this.context.opened(this.#keeper);
  }

  /** Lets the memory go without a word to the file. */
  discard(): void {
    this.log.release();
    this.file = undefined;
  }

  /** Has the next start open the log by itself, whatever happens to the process. @throws RingcastError `unavailable` */
  markOpen(): void {
    if (this.isMarkedOpen) return;
    this.context.markOpen(this.log);
    this.isMarkedOpen = true;
  }

  /** Has the log synced soon. */
  dirtied(): void {
    this.log.isDirty = true;
    this.context.dirtied(this.#keeper);
  }

  /** The log has neither memory nor anything to be synced any more. */
  gone(): void {
    this.context.gone(this.#keeper);
  }

  /** Has the store count what the file takes now. */
  grown(): void {
    const { storedBytes } = this.log;
    this.context.grew(storedBytes - this.#countedBytes);
    this.#countedBytes = storedBytes;
  }

  /** Has the store forget the file's bytes: it is to be removed next. */
  uncounted(): void {
    this.context.grew(-this.#countedBytes);
    this.#countedBytes = 0;
  }

  /** Storage refused, or is well again (undefined). */
  health(failure: Error | undefined): void {
    const { log } = this;
    const { topic, partition } = log;
    if (failure instanceof DataLimitError) return;
    if (failure !== undefined) {
      if (log.failure === undefined) this.context.onEvent({ type: "failed", topic, partition, error: failure });
      log.failure ??= failure;
      this.context.failed(this.#keeper);
    } else if (this.latch === undefined && log.failure !== undefined) {
      log.failure = undefined;
      this.context.onEvent({ type: "healthy", topic, partition });
    }
  }

  /** What somebody has put in the place of the log's file isn't ours to overwrite. */
  makeWay(): void {
    try {
      this.setAside("It came into the place of a file that the hub had open.");
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  /** Moves what stands in the file's place to another name, and says so. */
  setAside(reason: string): void {
    const { topic, partition } = this.log;
    const file = `${this.path}.aside-${this.context.runtime.randomId(6)}`;
    this.context.disk.rename(this.path, file);
    this.context.onEvent({ type: "set-aside", topic, partition, file, reason });
  }
}
