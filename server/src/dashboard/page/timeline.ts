/**
 * The log's time as a line to drag over. Time in which nothing was stored is drawn short, so that two replays with a day between
 * them both stay wide enough to be hit.
 */

/** One record as the line knows it. */
export interface Mark {
  /** When the hub stored it. */
  readonly timestamp: number;
  readonly magnitude: number;
  /** The quake's own time; undefined where the message is no quake. */
  readonly quakeTime: number | undefined;
}

/** A silence longer than this is drawn as if it had been this long. */
const LONGEST_SILENCE_MS = 4000;

/** All records of the log, oldest first, laid out along a line whose places are milliseconds without the silences. */
export class Timeline {
  readonly #marks: Mark[] = [];
  /** Place of each mark on the line. */
  readonly #places: number[] = [];

  /** Adds a record; several partitions may deliver slightly out of order, the line then stands still. */
  add(mark: Mark): void {
    const last = this.#marks.length - 1;
    const before = this.#marks[last]?.timestamp ?? mark.timestamp;
    const step = Math.min(LONGEST_SILENCE_MS, Math.max(0, mark.timestamp - before));
    this.#places.push((this.#places[last] ?? 0) + step);
    this.#marks.push(mark);
  }

  clear(): void {
    this.#marks.length = 0;
    this.#places.length = 0;
  }

  get size(): number {
    return this.#marks.length;
  }

  /** Time of the oldest record; undefined while there is none. */
  get firstTimestamp(): number | undefined {
    return this.#marks[0]?.timestamp;
  }

  /** Length of the line up to now. */
  lengthAt(nowMs: number): number {
    const newest = this.#marks.at(-1);
    if (newest === undefined) return 0;
    return (this.#places.at(-1) ?? 0) + Math.min(LONGEST_SILENCE_MS, Math.max(0, nowMs - newest.timestamp));
  }

  /** Place of a moment on the line. */
  placeOf(timeMs: number): number {
    const index = lastAtMost(this.#marks.length, (at) => (this.#marks[at] as Mark).timestamp <= timeMs);
    if (index < 0) return 0;
    const silence = Math.min(LONGEST_SILENCE_MS, timeMs - (this.#marks[index] as Mark).timestamp);
    const end = this.#places[index + 1] ?? Infinity;
    return Math.min((this.#places[index] as number) + silence, end);
  }

  /** The moment at a place of the line, with the last record before it; undefined on an empty line. */
  momentAt(place: number): { readonly timeMs: number; readonly mark: Mark } | undefined {
    const index = Math.max(
      0,
      lastAtMost(this.#places.length, (at) => (this.#places[at] as number) <= place),
    );
    const mark = this.#marks[index];
    if (mark === undefined) return undefined;
    return { timeMs: Math.round(mark.timestamp + Math.max(0, place - (this.#places[index] as number))), mark };
  }

  /** Number of records and their greatest magnitude in each of `columns` equal parts of a line of `length`. */
  columns(columns: number, length: number): { count: number; magnitude: number }[] {
    const result = Array.from({ length: columns }, () => ({ count: 0, magnitude: -Infinity }));
    this.#places.forEach((place, index) => {
      const column = result[Math.min(columns - 1, Math.floor((place / Math.max(1, length)) * columns))];
      if (column === undefined) return;
      column.count++;
      column.magnitude = Math.max(column.magnitude, (this.#marks[index] as Mark).magnitude);
    });
    return result;
  }
}

/** Index of the last element for which `isAtMost` holds, -1 for none; it must hold for a first part and for nothing after. */
function lastAtMost(length: number, isAtMost: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAtMost(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
