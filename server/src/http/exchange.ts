import type { RingcastError } from "@ringcast/protocol";

/**
 * Gets a request's body, or why it can't be had: `too_large`, `bad_request` when the peer took too long or went away.
 * The bytes hold until the call returns.
 */
export type BodyTaker = (body: Uint8Array | RingcastError) => void;

/**
 * One HTTP request and its answer, as the routes need it. transport/ implements it; everything here stays valid after an
 * `await` (unlike what uWebSockets.js hands out).
 */
export interface Exchange {
  /** Upper case. */
  readonly method: string;
  /** Path as it came, undecoded, without the query. */
  readonly path: string;
  /** Query as it came, undecoded, without the question mark; empty where there is none. */
  readonly query: string;
  /** Looked up when it is first asked for; empty where that is only after the answer, or when the peer is gone. */
  readonly remoteAddress: string;
  /** Value of a request header by its lower-case name; of one that came several times, joined by `, `. */
  header(name: string): string | undefined;
  /** How often a request header came, by its lower-case name: where twice is an error. */
  headerCount(name: string): number;
  /**
   * Reads the whole body once, and hands it over: within this call where it is known already what comes of it, or later.
   * It is `too_large` as soon as more than `maxBytes` were announced or received.
   */
  readBody(maxBytes: number, take: BodyTaker): void;
  /** Answers and ends the exchange. Content-Length is added; HEAD sends no body. Only once. Harmless when the peer is gone. */
  respond(response: HttpResponse): void;
  /** Begins an answer of unknown length (Server-Sent Events). Only once, instead of {@link respond}. */
  stream(head: HttpHead, events: ResponseStreamHandler): ResponseStream;
  /** Whether the peer has gone away. */
  readonly aborted: boolean;
}

export interface HttpHead {
  readonly status: number;
  /** Names in their usual writing, e.g. `Content-Type`. What a frozen object comes to is kept by a transport: freeze one that is used again and again. */
  readonly headers: Readonly<Record<string, string>>;
  /** Closes the connection after the answer: where the framing of the request is in doubt. */
  readonly close?: boolean;
}

export interface HttpResponse extends HttpHead {
  readonly body: Uint8Array | string;
  /** Its bytes hold only until {@link Exchange.respond} returns: what can't be taken at once must be copied. */
  readonly volatile?: boolean;
}

export interface ResponseStream {
  /**
   * Writes a piece. `full`: took it, but bytes wait; write nothing big before `drain`. The bytes must not change afterwards.
   * The head may leave only with the first piece: write one (a comment) at once.
   */
  write(bytes: Uint8Array): "open" | "full" | "closed";
  /** Bytes handed to {@link write} that the kernel has not taken yet, at most; 0 while it is `open`. */
  bufferedBytes(): number;
  /** Ends the answer once everything written has been taken. Harmless when closed. */
  end(): void;
  /** Cuts the connection at once, unsent bytes are dropped: for a reader that has stopped reading. Harmless when closed. */
  terminate(): void;
}

export interface ResponseStreamHandler {
  drain(): void;
  /** The peer is gone, or the stream has ended. Called exactly once. */
  closed(): void;
}
