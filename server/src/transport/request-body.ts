/**
 * A request's body on its way in: collects pieces, and settles the one promise that waits for the whole.
 */
import { RingcastError } from "@ringcast/protocol";

export class RequestBody {
  readonly #announcedBytes: number | undefined;
  #pieces: Uint8Array[] = [];
  #receivedBytes = 0;
  #isComplete = false;
  #isCutOff = false;
  #isLate = false;
  #isDropped = false;
  #waiting: Waiting | undefined;

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
    this.#receivedBytes += piece.length;
    if (this.#isDropped) return;
    this.#pieces.push(piece);
    this.#settle();
  }

  /** That was the last piece. */
  complete(): void {
    this.#isComplete = true;
    this.#settle();
  }

  /** The peer went away. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#settle();
  }

  /** Nobody wants it: what has come and what will come is thrown away. */
  drop(): void {
    this.#isDropped = true;
    this.#pieces = [];
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

function tooLarge(maxBytes: number): RingcastError {
  return new RingcastError("too_large", `Send a body of at most ${maxBytes} bytes.`, { limit: maxBytes });
}

function tookTooLong(timeoutMs: number): RingcastError {
  return new RingcastError("bad_request", `Send the whole body within ${timeoutMs} ms.`, { timeoutMs });
}
