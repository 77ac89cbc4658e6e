/** The epochs of one partition with the seeds that their records' hub checks begin with. */
import { hubCheckSeed } from "@ringcast/protocol";
import { MAX_LINEAGE } from "./file-header.js";
import type { LineageEntry } from "./port.js";

/** Length of the epochs that the log makes up itself. */
export const EPOCH_LENGTH = 12;

/** Printable ASCII, as many characters as a header has bytes for. */
const EPOCH = /^[!-~]{1,32}$/;

/** Whether a text from outside can be the name of an epoch. */
export function isEpoch(text: string): boolean {
  return EPOCH.test(text);
}

/** A partition's lineage, made for quick answers; never changed, a new one takes its place. */
export class Lineage {
  readonly entries: readonly LineageEntry[];
  readonly #seeds: readonly number[];

  /** @param entries oldest first, at least one */
  constructor(entries: readonly LineageEntry[], partition: number) {
    this.entries = entries;
    this.#seeds = entries.map((entry) => hubCheckSeed(entry.epoch, partition));
  }

  get epoch(): string {
    return this.#entry(this.entries.length - 1).epoch;
  }

  /** Seed of the records that are appended now. */
  get seed(): number {
    return this.#seeds[this.#seeds.length - 1] as number;
  }

  epochOf(offset: number): string {
    return this.#entry(this.#at(offset)).epoch;
  }

  seedOf(offset: number): number {
    return this.#seeds[this.#at(offset)] as number;
  }

  /** First offset after `offset` that belongs to another epoch; Infinity where there is none. */
  endOfEpochAt(offset: number): number {
    return this.entries[this.#at(offset) + 1]?.first ?? Infinity;
  }

  /** Where the epoch ended; Infinity for the present one, -1 for one that is not known. */
  endOf(epoch: string): number {
    const at = this.entries.findIndex((entry) => entry.epoch === epoch);
    return at < 0 ? -1 : (this.entries[at + 1]?.first ?? Infinity);
  }

  /** Entry of the epoch that an offset belongs to. */
  #at(offset: number): number {
    let at = this.entries.length - 1;
    while (at > 0 && this.#entry(at).first > offset) at--;
    return at;
  }

  #entry(at: number): LineageEntry {
    return this.entries[at] as LineageEntry;
  }
}

/**
 * A lineage with one more epoch, from `first` on; beyond 64 the oldest goes. An epoch that begins at `first` itself stays, although nothing of it is
 * left: a reader who stood exactly there resumes seamlessly.
 */
export function withEpoch(entries: readonly LineageEntry[], epoch: string, first: number): readonly LineageEntry[] {
  return [...entries.filter((entry) => entry.first <= first), { epoch, first }].slice(-MAX_LINEAGE);
}

/** Whether these can be the epochs of a log that stands at an offset: ascending, each with a name of its own, none beyond it. */
export function isLineage(entries: readonly LineageEntry[], head: number): boolean {
  return (
    Number.isSafeInteger(head) &&
    head >= 0 &&
    entries.length >= 1 &&
    entries.length <= MAX_LINEAGE &&
    new Set(entries.map(({ epoch }) => epoch)).size === entries.length &&
    entries.every(({ epoch, first }, i) => {
      const previous = entries[i - 1]?.first ?? 0;
      return isEpoch(epoch) && first >= previous && first <= head;
    })
  );
}

/** Whether a longer history, or the same one, begins with these epochs. */
export function isBeginningOf(entries: readonly LineageEntry[], longer: readonly LineageEntry[]): boolean {
  return entries.every(({ epoch, first }, i) => epoch === longer[i]?.epoch && first === longer[i].first);
}
