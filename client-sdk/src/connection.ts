/**
 * One connection that comes back by itself: dials, notices silence, waits with jitter, obeys `draining`, rotates over the addresses.
 * Knows frames only as far as it needs them for that.
 */
import { RingcastError, shown, type HubFrame, type WelcomeFrame } from "@ringcast/protocol";
import type { Codec, Operation } from "./codec.js";
import { errorOf } from "./errors.js";
import type { ConnectionState, ConnectOptions } from "./options.js";
import type { Runtime, Timer } from "./runtime/port.js";
import type { FrameData, Transport, TransportSocket } from "./transport/port.js";

/** Request id of our own pings and tokens, whose replies interest nobody: users' requests count from 1. */
const OWN_ID = 0;
/** From dialling to `welcome`. */
const HANDSHAKE_MS = 10_000;
/** Silence after which we ask whether anybody is there; a browser doesn't see the hub's pings. */
const SILENCE_MS = 15_000;
/** How long the answer to that may take. */
const PONG_MS = 10_000;
/** The first retry comes within this time; the bound doubles from then on. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;
/** A connection that lived so long was a good one: the next retry is a first one again. */
const STABLE_MS = 5_000;

const CLOSED_UNAUTHORIZED = 4401;
const UNAUTHORIZED = "unauthorized";
/** What a subprotocol may be made of (RFC 9110, "token"). */
const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

export interface ConnectionSettings {
  readonly urls: readonly string[];
  readonly token: ConnectOptions["token"];
  readonly codec: Codec;
  readonly transport: Transport;
  readonly runtime: Runtime;
}

export interface ConnectionHandler {
  /** Connected: the time to send everything that has to go over this connection. */
  welcomed(welcome: WelcomeFrame): void;
  received(frame: HubFrame): void;
  /** What was sent and not answered has an unknown outcome. Called only after `welcomed`. */
  lost(): void;
  /** May be called with the same state again: another attempt failed. */
  changed(state: ConnectionState, reason: RingcastError | undefined): void;
}

export class Connection {
  state: ConnectionState = "connecting";
  /** Announced by the hub that it goes away: it takes nothing new. */
  isDraining = false;

  readonly #settings: ConnectionSettings;
  readonly #handler: ConnectionHandler;
  readonly #runtime: Runtime;
  readonly #stopWaking: () => void;
  #socket: TransportSocket | undefined;
  /** Number of the dial whose events count; those of an older one are ignored. */
  #dial = 0;
  /** Counts the losses: the next address each time. */
  #rotation = 0;
  #attempts = 0;
  #refusals = 0;
  /** The one timer: the end of the handshake, of silence, or of the wait before the next dial. */
  #timer: Timer | undefined;
  #isWaiting = false;
  #isProbing = false;
  #heardMs = 0;
  #welcomedMs = 0;
  #hubTimeMs = 0;
  #drainedMs = 0;
  #error: RingcastError | undefined;

  constructor(settings: ConnectionSettings, handler: ConnectionHandler) {
    this.#settings = settings;
    this.#handler = handler;
    this.#runtime = settings.runtime;
    this.#stopWaking = this.#runtime.onWake(() => this.#wake());
  }

  /** The hub's clock, milliseconds since 1970; rather behind it than ahead. Meaningful while connected. */
  hubTimeMs(): number {
    return this.#hubTimeMs + Math.floor(this.#runtime.monotonicMs() - this.#welcomedMs);
  }

  /** Sends a frame; without a connection it is dropped. */
  send(frame: FrameData): void {
    this.#socket?.send(frame);
  }

  /** Begins the next attempt now. */
  dial(): void {
    const dial = ++this.#dial;
    const { token } = this.#settings;
    this.#isWaiting = false;
    this.#arm(HANDSHAKE_MS, () => this.#lose(1006, "no welcome"));
    if (typeof token !== "function") {
      this.#open(dial, token);
      return;
    }
    // The wrapper makes a throw of the function a rejection.
    new Promise<string>((resolve) => resolve(token())).then(
      (fresh) => this.#open(dial, fresh),
      (error: unknown) => {
        if (dial === this.#dial) this.#lose(1006, `the token function failed: ${String(error)}`);
      },
    );
  }

  /** Ends for good. */
  close(reason?: RingcastError): void {
    if (this.state === "closed") return;
    this.#drop();
    this.#stopWaking();
    this.#change("closed", reason);
  }

  #open(dial: number, token: string | undefined): void {
    if (dial !== this.#dial) return;
    const { urls, codec, transport } = this.#settings;
    const inHandshake = token !== undefined && SUBPROTOCOL.test(token);
    const protocols = inHandshake ? [codec.subprotocol, `bearer.${token}`] : [codec.subprotocol];
    try {
      this.#socket = transport(this.#url(urls), protocols, {
        received: (data) => {
          if (dial === this.#dial) this.#receive(data, inHandshake ? undefined : token);
        },
        closed: (code, reason) => {
          if (dial === this.#dial) this.#lose(code, reason);
        },
      });
    } catch (error) {
      // A browser throws where the page may not connect at all (ws: from an https: page).
      this.#lose(1006, String(error));
    }
  }

  #receive(data: FrameData, token: string | undefined): void {
    this.#heardMs = this.#runtime.monotonicMs();
    this.#isProbing = false;
    let frame: HubFrame;
    try {
      frame = this.#settings.codec.decode(data);
    } catch (error) {
      this.#lose(1007, `not a frame: ${String(error)}`);
      return;
    }
    if (frame.op === "welcome") this.#welcome(frame, token);
    else if (frame.op === "draining") {
      this.isDraining = true;
      this.#drainedMs = this.#heardMs + frame.reconnectAfterMs;
    } else if (this.#error?.code !== UNAUTHORIZED) {
      // An error that answers nothing says why the connection is about to end.
      if (frame.op === "error" && frame.id === undefined) this.#error = errorOf(frame);
      // Refused with the whole connection: what is asked again with a fresh token has not failed.
      this.#handler.received(frame);
    }
  }

  #welcome(welcome: WelcomeFrame, token: string | undefined): void {
    this.#welcomedMs = this.#heardMs;
    this.#hubTimeMs = welcome.time;
    this.#watch();
    if (token !== undefined) this.#ask({ op: "auth", id: OWN_ID, token });
    this.#change("connected", undefined);
    this.#handler.welcomed(welcome);
  }

  /** Asks a silent hub for a sign, and gives it up when none comes. */
  #watch(): void {
    const silentMs = this.#runtime.monotonicMs() - this.#heardMs;
    if (this.#isProbing) this.#lose(1006, "no answer to a ping");
    else if (silentMs >= SILENCE_MS) this.#probe();
    else this.#arm(SILENCE_MS - silentMs, () => this.#watch());
  }

  #probe(): void {
    this.#isProbing = true;
    this.#ask({ op: "ping", id: OWN_ID });
    this.#arm(PONG_MS, () => this.#watch());
  }

  #wake(): void {
    if (this.state === "connected") this.#probe();
    else if (this.#isWaiting && !this.isDraining) {
      this.#attempts = 0;
      this.dial();
    }
  }

  #lose(code: number, why: string): void {
    const { urls, token } = this.#settings;
    const wasConnected = this.state === "connected";
    const url = this.#url(urls);
    const reason =
      this.#error ??
      new RingcastError(
        "unavailable",
        `No connection to ${shown(url)}: ${why || "lost"} (${code}). Is the hub running?`,
      );
    this.#drop();
    if (wasConnected && this.#runtime.monotonicMs() - this.#welcomedMs > STABLE_MS) this.#attempts = this.#refusals = 0;
    this.#rotation++;
    this.state = this.state === "connecting" ? "connecting" : "reconnecting";
    if (wasConnected) this.#handler.lost();
    // A fresh token that is refused too is not for this hub.
    if (code === CLOSED_UNAUTHORIZED && (typeof token !== "function" || this.#refusals++ > 0)) {
      this.close(reason);
      return;
    }
    this.#isWaiting = true;
    this.#arm(this.#delayMs(), () => {
      this.isDraining = false;
      this.dial();
    });
    this.#change(this.state, reason);
  }

  /** A draining hub has said when; otherwise the bound doubles with each attempt, and chance decides below it. */
  #delayMs(): number {
    if (this.isDraining) return Math.max(0, this.#drainedMs - this.#runtime.monotonicMs());
    return this.#runtime.random() * Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts++);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#dial++;
    this.#timer?.cancel();
    this.#socket = this.#error = undefined;
    this.#isProbing = this.#isWaiting = false;
    socket?.close();
  }

  #url(urls: readonly string[]): string {
    // Never empty: `connect` checks it.
    return urls[this.#rotation % urls.length] as string;
  }

  #ask(operation: Operation): void {
    this.send(this.#settings.codec.encode(operation));
  }

  #arm(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#runtime.setTimer(delayMs, callback);
  }

  #change(state: ConnectionState, reason: RingcastError | undefined): void {
    this.state = state;
    this.#handler.changed(state, reason);
  }
}
