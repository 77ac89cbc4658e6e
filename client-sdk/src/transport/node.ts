/** The transport of Node: the platform's WebSocket where there is one, else the package `ws` (Node 20). */
import { browserTransport } from "./browser.js";
import type { Transport, TransportSocket } from "./port.js";
import { adaptWebSocket, type WebSocketLike } from "./web-socket.js";

export const nodeTransport: Transport = (url, protocols, handler) =>
  typeof WebSocket === "undefined"
    ? openWhenLoaded(url, protocols, handler)
    : browserTransport(url, protocols, handler);

const openWhenLoaded: Transport = (url, protocols, handler) => {
  let socket: TransportSocket | undefined;
  let isClosed = false;
  import("ws").then(
    ({ WebSocket: NodeWebSocket }) => {
      if (isClosed) return;
      // The hub doesn't negotiate compression; not offering it saves the client its buffers.
      const opened = new NodeWebSocket(url, [...protocols], { perMessageDeflate: false });
      socket = adaptWebSocket(opened as unknown as WebSocketLike, handler);
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
