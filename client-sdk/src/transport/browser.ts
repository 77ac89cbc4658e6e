/** The transport over the platform's own WebSocket: browsers, workers, and Node from version 22 on. */
import type { Transport } from "./port.js";
import { adaptWebSocket, type WebSocketLike } from "./web-socket.js";

export const browserTransport: Transport = (url, protocols, handler) =>
  adaptWebSocket(new WebSocket(url, [...protocols]) as WebSocketLike, handler);
