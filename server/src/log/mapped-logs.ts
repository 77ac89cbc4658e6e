import type { Runtime } from "../runtime/port.js";
import type { FileKeeper } from "./file-keeper.js";
import { nextTurn } from "./next-turn.js";
import type { RegionMemory } from "./region/index.js";

/** Memory of logs that aren't mapped; beyond it the least recently used are let go. */
const FILE_MEMORY_BYTES = 2 ** 29;
/** Mapped logs looked at for each one that is opened where there are too many: those that aren't synced yet can't be let go, and come round again. */
const MOST_LOOKS = 32;

/** The logs that have memory: as many as may, the least recently used let go first. */
export class MappedLogs {
  /** Of file regions, which aren't mapped: together they may take so much. */
  readonly memory: RegionMemory = { bytes: 0 };
  /** Logs let go so far. */
  unmapped = 0;
  readonly #runtime: Runtime;
  readonly #most: number;
  readonly #mapped = new Set<FileKeeper>();
  /** Where the clock of mapped logs stands. Kept: a new iterator would walk over every place that was left since the set was last made anew. */
  #hand: Iterator<FileKeeper> = this.#mapped.values();
  #isShrinking = false;
  #isClosed = false;

  constructor(runtime: Runtime, most: number) {
    this.#runtime = runtime;
    this.#most = most;
  }

  add(keeper: FileKeeper): void {
    this.#mapped.add(keeper);
    this.#makeRoom(keeper);
  }

  delete(keeper: FileKeeper): void {
    this.#mapped.delete(keeper);
  }

  /** Nothing is let go any more in turns to come. */
  close(): void {
    this.#isClosed = true;
  }

  /** Lets go what was not used since the last time round, when too much is mapped: a clock, going round in the order of opening. */
  #makeRoom(kept?: FileKeeper): void {
    for (let looks = Math.min(this.#mapped.size * 2, MOST_LOOKS); looks > 0 && this.#isCrowded; looks--) {
      const candidate = this.#next();
      if (candidate === kept) continue;
      const isIdle = !candidate.log.isUsed && candidate.letGo();
      candidate.log.isUsed = false;
      if (!isIdle) continue;
      this.#mapped.delete(candidate);
      this.unmapped++;
    }
  }

  /** Lets go what may go of the logs that the clock comes to next, used or not. @returns whether any could */
  letSomeGo(): boolean {
    const before = this.unmapped;
    for (let looks = Math.min(this.#mapped.size, MOST_LOOKS); looks > 0; looks--) {
      const candidate = this.#next();
      if (!candidate.letGo()) continue;
      this.#mapped.delete(candidate);
      this.unmapped++;
    }
    return this.unmapped > before;
  }

  /** Lets go what has become clean, and so may go: a few each turn, twice round the clock at most. Nobody else would, while no log is opened. */
  async shrink(): Promise<void> {
    if (this.#isShrinking) return;
    this.#isShrinking = true;
    for (let looks = this.#mapped.size * 2; looks > 0 && this.#isCrowded; looks -= MOST_LOOKS) {
      this.#makeRoom();
      await nextTurn(this.#runtime);
      if (this.#isClosed) break;
    }
    this.#isShrinking = false;
  }

  /** The next one that the clock comes to; there is one. */
  #next(): FileKeeper {
    let next = this.#hand.next();
    if (next.done === true) {
      this.#hand = this.#mapped.values();
      next = this.#hand.next();
    }
    return next.value as FileKeeper;
  }

  get #isCrowded(): boolean {
    return this.#mapped.size > this.#most || this.memory.bytes > FILE_MEMORY_BYTES;
  }
}
