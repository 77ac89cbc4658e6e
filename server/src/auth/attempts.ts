/**
 * Slows down whoever guesses tokens: after a handful of wrong ones an address has to wait before it is heard again.
 */
import { addressGroup } from "./address.js";
import { isLoopbackAddress } from "./origin.js";

/** Wrong attempts that an address may make at once; one more is forgiven every {@link FORGIVEN_EVERY_MS}. */
const FREE_ATTEMPTS = 10;
const FORGIVEN_EVERY_MS = 6_000;
/** Addresses remembered; the one whose last wrong attempt is the longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;

interface Bucket {
  /** Wrong attempts not forgiven yet, as of `atMs`. */
  readonly level: number;
  readonly atMs: number;
}

/** Counts wrong attempts per address (of IPv6 per /64), in bounded memory and without a timer. Loopback addresses are never slowed down. */
export class WrongAttempts {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Remembers a wrong attempt. O(1). */
  note(address: string): void {
    if (isLoopbackAddress(address)) return;
    const level = this.#level(address) + 1;
    const group = addressGroup(address);
    this.#buckets.delete(group);
    this.#buckets.set(group, { level, atMs: this.#clock() });
    if (this.#buckets.size > MAX_ADDRESSES) this.#forgetOldest();
  }

  /** Milliseconds until the address may try again; 0: now. */
  retryAfterMs(address: string): number {
    const excess = this.#level(address) - FREE_ATTEMPTS;
    return excess < 0 ? 0 : Math.ceil((excess + 1) * FORGIVEN_EVERY_MS);
  }

  #level(address: string): number {
    const bucket = this.#buckets.get(addressGroup(address));
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.level - (this.#clock() - bucket.atMs) / FORGIVEN_EVERY_MS);
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
