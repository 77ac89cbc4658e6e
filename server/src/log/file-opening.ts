import { RingcastError } from "@ringcast/protocol";
import { isExhausted } from "./disk/index.js";
import type { FileCopying } from "./file-copying.js";
import { FILE_HEADER_BYTES } from "./file-header.js";
import { type FileSyncing, UNSYNCED } from "./file-syncing.js";
import type { KeptFile } from "./kept-file.js";
import { EPOCH_LENGTH, Lineage, withEpoch } from "./lineage.js";
import { asUnavailable, newPathOf } from "./log-files.js";
import { FIRST_ALLOCATION_BYTES } from "./log-keeper.js";
import { createFile, findFile, useFile, UNREADABLE } from "./open-file.js";
import { recoverLog } from "./recover-log.js";
import type { Region } from "./region/index.js";

/** How long a log that couldn't be opened is left alone. */
const RETRY_MS = 1_000;

/** Brings one log's file into use: finds or makes it, and recovers what it holds. */
export class FileOpening {
  readonly #kept: KeptFile;
  readonly #syncing: FileSyncing;
  readonly #copying: FileCopying;
  #failure: { readonly error: RingcastError; readonly untilMs: number } | undefined;

  constructor(kept: KeptFile, syncing: FileSyncing, copying: FileCopying) {
    this.#kept = kept;
    this.#syncing = syncing;
    this.#copying = copying;
  }

  /** @throws RingcastError `unavailable` */
  open(): Region {
    const kept = this.#kept;
    const { runtime } = kept.context;
    const failed = this.#failure;
    if (kept.isRetired) throw new RingcastError("unavailable", "The log was let go: ask for its topic again.");
    if (kept.isRemoved) throw new RingcastError("unavailable", "The topic was deleted.", { stored: "no" });
    if (failed !== undefined && runtime.monotonicMs() < failed.untilMs) throw failed.error;
    try {
      const region = this.#openWithRoom();
      this.#failure = undefined;
      return region;
    } catch (cause) {
      const error = asUnavailable(cause, kept.path);
      this.#failure = { error, untilMs: runtime.monotonicMs() + RETRY_MS };
      kept.health(error);
      throw error;
    }
  }

  /** Opens a log of which only its file tells where it stands; may throw `unavailable`. */
  ensureKnown(): void {
    if (this.#kept.isUnread || this.#kept.isInDoubt) this.open();
  }

  /**
   * Verifies a log of which a power cut may have taken records, and everything that told of them: begins an epoch, so that no offset is given a second time
   * in the one that holds; whoever calls writes it down. Where the file is as it was closed, nothing happens.
   */
  distrust(): void {
    const kept = this.#kept;
    const { log } = kept;
    if (kept.file !== undefined) return;
    if (kept.hasFile || this.#isThere()) {
      kept.isInDoubt = true;
      this.open();
      return;
    }
    const epoch = kept.context.runtime.randomId(EPOCH_LENGTH);
    log.history = new Lineage(withEpoch(log.lineage, epoch, log.head), log.partition);
  }

  #isThere(): boolean {
    try {
      const file = this.#kept.context.disk.open(this.#kept.path);
      file?.close();
      return file !== undefined;
    } catch {
      // Whatever it is, opening the log finds out.
      return true;
    }
  }

  /** Where the system gives no more handles or mappings, others have to go: once. */
  #openWithRoom(): Region {
    try {
      return this.#open();
    } catch (error) {
      if (!isExhausted(error) || !this.#kept.context.makeRoom()) throw error;
      return this.#open();
    }
  }

  #open(): Region {
    const kept = this.#kept;
    const { log, context, hooks } = kept;
    const startedMs = context.runtime.monotonicMs();
    const found = findFile(context, kept.path, log, kept.hasFile || log.head > 0);
    if (found.kind === "unusable" || found.kind === "stranger") kept.setAside(found.reason);
    if (found.kind === "unusable" || (kept.isInDoubt && found.kind !== "file")) kept.isLost = true;
    if (found.kind !== "file") return this.#create();
    const file = useFile(context, found);
    const { header, words } = found.head;
    const isSame = kept.isWarm && words !== undefined && words.headAddress === log.headAddress;
    // Touching what can't be read kills the process: at each start again, and with it every other log.
    if ((!isSame || !file.region.isLoaded) && !file.region.populate()) {
      file.region.close();
      kept.setAside(UNREADABLE);
      kept.isLost = true;
      return this.#create();
    }
    log.capacityBytes = header.capacityBytes;
    kept.attach(file);
    if (!isSame) {
      recoverLog({ log, file, found: found.head, context, hooks, startedMs });
      // The page cache is as the process before left it: right, but not to be brought to the device from here.
      if (header.state === "failed" && header.bootId === context.bootId) {
        this.#syncing.failed(UNSYNCED, new Error("A sync failed before the hub was started."), log.head);
      }
    }
    this.#copying.resizeFrom(header.capacityBytes);
    return file.region;
  }

  /** Makes the file beside its place and moves it there when it is whole. */
  #create(): Region {
    const kept = this.#kept;
    const { log, context, path } = kept;
    // The file should be there: what it held is gone, and its offsets must not be given again in the same epoch.
    if (!kept.isLost && (kept.isMarkedOpen || log.head > log.tail)) {
      kept.isLost = true;
      context.onEvent({ type: "missing", topic: log.topic, partition: log.partition, file: path });
    }
    context.checkRoom(FILE_HEADER_BYTES + Math.min(FIRST_ALLOCATION_BYTES, log.capacityBytes));
    const file = createFile(context, newPathOf(path), log.capacityBytes);
    try {
      // Before the file: one of an epoch that the catalogue doesn't know would be nobody's at the next start.
      if (kept.isLost) this.#beginAnew();
      file.noteSynced(log.headAddress, log.head);
      file.writeAll(log, "open");
      context.disk.rename(newPathOf(path), path);
      // Behind the file: a mark without one would say that records are lost.
      if (!kept.isMarkedOpen) context.markOpen(log);
    } catch (error) {
      file.region.close();
      throw error;
    }
    kept.isMarkedOpen = true;
    kept.attach(file);
    kept.isNameDirty = true;
    return file.region;
  }

  #beginAnew(): void {
    const { log, context, hooks } = this.#kept;
    const epoch = context.runtime.randomId(EPOCH_LENGTH);
    const lineage = [{ epoch, first: 0 }];
    log.restore(
      { lineage, head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: log.lastTimestamp },
      new Lineage(lineage, log.partition),
    );
    hooks.lineageChanged();
  }
}
