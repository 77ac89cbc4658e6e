/** The transport of Node: the platform's WebSocket where there is one, else the package `ws` (Node 20). */
import type { Transport, TransportHandler, TransportSocket } from "./port.js";
import { adaptWebSocket, type WebSocketLike } from "./web-socket.js";
import { adaptWs } from "./ws.js";

export const nodeTransport: Transport = (url, subprotocol, handler) => {
  if (typeof WebSocket !== "undefined") return adapt(new WebSocket(url, subprotocol) as NodeWebSocket, handler);
  let socket: TransportSocket | undefined;
  let isClosed = false;
  import("ws").then(
    (ws) => {
      if (isClosed) return;
      // The hub doesn't negotiate compression; not offering it saves the client its buffers.
      socket = adaptWs(new ws.WebSocket(url, subprotocol, { perMessageDeflate: false }), handler);
    },
    (error: unknown) => handler.closed(1006, `the package "ws" can't be loaded: ${String(error)}`),
  );
  return {
    send: (data) => socket?.send(data),
    close: () => {
      isClosed = true;
      socket?.close();
    },
  };
};

interface NodeWebSocket extends WebSocketLike {
  readonly readyState: number;
  onerror: ((event: { readonly message?: string }) => void) | null;
}

const CONNECTING = 0;

/** Unlike browsers, Node says why a connection could not be made. */
function adapt(socket: NodeWebSocket, handler: TransportHandler): TransportSocket {
  let failure = "";
  socket.onerror = ({ message }) => {
    failure = message ?? "";
    // All that Node 22 says of an attempt that failed: `close` never follows there, elsewhere it does and the state is
    // another by now.
    if (socket.readyState === CONNECTING) handler.closed(1006, failure);
  };
  return adaptWebSocket(socket, {
    received: (data) => handler.received(data),
    closed: (code, reason) => handler.closed(code, reason || failure),
  });
}
