/**
 * Stretches of offsets that a reader stood before and was never given: gaps, and what a filter left out. They are needed only as far back as
 * the last acknowledgement, and are counted in constant time on the average.
 */

/** Taken ranges before this are thrown away together. */
const COMPACT_FROM = 64;

export class OffsetRanges {
  /** `from` and `to` (exclusive) of each range, ascending. Ranges that touch are one, so that there are never more than records between them. */
  #bounds: number[] = [];
  #first = 0;
  /** Offsets in all ranges. */
  count = 0;

  /** @param from not below the end of the last range */
  add(from: number, to: number): void {
    const bounds = this.#bounds;
    this.count += to - from;
    if (bounds.length > this.#first && bounds[bounds.length - 1] === from) bounds[bounds.length - 1] = to;
    else bounds.push(from, to);
  }

  /**
   * Forgets everything below an offset.
   * @returns how many offsets of that were in ranges
   */
  takeBelow(offset: number): number {
    const bounds = this.#bounds;
    let taken = 0;
    for (; this.#first < bounds.length; this.#first += 2) {
      const from = bounds[this.#first] as number;
      const to = bounds[this.#first + 1] as number;
      if (from >= offset) break;
      taken += Math.min(to, offset) - from;
      if (to <= offset) continue;
      bounds[this.#first] = offset;
      break;
    }
    this.count -= taken;
    if (this.#first >= COMPACT_FROM && this.#first * 2 >= bounds.length) {
      bounds.splice(0, this.#first);
      this.#first = 0;
    }
    return taken;
  }
}
