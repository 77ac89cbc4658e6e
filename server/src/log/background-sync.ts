import type { Runtime, Timer } from "../runtime/port.js";
import type { Catalogue } from "./catalogue/catalogue.js";
import type { FileKeeper } from "./file-keeper.js";

/** Syncs under way at once; more only wait in Node's thread pool, where others want to get in, too. */
const SYNCS_AT_ONCE = 2;

export interface BackgroundSyncOptions {
  readonly runtime: Runtime;
  readonly catalogue: Catalogue;
  /** Longest time that something stays unsynced, milliseconds. */
  readonly intervalMs: number;
  /** Called behind each round. */
  readonly whenSynced: () => void;
}

/** Brings to the device what nobody waits for: logs and catalogue, in rounds. */
export class BackgroundSync {
  readonly #options: BackgroundSyncOptions;
  readonly #dirty = new Set<FileKeeper>();
  /** Topics were made, changed or deleted since the catalogue was brought to the device. */
  #isCatalogueDirty = false;
  #timer: Timer | undefined;
  #isRunning = false;
  #isClosed = false;

  constructor(options: BackgroundSyncOptions) {
    this.#options = options;
  }

  /** A log has something that isn't synced. */
  dirtied(keeper: FileKeeper): void {
    this.#dirty.add(keeper);
    this.#soon();
  }

  /** A topic without records is on the device as soon as one with them. */
  catalogueChanged(): void {
    this.#isCatalogueDirty = true;
    this.#soon();
  }

  /** A log has nothing to be synced any more. */
  delete(keeper: FileKeeper): void {
    this.#dirty.delete(keeper);
  }

  /** Begins no round any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #soon(): void {
    if (this.#timer !== undefined || this.#isRunning || this.#isClosed) return;
    this.#timer = this.#options.runtime.setTimer(this.#options.intervalMs, () => void this.#syncAll());
  }

  /** Syncs what is dirty. A failure latches its log and is told by an event, so nothing is thrown here. */
  async #syncAll(): Promise<void> {
    this.#timer = undefined;
    this.#isRunning = true;
    const backlog = [...this.#dirty];
    this.#dirty.clear();
    const work = async (): Promise<void> => {
      for (let keeper = backlog.pop(); keeper !== undefined; keeper = backlog.pop()) {
        await keeper.synced().catch(() => undefined);
      }
    };
    await Promise.all([this.#syncCatalogue(), ...Array.from({ length: SYNCS_AT_ONCE }, work)]);
    this.#isRunning = false;
    this.#options.whenSynced();
    if (this.#dirty.size > 0 || this.#isCatalogueDirty) this.#soon();
  }

  /** What the device doesn't take now is tried again with the next round. */
  async #syncCatalogue(): Promise<void> {
    if (!this.#isCatalogueDirty) return;
    this.#isCatalogueDirty = false;
    try {
      await this.#options.catalogue.synced();
    } catch {
      this.#isCatalogueDirty = true;
    }
  }
}
