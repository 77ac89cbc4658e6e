/**
 * What one connection has to say besides its deliveries: answers in the order of their requests, no more than a bounded number of bytes
 * of them, and nothing into a socket that takes nothing.
 */
import type { Frame, Reader, SendResult } from "../hub/index.js";
import { Replies } from "./replies.js";
import type { Socket } from "./socket.js";

/** Answers that wait for a socket that takes nothing. */
const MAX_WAITING_BYTES = 1_048_576;
/** Answers that may be large are made at once while no more than this waits. */
const MAX_READY_BYTES = 65_536;

/** The session that speaks. */
export interface Speaker {
  readonly reader: Reader;
  /** The socket took no more: nothing is sent before {@link Outgoing.drained}. */
  blocked(): void;
  /** Too many answers wait for a peer that doesn't read them. */
  unread(): void;
}

export class Outgoing {
  /** Bytes of frames handed to the socket. */
  sentBytes = 0;
  readonly #speaker: Speaker;
  readonly #socket: Socket;
  readonly #replies = new Replies();
  /** The socket took no more at the last write. */
  #isBlocked = false;

  constructor(speaker: Speaker, socket: Socket) {
    this.#speaker = speaker;
    this.#socket = socket;
  }

  /** Moves answers to `frames` from index `count` on. @returns the new count */
  take(frames: Frame[], count: number): number {
    const next = this.#replies.take(frames, count);
    if (!this.#replies.isEmpty) this.#speaker.reader.wake();
    return next;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    const result = this.#write(frames, count);
    if (result === "full") {
      this.#isBlocked = true;
      this.#speaker.blocked();
      this.#checkWaiting();
    }
    return result;
  }

  drained(): void {
    this.#isBlocked = false;
  }

  push(reply: Frame | (() => Frame)): void {
    this.#replies.push(reply);
    if (!this.#isBlocked) this.#speaker.reader.wake();
    if (this.#replies.bytes > MAX_WAITING_BYTES) this.#relieve();
  }

  /** A small answer whose bytes hold until the next one is made. Sent at once where the transport puts such frames together. */
  answer(bytes: Uint8Array, isBinary: boolean): void {
    const isFirst = this.#replies.isEmpty && !this.#isBlocked && this.#speaker.reader.subscriptionCount === 0;
    // Where there are subscriptions, answers and what is delivered in this turn leave in one write.
    const result = isFirst ? this.#socket.sendWithin?.(bytes, isBinary) : undefined;
    if (result === undefined) this.push({ bytes: bytes.slice(), binary: isBinary, volatile: false });
    else this.#answered(bytes.length, result);
  }

  /** An answer that may be large: made at once, or when its turn has come where others wait. */
  pushLater(make: () => Frame): void {
    const isRoom = !this.#isBlocked && this.#replies.bytes < MAX_READY_BYTES;
    this.push(isRoom ? make() : make);
  }

  /** The last word. Answers that wait go before it, unless the socket takes nothing. */
  sendLast(frame: Frame): void {
    const frames: Frame[] = [];
    let count = 0;
    while (!this.#isBlocked && !this.#replies.isEmpty) count = this.#replies.take(frames, count);
    frames[count++] = frame;
    this.#write(frames, count);
  }

  /** A peer that asks more in one turn than may wait: it gets its answers now, or none any more. */
  #relieve(): void {
    const frames: Frame[] = [];
    while (!this.#isBlocked && !this.#replies.isEmpty) {
      const result = this.send(frames, this.#replies.take(frames, 0));
      if (result === "full") this.#speaker.reader.blocked();
      if (result === "closed") return;
    }
    this.#checkWaiting();
  }

  #answered(bytes: number, result: SendResult): void {
    this.sentBytes += bytes;
    if (result !== "full") return;
    this.#isBlocked = true;
    this.#speaker.blocked();
    this.#speaker.reader.blocked();
  }

  #checkWaiting(): void {
    if (this.#isBlocked && this.#replies.bytes > MAX_WAITING_BYTES) this.#speaker.unread();
  }

  #write(frames: readonly Frame[], count: number): SendResult {
    for (let at = 0; at < count; at++) this.sentBytes += (frames[at] as Frame).bytes.length;
    return this.#socket.send(frames, count);
  }
}
