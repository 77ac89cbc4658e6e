import { closeSync, fdatasync, fdatasyncSync } from "node:fs";
import { promisify } from "node:util";

const dataSync = promisify(fdatasync);

/** The file behind a region: closed once it is let go and no call off the loop needs it any more. */
export class RegionFile {
  /** Owned from the constructor's call on. */
  readonly fd: number;
  /** Calls under way that need the file. */
  #busy = 0;
  #isClosed = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Carries out a call that needs the file for longer than this turn. */
  async use<Result>(call: (fd: number) => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await call(this.fd);
    } finally {
      this.#busy--;
      this.#closeWhenIdle();
    }
  }

  /** Resolves when the device has everything; rejects with the system's error. */
  async sync(): Promise<void> {
    if (this.#isClosed) throw new Error("The region is closed.");
    await this.use(dataSync);
  }

  /** Like {@link sync}, but blocks the loop meanwhile. */
  syncNow(): void {
    fdatasyncSync(this.fd);
  }

  /** Lets it go. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#isClosed && this.#busy === 0) closeSync(this.fd);
  }
}
