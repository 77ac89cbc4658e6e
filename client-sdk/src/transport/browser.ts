/** The transport over the platform's own WebSocket: browsers, workers, and Node from version 22 on. */
import type { Transport } from "./port.js";
import { adaptWebSocket, type WebSocketLike } from "./web-socket.js";

export const browserTransport: Transport = (url, subprotocol, handler) =>
  adaptWebSocket(new WebSocket(url, subprotocol) as WebSocketLike, handler);
