/**
 * An answer of unknown length over uWebSockets.js.
 *
 * The library doesn't tell how much of a response waits in its buffer. `write` says whether anything does, but only when
 * it isn't corked, and then it costs four system calls (the framing of a chunk is written piece by piece). So small
 * pieces are corked and believed, and at the latest every {@link BELIEVED_BYTES} one is written so that its answer is
 * true. When the buffer doesn't empty, the last bytes of that piece are held back: one of them is written at each sign
 * of room, for the answer's sake, until everything is out.
 */
import type * as uWebSockets from "uWebSockets.js";
import type { HttpHead, ResponseStream, ResponseStreamHandler } from "../../http/exchange.js";
import { writeHead } from "./answers.js";

/** What may be written without knowing whether the kernel took it. */
const BELIEVED_BYTES = 64 * 1024;
/** A piece over this never fits into the cork buffer: its answer is true even corked. */
const CORK_BYTES = 16 * 1024;
/** Room shows when a third of the kernel's buffer is free, so that a handful of signs empties ours. */
const HELD_BYTES = 32;
/** The library cuts a response 8 to 12 s after a write that didn't go through, unless another one is tried. */
const KEEP_INTERVAL_MS = 3_000;

const EMPTY = new Uint8Array(0);

export class UwsResponseStream implements ResponseStream {
  readonly #handler: ResponseStreamHandler;
  readonly #keeper: StreamKeeper;
  #response: uWebSockets.HttpResponse | undefined;
  /** Bytes that were corked since the buffer was last known to be empty. */
  #believed = 0;
  /** Bytes at the end that were not written yet; there are some exactly while it is full. */
  #held = EMPTY;
  #bufferedBytes = 0;

  constructor(response: uWebSockets.HttpResponse | undefined, handler: ResponseStreamHandler, keeper: StreamKeeper) {
    this.#response = response;
    this.#handler = handler;
    this.#keeper = keeper;
  }

  begin(head: HttpHead): void {
    const response = this.#response;
    if (response === undefined) {
      this.#tellClosed();
      return;
    }
    this.#keeper.add(this);
    response.cork(() => writeHead(response, head.status, head.headers));
    response.onWritable(() => this.#writable());
  }

  write(bytes: Uint8Array): "open" | "full" | "closed" {
    if (this.#response === undefined) return "closed";
    if (this.#held.length > 0) return this.#hold(bytes);
    if (bytes.length > CORK_BYTES) return this.#writeLarge(this.#response, bytes);
    if (this.#believed + bytes.length > BELIEVED_BYTES) return this.#writeAsking(this.#response, bytes);
    this.#writeBelieving(this.#response, bytes);
    return "open";
  }

  bufferedBytes(): number {
    return this.#held.length > 0 ? this.#bufferedBytes : 0;
  }

  end(): void {
    const response = this.#release();
    if (response === undefined) return;
    response.cork(() => response.end(this.#held));
    this.#tellClosed();
  }

  terminate(): void {
    const response = this.#release();
    if (response === undefined) return;
    response.close();
    this.#tellClosed();
  }

  /** The library tells: the peer is gone. */
  gone(): void {
    if (this.#release() !== undefined) this.#handler.closed();
  }

  /** Tries again to send what waits, which puts off the library's time-out. */
  keep(): void {
    if (this.#held.length > 0 || this.#believed > 0) this.#response?.cork(() => {});
  }

  #writeLarge(response: uWebSockets.HttpResponse, bytes: Uint8Array): "open" | "full" {
    let isTaken = true;
    response.cork(() => {
      isTaken = response.write(bytes.subarray(0, bytes.length - HELD_BYTES));
    });
    return this.#asked(response, { bytes, isTaken });
  }

  #writeAsking(response: uWebSockets.HttpResponse, bytes: Uint8Array): "open" | "full" {
    if (bytes.length <= HELD_BYTES) return this.#writeTiny(response, bytes);
    const isTaken = response.write(bytes.subarray(0, bytes.length - HELD_BYTES));
    return this.#asked(response, { bytes, isTaken });
  }

  /** Too short to hold something back: it waits for the next one. */
  #writeTiny(response: uWebSockets.HttpResponse, bytes: Uint8Array): "open" {
    this.#writeBelieving(response, bytes);
    return "open";
  }

  /** All but the last bytes were written, and the answer is true. */
  #asked(response: uWebSockets.HttpResponse, written: { bytes: Uint8Array; isTaken: boolean }): "open" | "full" {
    const tail = written.bytes.subarray(written.bytes.length - HELD_BYTES);
    if (written.isTaken) {
      this.#believed = 0;
      this.#writeBelieving(response, tail);
      return "open";
    }
    this.#bufferedBytes = this.#believed + written.bytes.length;
    this.#held = tail.slice();
    return "full";
  }

  #writeBelieving(response: uWebSockets.HttpResponse, bytes: Uint8Array): void {
    this.#believed += bytes.length;
    response.cork(() => response.write(bytes));
  }

  #hold(bytes: Uint8Array): "full" {
    this.#held = Buffer.concat([this.#held, bytes]);
    this.#bufferedBytes += bytes.length;
    return "full";
  }

  /** @returns always true: the library would try to send by itself otherwise, which it does in {@link keep} */
  #writable(): boolean {
    const response = this.#response;
    if (response === undefined) return true;
    if (this.#held.length === 0) {
      this.keep();
      return true;
    }
    const isEmptied = response.write(this.#held.subarray(0, 1));
    const rest = this.#held.subarray(1);
    this.#held = rest;
    if (!isEmptied && rest.length > 0) return true;
    this.#held = EMPTY;
    this.#believed = 0;
    if (rest.length > 0) this.#writeBelieving(response, rest);
    this.#handler.drain();
    return true;
  }

  #release(): uWebSockets.HttpResponse | undefined {
    const response = this.#response;
    this.#response = undefined;
    this.#keeper.delete(this);
    return response;
  }

  /** Later, because the caller is in the middle of something. */
  #tellClosed(): void {
    queueMicrotask(() => this.#handler.closed());
  }
}

/** Keeps all streams of a transport from being cut by the library. One timer for all, none without streams. */
export class StreamKeeper {
  readonly #streams = new Set<UwsResponseStream>();
  #timer: NodeJS.Timeout | undefined;

  add(stream: UwsResponseStream): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#keepAll(), KEEP_INTERVAL_MS).unref();
  }

  delete(stream: UwsResponseStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #keepAll(): void {
    for (const stream of this.#streams) stream.keep();
  }
}
