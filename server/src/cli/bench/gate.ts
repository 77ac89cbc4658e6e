/**
 * The gate `ahead`: publishers wait while the average reader has too much before it, so that no server is fed faster
 * than it delivers.
 */
import { COUNTER, type Tally } from "./tally.js";

export class Gate {
  readonly #tallies: readonly Tally[];
  readonly #ahead: number;
  #readers: number;
  #published = 0;
  #paced = 0;

  /**
   * @param ahead   records that the average reader may lack
   * @param readers that a record goes to, on the average; 0: nobody is waited for
   */
  constructor(tallies: readonly Tally[], ahead: number, readers: number) {
    this.#tallies = tallies;
    this.#ahead = ahead;
    this.#readers = readers;
    this.setReaders(readers);
  }

  /** Other readers are waited for from now on; what the former ones lack is forgotten. */
  setReaders(readers: number): void {
    this.#readers = readers;
    this.#published = sum(this.#tallies, COUNTER.published);
    this.#paced = sum(this.#tallies, COUNTER.paced);
  }

  isOpen(): boolean {
    if (this.#ahead === Infinity || this.#readers === 0) return true;
    const published = sum(this.#tallies, COUNTER.published) - this.#published;
    const paced = sum(this.#tallies, COUNTER.paced) - this.#paced;
    return published - paced / this.#readers < this.#ahead;
  }
}

function sum(tallies: readonly Tally[], counter: number): number {
  let total = 0;
  for (const { counters } of tallies) total += counters[counter] as number;
  return total;
}
