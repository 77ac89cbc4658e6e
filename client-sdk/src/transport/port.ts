/**
 * Bytes in, bytes out, closed: all that the SDK wants of a WebSocket.
 */

/** One WebSocket message: text, or bytes of a binary one. */
export type FrameData = string | Uint8Array;

/** What the transport tells of one connection. After `closed` nothing follows. */
export interface TransportHandler {
  received(data: FrameData): void;
  /**
   * The connection is gone, or could not be made.
   * @param code   WebSocket close code; 1006 where there was none
   * @param reason what the other side or the platform said; may be empty
   */
  closed(code: number, reason: string): void;
}

export interface TransportSocket {
  /**
   * Sends one message; called after the first one came in (the hub speaks first). Dropped when the connection is gone.
   */
  send(data: FrameData): void;
  /** Ends the connection: what was sent still goes out, then the close frame. Harmless when closed. */
  close(): void;
}

/**
 * Opens a WebSocket connection; the outcome is told to the handler, never thrown for what the network does.
 *
 * @param url         of the hub's WebSocket route, `ws:` or `wss:`
 * @param subprotocol to offer
 */
export type Transport = (url: string, subprotocol: string, handler: TransportHandler) => TransportSocket;
