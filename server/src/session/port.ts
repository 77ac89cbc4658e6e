/**
 * The door of the session: decides WebSocket handshakes and runs one session per socket.
 */
import type { ErrorCode, Limits, RingcastError } from "@ringcast/protocol";
import type { Hub, SubscriptionReport } from "../hub/index.js";
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

export interface SessionOptions extends SessionSettings {
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
}

/** What the operator may change while the hub runs. */
export interface SessionSettings {
  /** Connections at once; one more is refused in the handshake with `too_many`. */
  readonly maxConnections: number;
  /** Connections of one address (of IPv6: one /64) at once; one more is refused in the handshake with `too_many`. 0: no limit. Not applied to loopback addresses unless `limitLoopback`. */
  readonly maxConnectionsPerAddress: number;
  readonly limitLoopback: boolean;
  readonly rates: PublishRates;
}

/**
 * Token buckets of each connection: so much a second on average, twice that at once. 0: no limit. Beyond it `rate_limited` with
 * `retryAfterMs`, nothing stored. One publish that is larger than its bucket passes when the bucket is full.
 */
export interface PublishRates {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Acknowledgements, pings and other requests that store nothing. An `ack` without id that comes too soon is delayed instead. */
  readonly requestsPerSecond: number;
}

/** One connection as operators see it. */
export interface ConnectionReport {
  /** As in `welcome`. */
  readonly id: string;
  readonly remoteAddress: string;
  /** Undefined where no token is required, or none was given yet. */
  readonly subject: string | undefined;
  readonly dialect: "json" | "msgpack";
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Bytes that its socket has not taken. */
  readonly bufferedBytes: number;
  readonly subscriptions: number;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Milliseconds since the last frame, ping or pong came in. */
  readonly silentMs: number;
}

/** One connection with all its subscriptions. */
export interface ConnectionDetails extends ConnectionReport {
  readonly subscriptionReports: readonly SubscriptionReport[];
}

/** Counters since the start. */
export interface SessionStats {
  /** Gauge. */
  readonly connections: number;
  /** Gauge: the same by dialect. */
  readonly dialects: Readonly<Record<ConnectionReport["dialect"], number>>;
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
  /** What the operator may have changed while the hub runs. Holds for connections that are open, too. */
  configure(settings: Partial<SessionSettings>): void;
  /**
   * Connections in the order they opened, at most `limit`, behind the one named `after`, which may have closed since.
   * @throws RingcastError `bad_request` where `after` is no connection's id
   */
  connections(after: string | undefined, limit: number): readonly ConnectionReport[];
  /** Undefined where there is none of this id. */
  connection(id: string): ConnectionDetails | undefined;
  /** Closes one connection with 1008, behind an `error` `forbidden` whose message is the reason. @returns false where there is none of this id */
  disconnect(id: string, reason: string): boolean;
  /** Tokens have changed: closes with 4401 who authenticated as somebody that this doesn't accept any more. Nobody, where no token is required. */
  revoke(isValid: (identity: Identity) => boolean): void;
  /** Cuts what is open and stops the timer. */
  close(): void;
}
