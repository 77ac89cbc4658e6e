/** Adapts anything with the interface of the browsers' WebSocket to the transport port. */
import type { FrameData, TransportHandler, TransportSocket } from "./port.js";

/** The part of the WebSocket interface that we use; the platform's and that of `ws` both have it. */
export interface WebSocketLike {
  binaryType: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: FrameData): void;
  close(): void;
}

/**
 * Wires a socket that was just made to the handler. An error needs no handler: `close` follows it, and browsers don't
 * say more.
 */
export function adaptWebSocket(socket: WebSocketLike, handler: TransportHandler): TransportSocket {
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) =>
    handler.received(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  socket.onclose = ({ code, reason }) => handler.closed(code, reason);
  return socket;
}
