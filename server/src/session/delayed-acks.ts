/**
 * Acknowledgements that came too soon. They are delayed, not refused: a credit that was refused would be lost to whoever doesn't
 * expect an answer. Of each partition the newest holds, since it stands for all before it.
 */
import type { AckRequest } from "@ringcast/protocol";

/** Partitions of one connection for which some may wait. */
const MOST = 1_000;

export class DelayedAcks {
  readonly #waiting = new Map<string, AckRequest>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** @returns false: too many wait already, this one was not taken */
  add(ack: AckRequest): boolean {
    const key = `${ack.subscription} ${ack.partition} ${ack.topic ?? ""}`;
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= MOST) return false;
    if (known === undefined || known.offset < ack.offset) this.#waiting.set(key, ack);
    return true;
  }

  /** The one that waits for longest; it waits no more. */
  take(): AckRequest | undefined {
    const first = this.#waiting.entries().next();
    if (first.done === true) return undefined;
    const [key, ack] = first.value;
    this.#waiting.delete(key);
    return ack;
  }

  /** The subscription is over. */
  forget(subscription: number): void {
    for (const [key, ack] of this.#waiting) if (ack.subscription === subscription) this.#waiting.delete(key);
  }
}
