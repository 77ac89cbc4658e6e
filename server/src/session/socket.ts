/**
 * The socket that a session needs. transport/ implements it over uWebSockets.js and over ws; nobody else knows which.
 */

import type { Frame, SendResult } from "../hub/index.js";

export type { Frame, SendResult } from "../hub/index.js";

export interface Socket {
  /** Address of the peer without port. */
  readonly remoteAddress: string;
  /**
   * Sends the first `count` frames, in order, in as few writes as the transport can (one where it is possible).
   * What the kernel doesn't take is kept by the transport until it does; it is for the caller to stop at `full`.
   */
  send(frames: readonly Frame[], count: number): SendResult;
  /**
   * Sends one small frame where the transport puts such frames together by itself: while it hands out the messages of one packet. It copies the bytes.
   * Left out where it never does.
   *
   * @returns undefined where it doesn't at the moment: the frame is for {@link send}
   */
  sendWithin?(bytes: Uint8Array, isBinary: boolean): SendResult | undefined;
  /** Bytes handed to {@link send} that the kernel has not taken yet. */
  bufferedBytes(): number;
  /** Sends a WebSocket ping. */
  ping(): void;
  /** Sends what is buffered, then the close frame. The handler's `closed` follows. Harmless when closed. */
  close(code: number, reason: string): void;
  /** Cuts the connection at once, unsent bytes are dropped. The handler's `closed` follows. Harmless when closed. */
  terminate(): void;
}

/** What the transport tells of one socket; made when the socket opens. Nothing may be thrown by these. */
export interface SocketHandler {
  /** A whole message. `bytes` are valid during the call only. A text message has been checked to be UTF-8. */
  message(bytes: Uint8Array, binary: boolean): void;
  /** A ping or a pong came: the peer is alive. */
  alive(): void;
  /** Everything that was buffered has been taken by the kernel. */
  drain(): void;
  /** A message over `maxFrameBytes` arrived and was dropped; the handler sends `too_large` and closes with 1009. */
  oversized(): void;
  /** The connection is gone; nothing can be sent any more. Called exactly once. */
  closed(code: number): void;
}
