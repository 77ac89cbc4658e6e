/** What one subscription has got and not acknowledged: no more than its window, ever. */

export class Credit {
  readonly #window: number;
  /** By partition: the newest offset that isn't acknowledged. */
  readonly #newest = new Map<number, number>();
  #count = 0;

  /** @param window 0: there is none */
  constructor(window: number) {
    this.#window = window;
  }

  /** Nothing more comes before something is acknowledged. */
  get isUsedUp(): boolean {
    return this.#window > 0 && this.#count >= this.#window;
  }

  /** @returns whether it is overdrawn: the hub has sent more than it may */
  take(partition: number, count: number, newest: number): boolean {
    if (this.#window === 0) return false;
    this.#count += count;
    this.#newest.set(partition, newest);
    return this.#count > this.#window;
  }

  /** Everything so far, to be acknowledged now. */
  give(): { partition: number; offset: number }[] {
    const all = [...this.#newest].map(([partition, offset]) => ({ partition, offset }));
    this.#newest.clear();
    this.#count = 0;
    return all;
  }
}
