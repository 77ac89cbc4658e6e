/**
 * What is remembered of one producer's publishes, packed into two arrays: one entry for each partition that a publish went to, ascending by
 * sequence, then partition. Forty bytes an entry and no object, since there may be a thousand for each of a hundred thousand producers.
 */

/** One partition's part of a publish. */
export interface ReplyEntry {
  readonly sequence: number;
  readonly partition: number;
  readonly epoch: string;
  readonly first: number;
  readonly count: number;
  readonly timestamp: number;
  readonly digest: number;
}

/** Numbers of an entry: sequence, first offset, timestamp. */
const NUMBERS = 3;
/** Words of an entry: digest, count, partition, number of the epoch. */
const WORDS = 4;
const FIRST_ENTRIES = 2;

/** The entries of one producer. */
export class Replies {
  #numbers = new Float64Array(FIRST_ENTRIES * NUMBERS);
  #words = new Uint32Array(FIRST_ENTRIES * WORDS);
  /** Index of the oldest entry: what lies before it was dropped. */
  #first = 0;
  #end = 0;
  #epochs: string[] = [];

  get count(): number {
    return this.#end - this.#first;
  }

  /** Sequence of the newest entry; -1 where there is none. */
  get newest(): number {
    return this.count === 0 ? -1 : this.#sequenceAt(this.#end - 1);
  }

  get oldest(): number {
    return this.count === 0 ? -1 : this.#sequenceAt(this.#first);
  }

  /** Adds an entry in its place. @returns false when that partition's part of the publish is known already */
  add(entry: ReplyEntry): boolean {
    let at = this.#end;
    while (at > this.#first && this.#isBehind(at - 1, entry)) at--;
    if (
      at > this.#first &&
      this.#sequenceAt(at - 1) === entry.sequence &&
      this.#partitionAt(at - 1) === entry.partition
    ) {
      return false;
    }
    const moved = this.#makeRoom(at);
    this.#write(moved, entry);
    return true;
  }

  /** Forgets all entries below a sequence. */
  dropBelow(sequence: number): void {
    while (this.count > 0 && this.oldest < sequence) this.#first++;
  }

  /** The entries of one sequence, ascending by partition. O(log n). */
  of(sequence: number): ReplyEntry[] {
    let low = this.#first;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sequenceAt(middle) < sequence) low = middle + 1;
      else high = middle;
    }
    const entries: ReplyEntry[] = [];
    for (let at = low; at < this.#end && this.#sequenceAt(at) === sequence; at++) entries.push(this.#entryAt(at));
    return entries;
  }

  *all(): Generator<ReplyEntry> {
    for (let at = this.#first; at < this.#end; at++) yield this.#entryAt(at);
  }

  #isBehind(at: number, entry: ReplyEntry): boolean {
    const sequence = this.#sequenceAt(at);
    return sequence > entry.sequence || (sequence === entry.sequence && this.#partitionAt(at) > entry.partition);
  }

  /** Opens a place for one entry at `at`; nearly always the end. @returns where it is after that */
  #makeRoom(at: number): number {
    if ((this.#end + 1) * WORDS > this.#words.length) {
      const shift = this.#first;
      this.#compact();
      at -= shift;
    }
    if (at < this.#end) {
      this.#numbers.copyWithin((at + 1) * NUMBERS, at * NUMBERS, this.#end * NUMBERS);
      this.#words.copyWithin((at + 1) * WORDS, at * WORDS, this.#end * WORDS);
    }
    this.#end++;
    return at;
  }

  /** Moves the entries to the front, of arrays twice as large when most of their room is in use. */
  #compact(): void {
    const { count } = this;
    const room = this.#words.length / WORDS;
    if (count > room / 2) this.#widen(room * 2);
    else {
      this.#numbers.copyWithin(0, this.#first * NUMBERS, this.#end * NUMBERS);
      this.#words.copyWithin(0, this.#first * WORDS, this.#end * WORDS);
    }
    this.#first = 0;
    this.#end = count;
    this.#forgetEpochs();
  }

  #widen(room: number): void {
    const numbers = new Float64Array(room * NUMBERS);
    const words = new Uint32Array(room * WORDS);
    numbers.set(this.#numbers.subarray(this.#first * NUMBERS, this.#end * NUMBERS));
    words.set(this.#words.subarray(this.#first * WORDS, this.#end * WORDS));
    this.#numbers = numbers;
    this.#words = words;
  }

  /** Keeps only the epochs that entries still name. */
  #forgetEpochs(): void {
    if (this.#epochs.length === 1) return;
    const epochs: string[] = [];
    for (let at = this.#first; at < this.#end; at++) {
      const epoch = this.#epochs[this.#words[at * WORDS + 3] as number] as string;
      if (epochs.at(-1) !== epoch && !epochs.includes(epoch)) epochs.push(epoch);
      this.#words[at * WORDS + 3] = epochs.indexOf(epoch);
    }
    this.#epochs = epochs;
  }

  #write(at: number, entry: ReplyEntry): void {
    let epoch = this.#epochs.lastIndexOf(entry.epoch);
    if (epoch < 0) epoch = this.#epochs.push(entry.epoch) - 1;
    const numbers = this.#numbers;
    numbers[at * NUMBERS] = entry.sequence;
    numbers[at * NUMBERS + 1] = entry.first;
    numbers[at * NUMBERS + 2] = entry.timestamp;
    const words = this.#words;
    words[at * WORDS] = entry.digest;
    words[at * WORDS + 1] = entry.count;
    words[at * WORDS + 2] = entry.partition;
    words[at * WORDS + 3] = epoch;
  }

  #entryAt(at: number): ReplyEntry {
    return {
      sequence: this.#sequenceAt(at),
      first: this.#numbers[at * NUMBERS + 1] as number,
      timestamp: this.#numbers[at * NUMBERS + 2] as number,
      digest: this.#words[at * WORDS] as number,
      count: this.#words[at * WORDS + 1] as number,
      partition: this.#partitionAt(at),
      epoch: this.#epochs[this.#words[at * WORDS + 3] as number] as string,
    };
  }

  #sequenceAt(at: number): number {
    return this.#numbers[at * NUMBERS] as number;
  }

  #partitionAt(at: number): number {
    return this.#words[at * WORDS + 2] as number;
  }
}
