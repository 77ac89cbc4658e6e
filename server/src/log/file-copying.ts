import { RingcastError } from "@ringcast/protocol";
import type { FileHead } from "./file-head.js";
import type { KeptFile } from "./kept-file.js";
import type { LogCopy } from "./log-copy.js";
import { asUnavailable, resizePathOf } from "./log-files.js";
import { nextTurn } from "./next-turn.js";
import type { Damage } from "./recovery.js";
import { copyToCapacity } from "./resizing.js";
import { retryRefused } from "./room.js";

/** Puts copies in the place of one log's file: one of another capacity, or one that the device takes after a failed sync. */
export class FileCopying {
  readonly #kept: KeptFile;
  #wantedCapacityBytes: number;
  /** A copy that is being made of the log. */
  #copying: Promise<unknown> | undefined;

  constructor(kept: KeptFile) {
    this.#kept = kept;
    this.#wantedCapacityBytes = kept.log.capacityBytes;
  }

  get isRunning(): boolean {
    return this.#copying !== undefined;
  }

  /** Resolves when no copy is being made any more. */
  async ended(): Promise<void> {
    await this.#copying;
  }

  // ---- another capacity ------------------------------------------------------------------------------------------------

  /** Brings the ring to another capacity in the background. */
  resize(capacityBytes: number): void {
    const { file, log, isMarkedOpen } = this.#kept;
    this.#wantedCapacityBytes = capacityBytes;
    if (file === undefined) {
      // Without a file there is nothing to copy; with one, its next opening sees the difference.
      if (log.headAddress === 0 && !isMarkedOpen) log.capacityBytes = capacityBytes;
      return;
    }
    if (log.capacityBytes !== capacityBytes) this.#copying ??= this.#resize();
  }

  /** Goes on with a change of capacity that a file of another one shows when it is opened. */
  resizeFrom(capacityBytes: number): void {
    if (capacityBytes !== this.#wantedCapacityBytes) this.#copying ??= this.#resize();
  }

  async #resize(): Promise<void> {
    const kept = this.#kept;
    const { log } = kept;
    try {
      await this.#copy(
        () => this.#isEnding() || kept.latch !== undefined,
        () => undefined,
      );
    } catch (error) {
      kept.health(asUnavailable(error, resizePathOf(kept.path)));
    } finally {
      this.#copying = undefined;
    }
    if (this.#wantedCapacityBytes !== log.capacityBytes && log.failure === undefined) {
      this.resize(this.#wantedCapacityBytes);
    }
  }

  // ---- healing -----------------------------------------------------------------------------------------------------------

  /**
   * Has a log whose storage failed take records again: asks once more for what was refused; takes a latched one up
   * again, if the device takes a copy of it. Writing the same pages once more would not do: ext4 then sends their
   * bytes, but goes on taking the blocks for never written, and they are zeros as soon as the page cache is gone.
   *
   * @returns whether there is nothing left to heal
   */
  async heal(): Promise<boolean> {
    await this.#copying;
    if (this.#kept.latch === undefined) return await this.#retry();
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
    const kept = this.#kept;
    await nextTurn(kept.context.runtime);
    if (kept.log.failure === undefined || kept.isEnded) return true;
    try {
      retryRefused(kept.log);
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return false;
    }
    if (kept.latch === undefined) kept.health(undefined);
    return kept.latch === undefined;
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
    const kept = this.#kept;
    const { topic, partition } = kept.log;
    const unverifiedFrom = kept.latch?.unverifiedFrom ?? 0;
    kept.latch = undefined;
    for (const damage of damages) {
      if (damage.from >= unverifiedFrom) kept.context.onEvent({ type: "corrupt", topic, partition, ...damage });
    }
    kept.health(undefined);
  }

  // ---- both --------------------------------------------------------------------------------------------------------------

  /** Puts a copy of the log in its place, in the capacity that is wanted. */
  #copy(isEnding: () => boolean, whenMoved: (copy: LogCopy) => void): Promise<void> {
    const { context, log, path: ownPath } = this.#kept;
    const path = resizePathOf(ownPath);
    return copyToCapacity({
      context,
      log,
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
    const kept = this.#kept;
    // Nobody asks again before the next append: the log is dirty from here on.
    kept.markOpen();
    kept.hooks.moving();
    if (kept.file?.region.isNamed(kept.path) === false) kept.makeWay();
    kept.context.disk.rename(path, kept.path);
    kept.isNameDirty = true;
    kept.file = file;
    kept.log.moveTo(file.region, copy, (changed) => file.publish(changed));
    kept.grown();
    kept.dirtied();
  }

  #isEnding(): boolean {
    return this.#kept.isRemoved || this.#kept.isClosing || this.#kept.file === undefined;
  }
}
