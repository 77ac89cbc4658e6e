/**
 * Counts what a reader must never see: lost and repeated records. Offsets are dense, so a number that is left out without a
 * `gap` is a loss, and one that comes again a repeat.
 */
import type { Gap } from "@ringcast/protocol";

type Range = Pick<Gap, "from" | "to" | "next">;

export class Integrity {
  /** Records that never came and were not announced. */
  lost = 0;
  /** Records that came twice. */
  repeated = 0;
  /** Records that the hub announced as gone. */
  announced = 0;
  readonly #expected = new Map<number, number>();
  readonly #gaps: Range[] = [];

  /** Starts to count anew at whatever comes next; the sums stay. */
  restart(): void {
    this.#expected.clear();
    this.#gaps.length = 0;
  }

  /** Another history of this partition goes on at `next`, so nothing before it is awaited. */
  expect(partition: number, next: number): void {
    this.#expected.set(partition, next);
  }

  /** Notes a gap; it may be told before the records in front of it. */
  announce(gap: Range): void {
    this.#gaps.push(gap);
    if (gap.to >= gap.from) this.announced += gap.to - gap.from + 1;
  }

  /**
   * Takes the offset of the next record.
   * @returns whether the record is new
   */
  take(partition: number, offset: number): boolean {
    const expected = this.#expected.get(partition) ?? offset;
    if (offset < expected) {
      this.repeated++;
      return false;
    }
    this.lost += offset - expected - this.#announcedBetween(expected, offset);
    this.#expected.set(partition, offset + 1);
    return true;
  }

  #announcedBetween(from: number, before: number): number {
    const within = ({ from: first, to }: Range) => Math.max(0, Math.min(to + 1, before) - Math.max(first, from));
    return this.#gaps.reduce((sum, gap) => sum + within(gap), 0);
  }
}
