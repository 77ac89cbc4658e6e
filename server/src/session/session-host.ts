/**
 * All sessions of the hub: decides handshakes, opens sessions, counts, and lets them go one by one when the hub goes away.
 */
import { RingcastError, type ErrorCode, type Limits, type WelcomeFrame } from "@ringcast/protocol";
import type { Hub } from "../hub/index.js";
import { TimerWheel, type Runtime, type Timer } from "../runtime/index.js";
import { chooseSubprotocol, tokenOf } from "./handshake.js";
import type {
  Identity,
  SessionAnswer,
  SessionFactory,
  SessionHandshake,
  SessionOptions,
  SessionStats,
  TokenVerifier,
} from "./port.js";
import { ANYBODY, Session } from "./session.js";
import type { Socket, SocketHandler } from "./socket.js";

const CONNECTION_ID_LENGTH = 16;
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
  readonly authTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly wheel: TimerWheel;
  readonly #options: SessionOptions;
  readonly #sessions = new Set<Session>();
  #opened = 0;
  #receivedFrames = 0;
  #receivedBytes = 0;
  readonly #errors = new Map<ErrorCode, number>();
  readonly #closes = new Map<number, number>();
  #whenEmpty: (() => void) | undefined = undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.hub = options.hub;
    this.runtime = options.runtime;
    this.limits = options.limits;
    this.tokens = options.tokens;
    this.authTimeoutMs = options.authTimeoutMs;
    this.stallTimeoutMs = options.stallTimeoutMs;
    this.wheel = new TimerWheel(options.runtime);
  }

  get stats(): SessionStats {
    return {
      connections: this.#sessions.size,
      opened: this.#opened,
      receivedFrames: this.#receivedFrames,
      receivedBytes: this.#receivedBytes,
      errors: this.#errors,
      closes: this.#closes,
    };
  }

  handshake(handshake: SessionHandshake): SessionAnswer {
    const { maxConnections } = this.#options;
    try {
      if (this.#sessions.size >= maxConnections) {
        const message = `The hub has ${maxConnections} connections, the most it may have: come back later.`;
        throw new RingcastError("too_many", message, { maxConnections });
      }
      const subprotocol = chooseSubprotocol(handshake.subprotocols);
      const token = tokenOf(handshake);
      return { accept: true, subprotocol, open: (socket) => this.#open(socket, token) };
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      this.refused(error.code);
      return { accept: false, error };
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    await this.hub.drain();
    const spreadMs = Math.min(
      MOST_SPREAD_MS,
      Math.max(LEAST_SPREAD_MS, this.#sessions.size * SPREAD_PER_CONNECTION_MS),
    );
    for (const session of this.#sessions) session.leave(Math.round(this.runtime.random() * spreadMs));
    await this.#empty(timeoutMs);
  }

  close(): void {
    for (const session of this.#sessions) session.cut();
    this.wheel.stop();
  }

  // ---- what sessions call ----

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
    this.#sessions.delete(session);
    this.wheel.remove(session);
    if (this.#sessions.size === 0) this.#whenEmpty?.();
  }

  // ---- opening and emptying ----

  #open(socket: Socket, token: string | undefined): SocketHandler {
    const identity = this.#identityOf(token, socket);
    const session = new Session(this, socket, identity);
    this.#sessions.add(session);
    this.#opened += 1;
    this.wheel.add(session, 0);
    if (token !== undefined && identity === undefined) session.rejectToken();
    else session.reply(this.#welcome());
    return session;
  }

  #identityOf(token: string | undefined, socket: Socket): Identity | undefined {
    if (this.tokens === undefined) return ANYBODY;
    return token === undefined ? undefined : this.tokens.verify(token, socket.remoteAddress);
  }

  #welcome(): WelcomeFrame {
    const { server, instance, limits } = this.#options;
    const connection = this.runtime.randomId(CONNECTION_ID_LENGTH);
    return { op: "welcome", protocol: 1, server, connection, instance, limits, time: this.runtime.nowMs() };
  }

  async #empty(timeoutMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    let timer: Timer | undefined = undefined;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      timer = this.runtime.setTimer(timeoutMs, () => {
        for (const session of this.#sessions) session.cut();
        resolve();
      });
    });
    (timer as Timer | undefined)?.cancel();
  }
}
