/**
 * An answer of unknown length over node:http.
 */
import type { ServerResponse } from "node:http";
import type { ResponseStream, ResponseStreamHandler } from "../../http/exchange.js";
import { CLOSE_TIMEOUT_MS } from "../limits.js";

export class WsResponseStream implements ResponseStream {
  readonly #response: ServerResponse;
  readonly #handler: ResponseStreamHandler;
  readonly #written = (): void => this.#drained();
  #isClosed = false;
  #isFull = false;

  constructor(response: ServerResponse, handler: ResponseStreamHandler) {
    this.#response = response;
    this.#handler = handler;
    if (response.closed) queueMicrotask(() => this.#closed());
    else response.once("close", () => this.#closed());
  }

  begin(): void {
    this.#response.flushHeaders();
  }

  write(bytes: Uint8Array): "open" | "full" | "closed" {
    if (this.#isClosed || this.#response.writableEnded) return "closed";
    if (bytes.length === 0) return this.#isFull ? "full" : "open";
    // Corked by hand: otherwise Node corks until the end of the turn, and everything seems to wait.
    const net = this.#response.socket;
    net?.cork();
    this.#response.write(bytes, this.#written);
    net?.uncork();
    this.#isFull = this.#response.writableLength > 0;
    return this.#isFull ? "full" : "open";
  }

  bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#response.writableLength;
  }

  end(): void {
    if (this.#isClosed || this.#response.writableEnded) return;
    this.#response.end();
    if (this.#response.writableFinished) return;
    const timer = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref();
    this.#response.once("close", () => clearTimeout(timer));
  }

  terminate(): void {
    this.#response.destroy();
  }

  #drained(): void {
    if (!this.#isFull || this.#isClosed || this.#response.writableLength > 0) return;
    this.#isFull = false;
    if (!this.#response.writableEnded) this.#handler.drain();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler.closed();
  }
}
