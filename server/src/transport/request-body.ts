/**
 * A request's body on its way in: collects pieces, and settles the one promise that waits for the whole; or swallows what nobody wants.
 */
import { RingcastError } from "@ringcast/protocol";
import { DISCARD_BYTES, DISCARD_PAUSE_MS } from "./limits.js";

export class RequestBody {
  readonly #announcedBytes: number | undefined;
  #pieces: Uint8Array[] = [];
  #receivedBytes = 0;
  #isComplete = false;
  #isCutOff = false;
  #isLate = false;
  #isDropped = false;
  #waiting: Waiting | undefined;
  #swallowing: Swallowing | undefined;

  /** @param announcedBytes length by its header; `undefined` where it comes in chunks */
  constructor(announcedBytes: number | undefined) {
    this.#announcedBytes = announcedBytes;
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
    return this.#waiting !== undefined;
  }

  /**
   * The whole body.
   *
   * @throws RingcastError `too_large` as soon as it is known, `bad_request` when it is late or cut off
   */
  read(maxBytes: number, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(timeoutMs), timeoutMs).unref();
      this.#waiting = { resolve, reject, maxBytes, timer };
      if ((this.#announcedBytes ?? 0) > maxBytes) this.#fail(tooLarge(maxBytes));
      else this.#settle();
    });
  }

  /** Takes a piece, which is kept: hand over a copy. */
  add(piece: Uint8Array): void {
    if (this.#isDropped) {
      this.skip(piece.length);
      return;
    }
    this.#receivedBytes += piece.length;
    this.#pieces.push(piece);
    this.#settle();
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

  /** That was the last piece. */
  complete(): void {
    this.#isComplete = true;
    this.#settle();
    this.#swallowed();
  }

  /** The peer went away. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#settle();
    this.#swallowed();
  }

  /** Nobody wants it: what has come and what will come is thrown away. */
  drop(): void {
    this.#isDropped = true;
    this.#pieces = [];
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

  #settle(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#receivedBytes > waiting.maxBytes) {
      this.#fail(tooLarge(waiting.maxBytes));
      return;
    }
    if (this.#isComplete) {
      this.#succeed(waiting);
      return;
    }
    if (this.#isCutOff) this.#fail(new RingcastError("bad_request", "The request was cut off inside its body."));
  }

  #succeed(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting = undefined;
    const [only, ...more] = this.#pieces;
    waiting.resolve(only !== undefined && more.length === 0 ? only : Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  #giveUp(timeoutMs: number): void {
    this.#isLate = true;
    this.#fail(tookTooLong(timeoutMs));
  }

  #fail(error: RingcastError): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting = undefined;
    this.drop();
    waiting.reject(error);
  }
}

interface Waiting {
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: RingcastError) => void;
  readonly maxBytes: number;
  readonly timer: NodeJS.Timeout;
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
