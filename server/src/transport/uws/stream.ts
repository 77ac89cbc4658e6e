/**
 * An answer of unknown length over uWebSockets.js.
 *
 * The library doesn't say how much of a response waits in its buffer. What `write` says is true for a piece that doesn't
 * fit into the cork buffer; of a small one it says whether anything from before still waits. So the last bytes of a
 * large piece are held back when the rest of it has to wait: one of them is written at each sign of room, for the
 * answer's sake, until everything is out.
 */
import type * as uWebSockets from "uWebSockets.js";
import type { HttpHead, ResponseStream, ResponseStreamHandler } from "../../http/exchange.js";
import { writeHead } from "./answers.js";

/** A piece over this leaves at once instead of waiting in the cork buffer. */
const CORK_BYTES = 15 * 1024;
/** Room shows when a third of the kernel's buffer is free, so that a handful of signs empties ours. */
const HELD_BYTES = 32;
/** The library cuts a response 8 to 12 s after a write that didn't go through. */
const KEEP_INTERVAL_MS = 3_000;

const EMPTY = new Uint8Array(0);

export class UwsResponseStream implements ResponseStream {
  readonly #handler: ResponseStreamHandler;
  readonly #keeper: StreamKeeper;
  #response: uWebSockets.HttpResponse | undefined;
  /** Bytes of the latest piece, as long as it may wait unseen. */
  #unsure = 0;
  #isFull = false;
  /** Bytes at the end that were not written yet. */
  #held: Uint8Array = EMPTY;
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
    response.onWritable(() => {
      this.#writable();
      return true;
    });
  }

  write(bytes: Uint8Array): "open" | "full" | "closed" {
    const response = this.#response;
    if (response === undefined) return "closed";
    if (this.#held.length > 0) return this.#hold(bytes);
    if (bytes.length === 0) return this.#isFull ? "full" : "open";
    const isLarge = bytes.length > CORK_BYTES + HELD_BYTES;
    const now = isLarge ? bytes.subarray(0, -HELD_BYTES) : bytes;
    const rest = isLarge ? bytes.subarray(-HELD_BYTES) : EMPTY;
    if (writeCorked(response, now)) {
      if (isLarge) writeCorked(response, rest);
      this.#unsure = isLarge ? 0 : bytes.length;
      return this.#isFull ? "full" : "open";
    }
    this.#bufferedBytes = (this.#isFull ? this.#bufferedBytes : this.#unsure) + bytes.length;
    this.#isFull = true;
    this.#held = rest.slice();
    return "full";
  }

  bufferedBytes(): number {
    return this.#isFull ? this.#bufferedBytes : 0;
  }

  end(): void {
    const held = this.#held;
    const response = this.#release();
    if (response === undefined) return;
    response.cork(() => response.end(held));
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

  /** Puts off the library's time-out, which starts anew when a connection is resumed. */
  keep(): void {
    this.#response?.pause();
    this.#response?.resume();
  }

  #hold(bytes: Uint8Array): "full" {
    this.#held = Buffer.concat([this.#held, bytes]);
    this.#bufferedBytes += bytes.length;
    return "full";
  }

  /** There is room. The library sends nothing by itself once it has told so; an empty cork does. */
  #writable(): void {
    const response = this.#response;
    if (response === undefined) return;
    if (this.#held.length > 1) {
      const isEmptied = writeCorked(response, this.#held.subarray(0, 1));
      this.#held = this.#held.subarray(1);
      if (!isEmptied) return;
    } else {
      response.cork(() => {});
    }
    if (this.#isFull) this.#emptied(response);
  }

  #emptied(response: uWebSockets.HttpResponse): void {
    writeCorked(response, this.#held);
    this.#unsure = this.#held.length;
    this.#held = EMPTY;
    this.#isFull = false;
    this.#handler.drain();
  }

  #release(): uWebSockets.HttpResponse | undefined {
    const response = this.#response;
    this.#response = undefined;
    this.#held = EMPTY;
    this.#isFull = false;
    this.#keeper.delete(this);
    return response;
  }

  /** Later, because the caller is in the middle of something. */
  #tellClosed(): void {
    queueMicrotask(() => this.#handler.closed());
  }
}

/** @returns whether nothing waits, as far as the library knows: see above */
function writeCorked(response: uWebSockets.HttpResponse, bytes: Uint8Array): boolean {
  let isTaken = true;
  response.cork(() => (isTaken = response.write(bytes)));
  return isTaken;
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
