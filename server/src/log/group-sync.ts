/** Group commit: whoever asks while one sync is under way waits for the next, which serves all of them. */
export class GroupSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  get isRunning(): boolean {
    return this.#running !== undefined || this.#next !== undefined;
  }

  /** A sync that begins after this call. */
  next(): Promise<void> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<void> | undefined): Promise<void> {
    // Whoever waits for the one before hears of its failure there. Without one: begin when the caller has got its promise.
    await running?.catch(() => undefined);
    this.#running = this.#next;
    this.#next = undefined;
    try {
      await this.#sync();
    } finally {
      this.#running = undefined;
    }
  }
}
