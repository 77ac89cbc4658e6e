import type { DiskFile } from "../disk/port.js";

/** The file behind a region: closed once it is let go and no call off the loop needs it any more. */
export class RegionFile {
  /** Owned from the constructor's call on. */
  readonly file: DiskFile;
  /** Calls under way that need the file. */
  #busy = 0;
  #isClosed = false;

  constructor(file: DiskFile) {
    this.file = file;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Carries out a call that needs the file for longer than this turn. */
  async use<Result>(call: (file: DiskFile) => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await call(this.file);
    } finally {
      this.#busy--;
      this.#closeWhenIdle();
    }
  }

  /** Resolves when the device has everything; rejects with the system's error. */
  async sync(): Promise<void> {
    if (this.#isClosed) throw new Error("The region is closed.");
    await this.use((file) => file.sync());
  }

  /** Like {@link sync}, but blocks the loop meanwhile. */
  syncNow(): void {
    this.file.syncNow();
  }

  /** Lets it go. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#isClosed && this.#busy === 0) this.file.close();
  }
}
