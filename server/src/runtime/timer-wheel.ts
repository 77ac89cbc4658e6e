/**
 * One timer for many things with a time of their own (connections, logs whose records expire): a wheel of slots, each with what is to be looked at in
 * its tenth of a second. What is heard of is not moved: when its time comes it says when to look again.
 */
import type { Runtime, Timer } from "./port.js";

/** Times are looked at so often. */
export const WHEEL_STEP_MS = 100;
/** A longer time goes round more than once: the wheel looks in between, and is told to come back. */
const SLOTS = 512;

/** Something in the wheel; the links and the slot are the wheel's. */
export interface Timed {
  wheelNext: Timed | undefined;
  wheelPrevious: Timed | undefined;
  /** -1: in no slot. */
  wheelSlot: number;
  /** @returns milliseconds until the next look; undefined: no more */
  look(nowMs: number): number | undefined;
}

export class TimerWheel {
  readonly #runtime: Runtime;
  readonly #slots = new Array<Timed | undefined>(SLOTS).fill(undefined);
  /** Slots passed since the start. */
  #turned = 0;
  #count = 0;
  #timer: Timer | undefined = undefined;
  #nowMs: number;
  readonly #turn = (): void => this.#advance();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#nowMs = Math.floor(runtime.monotonicMs());
  }

  /** The monotonic clock as it was at the last slot while anything is in the wheel: exact to about a slot, and free. Whole milliseconds, which take no memory of their own where they are kept. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Puts something in that is in no slot. */
  add(timed: Timed, delayMs: number): void {
    if (this.#count === 0) this.#start();
    this.#count += 1;
    this.#insert(timed, delayMs);
  }

  /** Harmless when it is in no slot. */
  remove(timed: Timed): void {
    if (timed.wheelSlot < 0) return;
    this.#unlink(timed);
    this.#count -= 1;
    if (this.#count === 0) this.stop();
  }

  /** Looks sooner than was said; never later. */
  hasten(timed: Timed, delayMs: number): void {
    if (timed.wheelSlot < 0) return;
    const ahead = (timed.wheelSlot - this.#turned + SLOTS) % SLOTS;
    if (ahead * WHEEL_STEP_MS <= delayMs) return;
    this.#unlink(timed);
    this.#insert(timed, delayMs);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #start(): void {
    this.#nowMs = Math.floor(this.#runtime.monotonicMs());
    this.#timer ??= this.#runtime.setTimer(WHEEL_STEP_MS, this.#turn);
  }

  #advance(): void {
    const now = Math.floor(this.#runtime.monotonicMs());
    // A late timer makes up for the slots it missed, each at most once.
    const passed = Math.min(SLOTS, Math.max(1, Math.round((now - this.#nowMs) / WHEEL_STEP_MS)));
    this.#nowMs = now;
    this.#timer = this.#runtime.setTimer(WHEEL_STEP_MS, this.#turn);
    for (let i = 0; i < passed && this.#count > 0; i++) {
      this.#turned += 1;
      this.#lookAt(this.#turned % SLOTS, now);
    }
  }

  /** Nothing comes back into the slot that is being looked at, so this ends. */
  #lookAt(slot: number, now: number): void {
    for (let timed = this.#slots[slot]; timed !== undefined; timed = this.#slots[slot]) {
      this.#unlink(timed);
      this.#count -= 1;
      const delayMs = timed.look(now);
      if (delayMs !== undefined && timed.wheelSlot < 0) this.add(timed, delayMs);
    }
    if (this.#count === 0) this.stop();
  }

  #insert(timed: Timed, delayMs: number): void {
    const ahead = Math.min(SLOTS - 1, Math.max(1, Math.ceil(delayMs / WHEEL_STEP_MS)));
    const slot = (this.#turned + ahead) % SLOTS;
    const first = this.#slots[slot];
    timed.wheelSlot = slot;
    timed.wheelPrevious = undefined;
    timed.wheelNext = first;
    if (first !== undefined) first.wheelPrevious = timed;
    this.#slots[slot] = timed;
  }

  #unlink(timed: Timed): void {
    const { wheelNext, wheelPrevious } = timed;
    if (wheelPrevious === undefined) this.#slots[timed.wheelSlot] = wheelNext;
    else wheelPrevious.wheelNext = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    timed.wheelSlot = -1;
    timed.wheelNext = timed.wheelPrevious = undefined;
  }
}
