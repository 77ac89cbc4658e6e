/**
 * Replies to publishes, the frame that a hub writes most. Between one and the next only numbers change: the last reply of each place is kept as bytes, and its numbers
 * are written over. It takes 0.1 µs, where building the frame's object and encoding it takes 1.9 (JSON) to 2.9 (msgpack).
 */
import type { OffsetRange } from "../operations.js";

/** How a dialect writes such replies. */
export interface PublishedSyntax {
  /** What stands before, between and behind the numbers of {@link SINGLE}. */
  single(topic: string, partition: number, epoch: string): readonly Uint8Array[];
  /** What stands before, between and behind the numbers of {@link BATCH}. */
  batch(topic: string, partition: number, epoch: string): readonly Uint8Array[];
  /** Bytes that an integer from 0 to 2^53 - 1 takes. */
  width(value: number): number;
  /** Writes an integer into so many bytes. */
  put(bytes: Uint8Array, at: number, value: number, width: number): void;
}

/** Places are forgotten beyond this. */
const MOST_PLACES = 1_024;
/** Numbers of a reply: id, offset, timestamp; to a batch: id, timestamp, first offset, count. */
const MOST_NUMBERS = 4;

/** The numbers of the reply that is being made, in the order of their places; calls don't nest. */
const numbers = /*#__PURE__*/ new Float64Array(MOST_NUMBERS);

/** Writes the replies of one dialect. */
export class PublishedEncoder {
  readonly #syntax: PublishedSyntax;
  readonly #singles = new Map<string, Mold[]>();
  readonly #batches = new Map<string, Mold[]>();

  constructor(syntax: PublishedSyntax) {
    this.#syntax = syntax;
  }

  /**
   * The reply to a publish of one message.
   *
   * @param id undefined where the syntax has no place for it
   * @returns bytes that hold until the next call
   */
  single(id: number | undefined, topic: string, range: OffsetRange, timestamp: number): Uint8Array {
    let at = 0;
    if (id !== undefined) numbers[at++] = id;
    numbers[at++] = range.first;
    numbers[at] = timestamp;
    return this.#moldFor(this.#singles, topic, range, false).fill(this.#syntax);
  }

  /**
   * The reply to a batch that went to one partition.
   *
   * @param id undefined where the syntax has no place for it
   * @returns bytes that hold until the next call
   */
  batch(id: number | undefined, topic: string, range: OffsetRange, timestamp: number): Uint8Array {
    let at = 0;
    if (id !== undefined) numbers[at++] = id;
    numbers[at++] = timestamp;
    numbers[at++] = range.first;
    numbers[at] = range.count;
    return this.#moldFor(this.#batches, topic, range, true).fill(this.#syntax);
  }

  #moldFor(places: Map<string, Mold[]>, topic: string, { partition, epoch }: OffsetRange, isBatch: boolean): Mold {
    const known = places.get(topic)?.[partition];
    if (known?.epoch === epoch) return known;
    if (places.size >= MOST_PLACES) places.clear();
    const pieces = isBatch ? this.#syntax.batch(topic, partition, epoch) : this.#syntax.single(topic, partition, epoch);
    const mold = new Mold(epoch, pieces);
    const molds = places.get(topic);
    if (molds === undefined) places.set(topic, sparse(partition, mold));
    else molds[partition] = mold;
    return mold;
  }
}

function sparse(at: number, mold: Mold): Mold[] {
  const molds: Mold[] = [];
  molds[at] = mold;
  return molds;
}

/** A reply whose numbers can be changed while they keep their widths. */
class Mold {
  readonly epoch: string;
  readonly #pieces: readonly Uint8Array[];
  readonly #places: number[];
  readonly #widths: number[];
  #bytes = new Uint8Array(0);

  constructor(epoch: string, pieces: readonly Uint8Array[]) {
    this.epoch = epoch;
    this.#pieces = pieces;
    this.#places = pieces.slice(1).map(() => 0);
    this.#widths = pieces.slice(1).map(() => 0);
  }

  /** Puts {@link numbers} in. */
  fill(syntax: PublishedSyntax): Uint8Array {
    const places = this.#places;
    const widths = this.#widths;
    for (let i = 0; i < places.length; i++) {
      if (syntax.width(numbers[i] as number) !== widths[i]) {
        this.#layOut(syntax);
        break;
      }
    }
    for (let i = 0; i < places.length; i++) {
      syntax.put(this.#bytes, places[i] as number, numbers[i] as number, widths[i] as number);
    }
    return this.#bytes;
  }

  #layOut(syntax: PublishedSyntax): void {
    const pieces = this.#pieces;
    let length = 0;
    pieces.forEach((piece, i) => {
      length += piece.length;
      if (i === pieces.length - 1) return;
      this.#places[i] = length;
      length += this.#widths[i] = syntax.width(numbers[i] as number);
    });
    this.#bytes = new Uint8Array(length);
    let at = 0;
    pieces.forEach((piece, i) => {
      this.#bytes.set(piece, at);
      at += piece.length + (this.#widths[i] ?? 0);
    });
  }
}
