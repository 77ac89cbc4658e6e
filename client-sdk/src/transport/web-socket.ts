/** Adapts anything with the interface of the browsers' WebSocket to the transport port. */
import type { FrameData, TransportHandler, TransportSocket } from "./port.js";

/** The part of the WebSocket interface that we use; the platform's and that of `ws` both have it. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: FrameData): void;
  close(): void;
}

const OPEN = 1;

/** Wires a socket that was just made to the handler. */
export function adaptWebSocket(socket: WebSocketLike, handler: TransportHandler): TransportSocket {
  let failure = "";
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    handler.received(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  };
  // Always followed by `close`; only some platforms say what went wrong.
  socket.onerror = ({ message }) => {
    failure = message ?? "";
  };
  socket.onclose = ({ code, reason }) => handler.closed(code, reason || failure);
  return {
    send: (data) => {
      if (socket.readyState === OPEN) socket.send(data);
    },
    close: () => socket.close(),
  };
}
