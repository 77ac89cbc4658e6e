/**
 * A request's body on its way in: collects pieces, and hands the whole to the one who waits for it; or swallows what nobody wants.
 */
import { RingcastError } from "@ringcast/protocol";
import type { BodyTaker } from "../http/exchange.js";
import type { Awaited, LateBodies } from "./late-bodies.js";
import { DISCARD_BYTES, DISCARD_PAUSE_MS } from "./limits.js";

const NOTHING = new Uint8Array(0);

export class RequestBody implements Awaited {
  deadline = 0;
  before: Awaited | undefined;
  after: Awaited | undefined;
  readonly #announcedBytes: number | undefined;
  readonly #lateBodies: LateBodies;
  /** All that has come: one piece in nearly every case. */
  #first: Uint8Array = NOTHING;
  #further: Uint8Array[] | undefined;
  #receivedBytes = 0;
  #isComplete = false;
  #isCutOff = false;
  #isLate = false;
  /** In the line of {@link LateBodies}. */
  #isAwaited = false;
  #isDropped = false;
  #take: BodyTaker | undefined;
  #maxBytes = 0;
  #swallowing: Swallowing | undefined;

  /**
   * @param announcedBytes length by its header; `undefined` where it comes in chunks
   * @param lateBodies gives it up when it is read and doesn't come
   */
  constructor(announcedBytes: number | undefined, lateBodies: LateBodies) {
    this.#announcedBytes = announcedBytes;
    this.#lateBodies = lateBodies;
    this.#isComplete = announcedBytes === 0;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** How much is still to come; infinite where it comes in chunks, or so slowly that nobody waits for it. */
  get missingBytes(): number {
    if (this.#isLate) return Infinity;
    return this.#isComplete ? 0 : (this.#announcedBytes ?? Infinity) - this.#receivedBytes;
  }

  /** Whether its sender has been answered that it comes too slowly. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Whether nobody wants it: pieces of it need not be handed over any more, their lengths are enough. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Whether somebody waits for more. */
  get isWanted(): boolean {
    return this.#take !== undefined;
  }

  /** Hands over the whole body, or the error: `too_large` as soon as it is known, `bad_request` when it is late or cut off. */
  read(maxBytes: number, take: BodyTaker): void {
    this.#take = take;
    this.#maxBytes = maxBytes;
    if ((this.#announcedBytes ?? 0) > maxBytes) this.#fail(tooLarge(maxBytes));
    else if (!this.#isSettled()) this.#await();
  }

  /** Takes a piece, which is kept: hand over a copy. */
  add(piece: Uint8Array): void {
    if (this.#isDropped) {
      this.skip(piece.length);
      return;
    }
    this.#keep(piece);
    this.#isSettled();
  }

  /** Counts a piece of a body that was dropped. */
  skip(bytes: number): void {
    this.#receivedBytes += bytes;
    const swallowing = this.#swallowing;
    if (swallowing === undefined) return;
    const isTooMuch = this.#receivedBytes - swallowing.fromBytes > DISCARD_BYTES;
    if (isTooMuch || performance.now() > swallowing.deadline) this.#swallowed();
    else swallowing.timer.refresh();
  }

  /** That was all. */
  complete(): void {
    this.#isComplete = true;
    this.#isSettled();
    this.#swallowed();
  }

  /** Takes the last piece, which may be overwritten when this returns. */
  completeWith(piece: Uint8Array): void {
    if (this.#isDropped) this.skip(piece.length);
    else this.#keep(this.isWanted ? piece : new Uint8Array(piece));
    this.complete();
  }

  /** The peer went away. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#isSettled();
    this.#swallowed();
  }

  /** Nobody wants it: what has come and what will come is thrown away. */
  drop(): void {
    this.#isDropped = true;
    this.#first = NOTHING;
    this.#further = undefined;
  }

  /**
   * Drops it, and tells when the connection can be closed without the answer being lost: everything has come, the peer is gone, or it sends too much, for too long,
   * or no more.
   *
   * @param timeoutMs for all that is still to come
   * @param over called once, later than this returns
   */
  swallow(timeoutMs: number, over: () => void): void {
    this.drop();
    const pauseMs = Math.min(DISCARD_PAUSE_MS, timeoutMs);
    const timer = setTimeout(() => this.#swallowed(), pauseMs).unref();
    this.#swallowing = { over, timer, fromBytes: this.#receivedBytes, deadline: performance.now() + timeoutMs };
    if (this.#isComplete || this.#isCutOff) queueMicrotask(() => this.#swallowed());
  }

  #swallowed(): void {
    const swallowing = this.#swallowing;
    if (swallowing === undefined) return;
    this.#swallowing = undefined;
    clearTimeout(swallowing.timer);
    swallowing.over();
  }

  /** Its time is over. */
  giveUp(): void {
    this.#isLate = true;
    this.#fail(tookTooLong(this.#lateBodies.timeoutMs));
  }

  #await(): void {
    this.#isAwaited = true;
    this.#lateBodies.add(this);
  }

  #keep(piece: Uint8Array): void {
    if (this.#receivedBytes === 0) this.#first = piece;
    else (this.#further ??= []).push(piece);
    this.#receivedBytes += piece.length;
  }

  /** Tells whoever waits as soon as there is something to be told. @returns whether nobody waits any more */
  #isSettled(): boolean {
    if (this.#take === undefined) return true;
    if (this.#receivedBytes > this.#maxBytes) this.#fail(tooLarge(this.#maxBytes));
    else if (this.#isComplete) this.#succeed();
    else if (this.#isCutOff) this.#fail(new RingcastError("bad_request", "The request was cut off inside its body."));
    else return false;
    return true;
  }

  #succeed(): void {
    const body = this.#further === undefined ? this.#first : Buffer.concat([this.#first, ...this.#further]);
    this.#first = NOTHING;
    this.#further = undefined;
    this.#tell(body);
  }

  #fail(error: RingcastError): void {
    if (this.#take === undefined) return;
    this.drop();
    this.#tell(error);
  }

  #tell(outcome: Uint8Array | RingcastError): void {
    const take = this.#take;
    if (this.#isAwaited) this.#lateBodies.delete(this);
    this.#isAwaited = false;
    this.#take = undefined;
    take?.(outcome);
  }
}

interface Swallowing {
  readonly over: () => void;
  readonly timer: NodeJS.Timeout;
  /** What had been received when it began. */
  readonly fromBytes: number;
  /** By `performance.now()`. */
  readonly deadline: number;
}

function tooLarge(maxBytes: number): RingcastError {
  return new RingcastError("too_large", `Send a body of at most ${maxBytes} bytes.`, { limit: maxBytes });
}

function tookTooLong(timeoutMs: number): RingcastError {
  return new RingcastError("bad_request", `Send the whole body within ${timeoutMs} ms.`, { timeoutMs });
}
