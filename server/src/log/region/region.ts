/**
 * Where a ring log's bytes are. A region is a piece of memory: a header (where there is a file), then the ring at its full capacity, of which only
 * the first `allocatedBytes` may be touched yet. The log writes and reads it through the typed arrays, which cover more than this region.
 */
export interface Region {
  /** What may hold many regions; all of it stays valid memory of the process. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Place of the region's first byte in `bytes`. */
  readonly headerAt: number;
  /** Bytes of header before the ring: 0 where nothing outlives the process. */
  readonly headerBytes: number;
  /** Place of the ring's first byte in `bytes`. */
  readonly ringAt: number;
  /** Length of the whole ring. */
  readonly capacityBytes: number;
  /** Bytes of the ring that have real storage, from its start. */
  readonly allocatedBytes: number;
  /** Whether the bytes survive the death of the process. */
  readonly isPersistent: boolean;

  /**
   * Gives the ring real storage up to `ringBytes`, at most its capacity. A heap region moves, so take `bytes` and `view` anew.
   * @throws RingcastError `unavailable` (disk full, limit reached; nothing was changed)
   */
  grow(ringBytes: number): void;
  /**
   * Brings bytes that were written to this memory to where they survive the process; undefined where they are there already, or never are.
   *
   * @param place of the first byte in `bytes`
   * @throws RingcastError `unavailable` (disk full, device error), with `details.stored` "unknown" where some of them are there
   */
  save?(place: number, length: number): void;
  /** Forces everything written before the call to the storage device, off the loop. Rejects with what the system says. */
  sync(): Promise<void>;
  /**
   * Reads bytes of the ring off the loop into memory of the caller's; undefined where all of it is in the process's own memory anyway.
   *
   * @param at of the ring, from its start
   * @returns false when the storage device can't read them
   */
  readInto?(at: number, target: Uint8Array): Promise<boolean>;
  /** Whether bytes of the ring can be touched without waiting for the storage device; only where {@link readInto} is. False where nobody knows. */
  isInMemory?(at: number, length: number): boolean;
  /** Lets the memory go at the end of the turn: who was handed slices may use them until then. Can be called twice. */
  close(): void;
}

/** A region over a log's file: its header comes first. */
export interface FileBackedRegion extends Region {
  /** Whether the file's bytes are there from the start; else {@link populate} brings them. */
  readonly isLoaded: boolean;
  /**
   * Brings all allocated bytes into memory at once, for a scan.
   * @returns false when a part of them can't be read: touching it would be an error, or kill the process
   */
  populate(): boolean;
  /** Whether this path leads to its file. */
  isNamed(path: string): boolean;
  /** Like {@link sync}, but blocks the loop until the device has everything. */
  syncNow(): void;
}
