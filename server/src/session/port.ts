/**
 * The door of the session: decides WebSocket handshakes and runs one session per socket.
 */
import type { ErrorCode, Limits, RingcastError } from "@ringcast/protocol";
import type { Hub } from "../hub/index.js";
import type { Runtime } from "../runtime/index.js";
import type { Socket, SocketHandler } from "./socket.js";

/** Who a token belongs to. */
export interface Identity {
  readonly subject: string;
  /** When it ends, milliseconds since 1970; null: never. */
  readonly expires: number | null;
}

/** Checks tokens; what a token is, is its own affair. */
export interface TokenVerifier {
  /** @returns undefined for a token that is wrong, expired or revoked */
  verify(token: string, remoteAddress: string): Identity | undefined;
}

/** The facts of a handshake that a session needs; Origin and Host have been checked before. */
export interface SessionHandshake {
  /** All entries of all `Sec-WebSocket-Protocol` headers, in order. */
  readonly subprotocols: readonly string[];
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  readonly remoteAddress: string;
}

export type SessionAnswer =
  | { readonly accept: true; readonly subprotocol: string | undefined; open(socket: Socket): SocketHandler }
  | { readonly accept: false; readonly error: RingcastError };

export interface SessionOptions {
  readonly hub: Hub;
  readonly runtime: Runtime;
  /** What `welcome` tells; the session enforces frame, idle and ping limits of it. */
  readonly limits: Limits;
  /** e.g. `ringcast/0.1.0` */
  readonly server: string;
  readonly instance: string;
  /** Undefined: no token is required. */
  readonly tokens: TokenVerifier | undefined;
  readonly authTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** Connections at once; one more is refused in the handshake with `too_many`. */
  readonly maxConnections: number;
}

/** Counters since the start. */
export interface SessionStats {
  /** Gauge. */
  readonly connections: number;
  readonly opened: number;
  /** Frames that came in. */
  readonly receivedFrames: number;
  readonly receivedBytes: number;
  /** Errors answered, by code. */
  readonly errors: ReadonlyMap<ErrorCode, number>;
  /** Connections closed by the hub, by close code. */
  readonly closes: ReadonlyMap<number, number>;
}

export interface SessionFactory {
  readonly stats: SessionStats;
  /** Decides at once; never throws. */
  handshake(handshake: SessionHandshake): SessionAnswer;
  /**
   * Tells every client to come back at a time of its own, spread over `reconnectSpreadMs`, answers what is under way and closes with 1001.
   * @param timeoutMs sockets still open by then are cut
   * @returns when no socket is open any more
   */
  drain(timeoutMs: number): Promise<void>;
  /** Cuts what is open and stops the timer. */
  close(): void;
}
