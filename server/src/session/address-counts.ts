/** How many connections each address has. */
import { addressGroup } from "../auth/index.js";

export class AddressCounts {
  /** Never more entries than there are connections. */
  readonly #counts = new Map<string, number>();

  of(address: string): number {
    return this.#counts.get(addressGroup(address)) ?? 0;
  }

  add(address: string): void {
    const group = addressGroup(address);
    this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1);
  }

  remove(address: string): void {
    const group = addressGroup(address);
    const left = (this.#counts.get(group) ?? 0) - 1;
    if (left > 0) this.#counts.set(group, left);
    else this.#counts.delete(group);
  }
}
