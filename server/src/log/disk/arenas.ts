/**
 * Address space for mapped files. A view over mapped memory can't be taken back: touched after an unmapping it kills the process, and the next
 * mapping may get the same address, so that a stale view reads another topic's log. So address space is reserved in large pieces, each has one
 * view for ever, and files are mapped over parts of them (slots). A slot that was let go holds no memory: a stale read there still kills, so letting go waits for the end of the turn.
 */
import { isInMemory, mapFile, populate, reserve, unmapToReservation, viewOf } from "./libc.js";

const FIRST_ARENA_BYTES = 2 ** 30;
/** As long as a typed array may be on Node 20. Each view costs a garbage collection, so further arenas are as large as can be. */
const LARGEST_ARENA_BYTES = 2 ** 32 - 65_536;
/** Slots begin and end at multiples of the largest page size there is. */
const SLOT_ALIGNMENT = 65_536;

/** One reservation; `free` are its unused stretches, ascending by place, never touching each other. */
interface Arena {
  readonly address: bigint;
  readonly length: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly free: Stretch[];
}

interface Stretch {
  at: number;
  length: number;
}

/** A part of an arena with a file mapped over it. */
export interface Slot {
  readonly arena: Arena;
  readonly at: number;
  readonly length: number;
}

/** The arenas of one process and the slots in them. */
export class Arenas {
  readonly #arenas: Arena[] = [];
  #mappedBytes = 0;

  /** Bytes of address space with a file behind it. */
  get mappedBytes(): number {
    return this.#mappedBytes;
  }

  /**
   * Maps a file from its start, `length` bytes of address space (more than the file has is fine, as long as nobody touches it).
   * @throws LibcError `ENOMEM` when the system allows no more mappings
   */
  map(fd: number, length: number): Slot {
    const rounded = Math.ceil(length / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const slot = this.#take(rounded);
    try {
      mapFile(addressOfSlot(slot), rounded, fd);
    } catch (error) {
      giveBack(slot.arena.free, slot.at, slot.length);
      throw error;
    }
    this.#mappedBytes += rounded;
    return slot;
  }

  /** Lets a slot go. Nobody may touch its bytes from now on. */
  unmap(slot: Slot): void {
    const isOurs = unmapToReservation(addressOfSlot(slot), slot.length);
    this.#mappedBytes -= slot.length;
    if (isOurs) giveBack(slot.arena.free, slot.at, slot.length);
  }

  /**
   * Brings the first `length` bytes of a slot's file into the page tables at once, instead of page by page.
   * @returns whether all of them can be read; undefined where the kernel is too old to tell
   */
  populate(slot: Slot, length: number): boolean | undefined {
    return populate(addressOfSlot(slot), Math.min(length, slot.length));
  }

  /** Whether `length` bytes from place `at` of a slot are in memory. False also where nobody knows. */
  isInMemory(slot: Slot, at: number, length: number): boolean {
    return isInMemory(addressOfSlot(slot) + BigInt(at), Math.min(length, slot.length - at));
  }

  #take(length: number): Slot {
    for (const arena of this.#arenas) {
      const at = takeFrom(arena.free, length);
      if (at >= 0) return { arena, at, length };
    }
    const usualBytes = this.#arenas.length === 0 ? FIRST_ARENA_BYTES : LARGEST_ARENA_BYTES;
    const arena = makeArena(Math.max(length, usualBytes));
    this.#arenas.push(arena);
    return { arena, at: takeFrom(arena.free, length), length };
  }
}

function makeArena(length: number): Arena {
  const address = reserve(length);
  const buffer = viewOf(address, length);
  return {
    address,
    length,
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    free: [{ at: 0, length }],
  };
}

function addressOfSlot(slot: Slot): bigint {
  return slot.arena.address + BigInt(slot.at);
}

/** First fit. @returns the place, -1 when no stretch is long enough */
function takeFrom(free: Stretch[], length: number): number {
  for (let i = 0; i < free.length; i++) {
    const stretch = free[i] as Stretch;
    if (stretch.length < length) continue;
    const at = stretch.at;
    stretch.at += length;
    stretch.length -= length;
    if (stretch.length === 0) free.splice(i, 1);
    return at;
  }
  return -1;
}

function giveBack(free: Stretch[], at: number, length: number): void {
  let i = free.findIndex((stretch) => stretch.at > at);
  if (i < 0) i = free.length;
  free.splice(i, 0, { at, length });
  joinWithNext(free, i);
  if (i > 0) joinWithNext(free, i - 1);
}

function joinWithNext(free: Stretch[], i: number): void {
  const stretch = free[i];
  const next = free[i + 1];
  if (stretch === undefined || next === undefined || stretch.at + stretch.length !== next.at) return;
  stretch.length += next.length;
  free.splice(i + 1, 1);
}
