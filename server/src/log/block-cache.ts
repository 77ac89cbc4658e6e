import type { Runtime, Timer } from "../runtime/port.js";
import type { Region } from "./region/index.js";
import type { RingLog } from "./port.js";

/** Blocks end at multiples of this address. */
export const BLOCK_BYTES = 65_536;
/** A block that would be shorter than this goes on to the next multiple: readers come to stand just before one. */
const SHORTEST_BLOCK_BYTES = 8_192;
/** Bytes of blocks in one store; one block more than fits is let go at once. */
const CACHE_BYTES = 8 * 2 ** 20;
/** What a block takes, but for one with a record that is larger. */
const SLAB_BYTES = BLOCK_BYTES + SHORTEST_BLOCK_BYTES;
/** Memory of blocks that were let go, kept for the next ones. */
const MOST_SPARE_SLABS = 32;
/** Node's thread pool has four threads by default: more reads only wait there, where syncs want to get in, too. */
const READS_AT_ONCE = 4;
/** Bytes that were read for somebody and not used yet, half of the cache: else readers would push out each other's blocks before they come to use them. */
const MOST_UNUSED_BYTES = CACHE_BYTES / 2;
/** A reader that doesn't come for its block within this time has gone, milliseconds. */
const UNUSED_KEPT_MS = 1_000;
/** Readers that were turned away are asked to come again so many at once, and after so many milliseconds when no read is going to end. */
const WOKEN_AT_ONCE = 16;
const WAKE_MS = 10;

/** Bytes of a log from one address on, read from its file. */
export interface Block {
  /** First address. */
  readonly start: number;
  /** One past the last address; never in another lap than `start`. */
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** `failed`: the device can't read it. */
  state: "reading" | "ready" | "failed";
  readonly askedMs: number;
  readonly region: Region;
  /** What `bytes` is the beginning of. */
  readonly slab: ArrayBuffer;
  /** In the cache; else its memory goes to the next one, as soon as it isn't read any more. */
  isKept: boolean;
}

/** Totals since the start. */
export interface BlockCounters {
  blockReads: number;
  blockReadBytes: number;
}

/**
 * Blocks of the logs' files that readers far behind have asked for, read off the loop, so that no page fault stops it. All who stand in a block share it. What
 * was read is what stood there at some moment of the read: a block reaches no lower than the tail did when the read was over, or isn't believed.
 */
export class BlockCache {
  readonly counters: BlockCounters = { blockReads: 0, blockReadBytes: 0 };
  readonly #runtime: Runtime;
  readonly #onReadable: (log: RingLog) => void;
  /** In the order of their last use. */
  readonly #blocks = new Set<Block>();
  readonly #ofRegion = new Map<Region, Block[]>();
  /** Read for somebody and not used yet, oldest first. */
  readonly #unused = new Set<Block>();
  /** Logs whose readers could not be served, because too much was under way. */
  readonly #turnedAway = new Set<RingLog>();
  /**
   * Memory to use again: a thousand reads a second would have the garbage collector stop the loop for 10 to 20 ms at a time. What was let go just now
   * rests first: the records in it may still be on their way into a frame.
   */
  readonly #spare: ArrayBuffer[] = [];
  readonly #resting: ArrayBuffer[] = [];
  #bytes = 0;
  #unusedBytes = 0;
  #reading = 0;
  #wakeTimer: Timer | undefined;

  constructor(runtime: Runtime, onReadable: (log: RingLog) => void) {
    this.#runtime = runtime;
    this.#onReadable = onReadable;
  }

  /** Bytes of memory that blocks take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The block that has an address; the one that goes on farthest where there are several. */
  find(region: Region, address: number): Block | undefined {
    let found: Block | undefined;
    for (const block of this.#ofRegion.get(region) ?? []) {
      if (block.start <= address && address < block.end && (found === undefined || block.end > found.end))
        found = block;
    }
    return found;
  }

  /** Notes that a reader has got records of a block. */
  use(block: Block): void {
    this.#forgetUnused(block);
    if (!this.#blocks.delete(block)) return;
    this.#blocks.add(block);
  }

  /**
   * Begins to read a block that starts at an address, in a lap below the head. `onReadable` tells when to ask again.
   * @param bytes that it must have at least
   */
  want(log: RingLog, region: Region, address: number, bytes: number): void {
    this.#forgetOldUnused();
    if (this.#reading >= READS_AT_ONCE || this.#unusedBytes >= MOST_UNUSED_BYTES) {
      this.#turnedAway.add(log);
      this.#wakeLater();
      return;
    }
    const block = this.#read(log, region, address, bytes);
    this.#unused.add(block);
    this.#unusedBytes += block.bytes.length;
  }

  /** Begins to read what will be wanted next, if there is time for it. */
  foresee(log: RingLog, region: Region, address: number): void {
    if (this.#reading < READS_AT_ONCE / 2 && this.#turnedAway.size === 0) this.#read(log, region, address, 1);
  }

  /** Forgets the blocks of a region that is let go, or whose addresses begin anew. */
  drop(region: Region): void {
    for (const block of this.#ofRegion.get(region) ?? []) this.#remove(block);
  }

  #read(log: RingLog, region: Region, start: number, bytes: number): Block {
    const lapEnd = start - (start % region.capacityBytes) + region.capacityBytes;
    const wanted = start + Math.max(bytes, SHORTEST_BLOCK_BYTES);
    const end = Math.min(Math.ceil(wanted / BLOCK_BYTES) * BLOCK_BYTES, lapEnd, log.headAddress);
    const length = end - start;
    const slab = length > SLAB_BYTES ? new ArrayBuffer(length) : (this.#spare.pop() ?? new ArrayBuffer(SLAB_BYTES));
    const memory = new Uint8Array(slab, 0, length);
    const view = new DataView(slab, 0, length);
    const askedMs = this.#runtime.monotonicMs();
    const block: Block = { start, end, bytes: memory, view, slab, state: "reading", askedMs, region, isKept: true };
    this.#add(block);
    this.#reading++;
    this.counters.blockReads++;
    this.counters.blockReadBytes += memory.length;
    void this.#fill(log, block);
    return block;
  }

  async #fill(log: RingLog, block: Block): Promise<void> {
    const isWhole = await block.region.readInto?.(block.start % block.region.capacityBytes, block.bytes);
    block.state = isWhole === true ? "ready" : "failed";
    this.#reading--;
    // Whoever took records out of what was let go has done so: this is another turn.
    while (this.#resting.length > 0) this.#keepSpare(this.#resting.pop() as ArrayBuffer);
    if (!block.isKept) this.#rest(block);
    // The ring went on over it meanwhile: nobody stands there any more, and its bytes are of two laps.
    if (log.tailAddress > block.start) this.#remove(block);
    this.#onReadable(log);
    this.#wake();
  }

  /** Has some of those ask again who were turned away. */
  #wake(): void {
    let left = WOKEN_AT_ONCE;
    for (const log of this.#turnedAway) {
      if (left-- === 0) break;
      this.#turnedAway.delete(log);
      this.#onReadable(log);
    }
    this.#wakeLater();
  }

  /** Whoever was asked may have gone: the others must not wait for a read that nobody begins. */
  #wakeLater(): void {
    if (this.#turnedAway.size === 0 || this.#reading > 0 || this.#wakeTimer !== undefined) return;
    this.#wakeTimer = this.#runtime.setTimer(WAKE_MS, () => {
      this.#wakeTimer = undefined;
      this.#wake();
    });
  }

  #add(block: Block): void {
    this.#blocks.add(block);
    this.#bytes += block.bytes.length;
    const ofRegion = this.#ofRegion.get(block.region);
    if (ofRegion === undefined) this.#ofRegion.set(block.region, [block]);
    else ofRegion.push(block);
    for (const oldest of this.#blocks) {
      if (this.#bytes <= CACHE_BYTES) return;
      if (oldest !== block && !this.#unused.has(oldest)) this.#remove(oldest);
    }
  }

  #remove(block: Block): void {
    this.#forgetUnused(block);
    if (!this.#blocks.delete(block)) return;
    block.isKept = false;
    if (block.state !== "reading") this.#rest(block);
    this.#bytes -= block.bytes.length;
    const rest = (this.#ofRegion.get(block.region) ?? []).filter((other) => other !== block);
    if (rest.length === 0) this.#ofRegion.delete(block.region);
    else this.#ofRegion.set(block.region, rest);
  }

  #rest({ slab }: Block): void {
    if (slab.byteLength === SLAB_BYTES) this.#resting.push(slab);
  }

  #keepSpare(slab: ArrayBuffer): void {
    if (this.#spare.length < MOST_SPARE_SLABS) this.#spare.push(slab);
  }

  #forgetUnused(block: Block): void {
    if (this.#unused.delete(block)) this.#unusedBytes -= block.bytes.length;
  }

  #forgetOldUnused(): void {
    const latestMs = this.#runtime.monotonicMs() - UNUSED_KEPT_MS;
    for (const block of this.#unused) {
      if (block.askedMs > latestMs) return;
      this.#forgetUnused(block);
    }
  }
}
