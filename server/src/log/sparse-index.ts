/** Entries that an index holds at most, give or take one: the stride follows from it. */
const MAX_ENTRIES = 1_024;
const MIN_STRIDE_BYTES = 1_024;
const FIRST_ENTRIES = 16;

/**
 * Offset → address, one entry for each stretch of `strideBytes` of address: the first record that begins in it. Timestamps never run back, so a
 * time is found the same way. Bounded memory (24 KiB at most); kept as a ring, because entries come at the head and go at the tail.
 */
export class SparseIndex {
  /** Length of a stretch of address; a power of two. */
  readonly strideBytes: number;
  #offsets = new Float64Array(FIRST_ENTRIES);
  #addresses = new Float64Array(FIRST_ENTRIES);
  #times = new Float64Array(FIRST_ENTRIES);
  #first = 0;
  #count = 0;
  /** Lowest address that gets an entry of its own; read by the append before it calls {@link add}. */
  nextAddress = 0;

  constructor(capacityBytes: number) {
    const wanted = Math.max(MIN_STRIDE_BYTES, capacityBytes / MAX_ENTRIES);
    this.strideBytes = 2 ** Math.ceil(Math.log2(wanted));
  }

  get count(): number {
    return this.#count;
  }

  /** Notes a record; called for the first one at or above {@link nextAddress}. */
  add(address: number, offset: number, timestamp: number): void {
    if (this.#count === this.#offsets.length) this.#widen();
    const slot = (this.#first + this.#count) & (this.#offsets.length - 1);
    this.#offsets[slot] = offset;
    this.#addresses[slot] = address;
    this.#times[slot] = timestamp;
    this.#count++;
    this.nextAddress = this.#above(address);
  }

  /** Forgets all entries below an address. */
  dropBelow(address: number): void {
    while (this.#count > 0 && this.addressAt(0) < address) {
      this.#first = (this.#first + 1) & (this.#offsets.length - 1);
      this.#count--;
    }
  }

  /** Forgets all entries from an address on. */
  dropFrom(address: number): void {
    while (this.#count > 0 && this.addressAt(this.#count - 1) >= address) this.#count--;
    this.nextAddress = this.#count === 0 ? 0 : this.#above(this.addressAt(this.#count - 1));
  }

  offsetAt(entry: number): number {
    return this.#offsets[(this.#first + entry) & (this.#offsets.length - 1)] as number;
  }

  addressAt(entry: number): number {
    return this.#addresses[(this.#first + entry) & (this.#offsets.length - 1)] as number;
  }

  timeAt(entry: number): number {
    return this.#times[(this.#first + entry) & (this.#offsets.length - 1)] as number;
  }

  /** Last entry whose offset is at most `offset`; -1 where there is none. */
  entryOfOffset(offset: number): number {
    return this.#lastWhere((entry) => this.offsetAt(entry) <= offset);
  }

  /** Last entry whose time is below `timeMs`; -1 where there is none. */
  entryBeforeTime(timeMs: number): number {
    return this.#lastWhere((entry) => this.timeAt(entry) < timeMs);
  }

  /** First entry at or above an address; {@link count} where there is none. */
  entryFromAddress(address: number): number {
    return this.#lastWhere((entry) => this.addressAt(entry) < address) + 1;
  }

  #above(address: number): number {
    return (Math.floor(address / this.strideBytes) + 1) * this.strideBytes;
  }

  #lastWhere(holds: (entry: number) => boolean): number {
    let low = -1;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (holds(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #widen(): void {
    this.#offsets = this.#widened(this.#offsets);
    this.#addresses = this.#widened(this.#addresses);
    this.#times = this.#widened(this.#times);
    this.#first = 0;
  }

  #widened(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
    const wide = new Float64Array(values.length * 2);
    wide.set(values.subarray(this.#first));
    wide.set(values.subarray(0, this.#first), values.length - this.#first);
    return wide;
  }
}
