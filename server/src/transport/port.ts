/**
 * The port between the network and the hub: accepts connections, turns them into sockets and exchanges, and knows nothing
 * of topics. Two adapters: uws/ (uWebSockets.js) and ws/ (ws with node:http). Both pass test/contract/transport.
 */
import type { Exchange } from "../http/exchange.js";
import type { Socket, SocketHandler } from "../session/socket.js";
import type { TlsFiles } from "./tls.js";

export type TransportName = "uws" | "ws";

/** A WebSocket handshake that has passed the checks of RFC 6455 and of the transport's guard. */
export interface Handshake {
  readonly path: string;
  readonly remoteAddress: string;
  header(name: string): string | undefined;
  /** All entries of all `Sec-WebSocket-Protocol` headers, in order. */
  readonly subprotocols: readonly string[];
}

/** What the application says to a handshake. */
export type HandshakeAnswer =
  | {
      readonly accept: true;
      /** Echoed to the client; nothing is echoed where it is undefined. */
      readonly subprotocol: string | undefined;
      /** Called as soon as the socket is open. */
      open(socket: Socket): SocketHandler;
    }
  | {
      readonly accept: false;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

/** What a transport calls. Neither may throw. */
export interface TransportHandlers {
  /** Decides at once (never asynchronously) about a WebSocket handshake. */
  handshake(handshake: Handshake): HandshakeAnswer;
  /** Handles an HTTP request; answers now or later. */
  request(exchange: Exchange): void;
  /** A request that the transport's guard refused by itself: `code` is a protocol error code, for the metrics. */
  refused(code: string): void;
}

export interface TransportOptions {
  /** Path of the WebSocket endpoint, e.g. `/v1/ws`. Upgrades anywhere else are plain requests. */
  readonly webSocketPath: string;
  /** A message over this is dropped and told as `oversized` up to twice the size; far over it the connection is cut. */
  readonly maxFrameBytes: number;
  /** Header block of a request. */
  readonly maxHeaderBytes: number;
  /** Time for a request's headers and body to arrive. */
  readonly requestTimeoutMs: number;
  /** The most that is ever sent while a socket is `full`; a transport must never drop below it. */
  readonly maxBufferedBytes: number;
  /** Speaks TLS alone with this certificate; plain HTTP and WebSocket where left out. */
  readonly tls?: TlsFiles;
  /** Body of an error that the guard answers by itself. */
  errorBody(code: string, message: string): string;
}

export interface Transport {
  readonly name: TransportName;
  /**
   * Listens; port 0 picks a free one. The port is tried exclusively first.
   * @returns the port
   * @throws RingcastError `unavailable` when the address can't be had; `details.reason` is the system's code, e.g. `EADDRINUSE`
   */
  listen(host: string, port: number): Promise<number>;
  /**
   * New connections get this certificate; those that are open go on. Only for a transport that was made with one.
   * @throws RingcastError `bad_request` with `details.field` when it can't be used; nothing was changed
   */
  renewTls(tls: TlsFiles): void;
  /** Takes no new connections; those that are open go on. */
  stopListening(): void;
  /** Cuts what is still open and frees everything. */
  close(): Promise<void>;
}
