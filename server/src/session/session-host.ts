/**
 * All sessions of the hub: decides handshakes, opens sessions, counts, and lets them go one by one when the hub goes away.
 */
import { RingcastError, type ErrorCode, type Limits } from "@ringcast/protocol";
import { isLoopbackAddress } from "../auth/index.js";
import type { Hub } from "../hub/index.js";
import { TimerWheel, type Runtime, type Timer } from "../runtime/index.js";
import { AddressCounts } from "./address-counts.js";
import { connectionId, ordinalOf } from "./connection-id.js";
import type { Dialect } from "./dialects.js";
import { chooseDialect, tokenOf } from "./handshake.js";
import { isLimited } from "./connection-rates.js";
import type {
  ConnectionDetails,
  ConnectionReport,
  Identity,
  PublishRates,
  SessionAnswer,
  SessionFactory,
  SessionHandshake,
  SessionOptions,
  SessionSettings,
  SessionStats,
  TokenVerifier,
} from "./port.js";
import { ANYBODY, Session } from "./session.js";
import type { Socket, SocketHandler } from "./socket.js";
import { SubscribedReplies } from "./subscribed.js";
import type { TimeLimits } from "./times.js";
import { Welcome } from "./welcome.js";

/** Clients that return at once come back within this, and within so much for each connection there is. */
const LEAST_SPREAD_MS = 200;
const SPREAD_PER_CONNECTION_MS = 1;
const MOST_SPREAD_MS = 30_000;

/** Makes the sessions of a hub. */
export function createSessionFactory(options: SessionOptions): SessionFactory {
  return new SessionHost(options);
}

export class SessionHost implements SessionFactory {
  readonly hub: Hub;
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly tokens: TokenVerifier | undefined;
  readonly times: TimeLimits;
  readonly wheel: TimerWheel;
  readonly subscribed = new SubscribedReplies();
  readonly #welcome: Welcome;
  #settings: SessionSettings;
  /** Whether any rate is limited at all. */
  isRateLimited: boolean;
  /** By id, in the order they opened. */
  readonly #sessions = new Map<string, Session>();
  readonly #dialects = { json: 0, msgpack: 0 };
  readonly #addresses = new AddressCounts();
  #opened = 0;
  #receivedFrames = 0;
  #receivedBytes = 0;
  readonly #errors = new Map<ErrorCode, number>();
  readonly #closes = new Map<number, number>();
  #whenEmpty: (() => void) | undefined = undefined;

  constructor(options: SessionOptions) {
    this.#welcome = new Welcome(options);
    this.hub = options.hub;
    this.runtime = options.runtime;
    this.limits = options.limits;
    this.tokens = options.tokens;
    this.times = { ...options.limits, authTimeoutMs: options.authTimeoutMs, stallTimeoutMs: options.stallTimeoutMs };
    this.#settings = options;
    this.isRateLimited = isLimited(options.rates);
    this.wheel = new TimerWheel(options.runtime);
  }

  get stats(): SessionStats {
    return {
      connections: this.#sessions.size,
      dialects: { ...this.#dialects },
      opened: this.#opened,
      receivedFrames: this.#receivedFrames,
      receivedBytes: this.#receivedBytes,
      errors: this.#errors,
      closes: this.#closes,
    };
  }

  handshake(handshake: SessionHandshake): SessionAnswer {
    try {
      this.#checkRoom(handshake.remoteAddress);
      const { dialect, subprotocol } = chooseDialect(handshake.subprotocols);
      const token = tokenOf(handshake);
      return { accept: true, subprotocol, open: (socket) => this.#open(socket, dialect, token) };
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return { accept: false, error };
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    await this.hub.drain();
    const spreadMs = Math.min(
      MOST_SPREAD_MS,
      Math.max(LEAST_SPREAD_MS, this.#sessions.size * SPREAD_PER_CONNECTION_MS),
    );
    for (const session of this.#sessions.values()) session.leave(Math.round(this.runtime.random() * spreadMs));
    await this.#empty(timeoutMs);
  }

  configure(settings: Partial<SessionSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.isRateLimited = isLimited(this.rates);
  }

  connections(after: string | undefined, limit: number): readonly ConnectionReport[] {
    const ordinal = after === undefined ? -1 : ordinalOf(after);
    const reports: ConnectionReport[] = [];
    for (const session of this.#sessions.values()) {
      if (reports.length >= limit) break;
      if (ordinalOf(session.id) > ordinal) reports.push(session.report());
    }
    return reports;
  }

  connection(id: string): ConnectionDetails | undefined {
    const session = this.#sessions.get(id);
    return session && { ...session.report(), subscriptionReports: session.reader.report() };
  }

  disconnect(id: string, reason: string): boolean {
    const session = this.#sessions.get(id);
    session?.disconnect(reason);
    return session !== undefined;
  }

  revoke(isValid: (identity: Identity) => boolean): void {
    if (this.tokens === undefined) return;
    for (const session of this.#sessions.values()) session.revoke(isValid);
  }

  close(): void {
    for (const session of this.#sessions.values()) session.cut();
    this.wheel.stop();
  }

  // ---- what sessions call ----

  get rates(): PublishRates {
    return this.#settings.rates;
  }

  received(bytes: number): void {
    this.#receivedFrames += 1;
    this.#receivedBytes += bytes;
  }

  refused(code: ErrorCode): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  closing(code: number): void {
    this.#closes.set(code, (this.#closes.get(code) ?? 0) + 1);
  }

  closed(session: Session): void {
    if (this.#sessions.delete(session.id)) this.#dialects[session.dialect.name] -= 1;
    this.#addresses.remove(session.remoteAddress);
    this.wheel.remove(session);
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  // ---- opening and emptying ----

  /** @throws RingcastError `too_many` */
  #checkRoom(address: string): void {
    const { maxConnections, maxConnectionsPerAddress, limitLoopback } = this.#settings;
    if (this.#sessions.size >= maxConnections) {
      const message = `The hub has ${maxConnections} connections, the most it may have: come back later.`;
      throw new RingcastError("too_many", message, { limit: maxConnections });
    }
    if (maxConnectionsPerAddress === 0 || this.#addresses.of(address) < maxConnectionsPerAddress) return;
    if (!limitLoopback && isLoopbackAddress(address)) return;
    const message = `Your address has ${maxConnectionsPerAddress} connections, the most it may have: close one, or come back later.`;
    throw new RingcastError("too_many", message, { limit: maxConnectionsPerAddress });
  }

  #open(socket: Socket, dialect: Dialect, token: string | undefined): SocketHandler {
    const identity = this.#identityOf(token, socket);
    const id = connectionId(this.#opened, this.runtime);
    const session = new Session(this, socket, { id, dialect, identity });
    this.#sessions.set(id, session);
    this.#dialects[dialect.name] += 1;
    this.#addresses.add(session.remoteAddress);
    this.#opened += 1;
    this.wheel.add(session, 0);
    if (token !== undefined && identity === undefined) session.rejectToken();
    else session.greet(this.#welcome.bytes(dialect, id, this.runtime.nowMs()));
    return session;
  }

  #identityOf(token: string | undefined, socket: Socket): Identity | undefined {
    if (this.tokens === undefined) return ANYBODY;
    return token === undefined ? undefined : this.tokens.verify(token, socket.remoteAddress);
  }

  async #empty(timeoutMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    let timer: Timer | undefined = undefined;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      timer = this.runtime.setTimer(timeoutMs, () => {
        for (const session of this.#sessions.values()) session.cut();
        resolve();
      });
    });
    (timer as Timer | undefined)?.cancel();
  }
}
