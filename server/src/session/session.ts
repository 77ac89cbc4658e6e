/**
 * One connection: understands its frames, carries out its requests, and hands the flush what it has to say.
 */
import {
  RingcastError,
  type DecodedRequest,
  type ErrorFrame,
  type Limits,
  type Request,
  type RequestId,
} from "@ringcast/protocol";
import {
  publishedFields,
  type Frame,
  type Hub,
  type Outlet,
  type Publisher,
  type PublishOutcome,
  type Reader,
  type SendResult,
} from "../hub/index.js";
import type { Timed } from "../runtime/index.js";
import { ConnectionRates } from "./connection-rates.js";
import type { ControlFrame, Dialect } from "./dialects.js";
import { carryOut, type Requester } from "./operations.js";
import { Outgoing, type Speaker } from "./outgoing.js";
import type { ConnectionReport, Identity } from "./port.js";
import { nameOf, notAuthenticated, overdueFrame, toRingcastError, wrongToken } from "./refusals.js";
import { usualReply, type PublishName } from "./published.js";
import type { SessionHost } from "./session-host.js";
import type { Socket, SocketHandler } from "./socket.js";
import type { TopicSubscribed } from "./subscribed.js";
import { ConnectionTimes, type Overdue } from "./times.js";

/** A closing handshake that takes longer is cut. */
const CLOSE_TIMEOUT_MS = 5_000;

const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_LARGE = 1009;
const CLOSE_INTERNAL = 1011;
const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_STALLED = 4408;

const CLOSE_CODES: Readonly<Record<Overdue, number>> = {
  unauthenticated: CLOSE_UNAUTHORIZED,
  expired: CLOSE_UNAUTHORIZED,
  stalled: CLOSE_STALLED,
  idle: CLOSE_GOING_AWAY,
};

/** `open`: requests are carried out. `closing`: the close frame is on its way. `closed`: the socket is gone. */
type SessionState = "open" | "closing" | "closed";

/** What a session is made of. */
export interface SessionStart {
  /** As in `welcome`. */
  readonly id: string;
  readonly dialect: Dialect;
  /** Undefined where a token is required and did not come with the handshake. */
  readonly identity: Identity | undefined;
}

export class Session implements SocketHandler, Outlet, Requester, Speaker, Timed {
  readonly id: string;
  readonly dialect: Dialect;
  readonly reader: Reader;
  // The links of the timer wheel.
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  wheelSlot = -1;
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #outgoing: Outgoing;
  readonly #times: ConnectionTimes;
  /** Milliseconds since 1970. */
  readonly #since: number;
  #identity: Identity | undefined;
  #state: SessionState = "open";
  #closeBy = Infinity;
  #receivedFrames = 0;
  #receivedBytes = 0;
  // Made when they are needed: most connections never publish, and most hubs have no rates.
  #publisher: Publisher | undefined = undefined;
  #rates: ConnectionRates | undefined = undefined;

  constructor(host: SessionHost, socket: Socket, { id, dialect, identity }: SessionStart) {
    this.id = id;
    this.dialect = dialect;
    this.#host = host;
    this.#socket = socket;
    this.#identity = identity;
    this.#outgoing = new Outgoing(this, socket);
    this.#since = host.runtime.nowMs();
    // Not the wheel's clock, which stands still while there is no connection.
    this.#times = new ConnectionTimes(host.times, Math.floor(host.runtime.monotonicMs()));
    this.reader = host.hub.openReader(this, dialect.name);
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  // ---- the socket's events ----

  message(bytes: Uint8Array, binary: boolean): void {
    if (this.#state !== "open") return;
    this.alive();
    this.#receivedFrames += 1;
    this.#receivedBytes += bytes.length;
    this.#host.received(bytes.length);
    const decoded = this.dialect.decode(bytes, binary, this.#limits);
    if (decoded.ok) this.#carryOut(decoded.request);
    else if (decoded.closeCode !== undefined) this.#end(decoded.closeCode, decoded.error);
    else this.#refuseMalformed(decoded);
  }

  alive(): void {
    this.#times.heard(this.#host.wheel.nowMs);
  }

  drain(): void {
    this.#outgoing.drained();
    if (this.#state === "open") this.reader.drained();
  }

  oversized(): void {
    const limit = this.#limits.maxFrameBytes;
    this.#end(CLOSE_TOO_LARGE, {
      op: "error",
      code: "too_large",
      message: `Keep each frame within ${limit} bytes.`,
      details: { limit },
    });
  }

  closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.reader.close();
    this.#host.closed(this);
  }

  // ---- what the flush calls ----

  takeReplies(frames: Frame[], count: number): number {
    return this.#outgoing.take(frames, count);
  }

  send(frames: readonly Frame[], count: number): SendResult {
    return this.#state === "closed" ? "closed" : this.#outgoing.send(frames, count);
  }

  failed(error: unknown): void {
    this.#end(CLOSE_INTERNAL, { op: "error", ...toRingcastError(error).toBody() });
  }

  // ---- what its answers meet ----

  blocked(): void {
    this.#times.blocked(this.#host.wheel.nowMs, this.#socket.bufferedBytes());
    this.#host.wheel.hasten(this, this.#times.stallCheckMs);
  }

  unread(): void {
    this.#close(CLOSE_STALLED, "replies are not read");
  }

  // ---- what operations call ----

  get hub(): Hub {
    return this.#host.hub;
  }

  get publisher(): Publisher {
    const publisher = (this.#publisher ??= this.#host.hub.openPublisher());
    return this.#limitedRates?.limit(publisher) ?? publisher;
  }

  get subject(): string | undefined {
    return this.#host.tokens === undefined ? undefined : this.#identity?.subject;
  }

  nowMs(): number {
    return this.#host.runtime.nowMs();
  }

  reply(frame: ControlFrame): void {
    if (this.#state === "open") this.#outgoing.push(this.dialect.encode(frame));
  }

  subscribed(reply: TopicSubscribed): void {
    if (this.#state === "open") this.#outgoing.push(this.#host.subscribed.frame(this.dialect, reply));
  }

  published(request: PublishName, outcome: PublishOutcome): void {
    if (this.#state !== "open") return;
    const usual = usualReply(this.dialect, request, outcome);
    if (usual !== undefined) this.#outgoing.answer(usual, this.dialect.isBinary);
    else this.reply({ op: "published", id: request.id, ...publishedFields(outcome, request) });
  }

  replyLater(make: () => Frame): void {
    if (this.#state === "open") this.#outgoing.pushLater(make);
  }

  refuse(id: RequestId, error: unknown): void {
    this.#replyError({ op: "error", id, ...toRingcastError(error).toBody() });
  }

  refusal(id: RequestId, error: RingcastError): Frame {
    this.#host.refused(error.code);
    return this.dialect.encode({ op: "error", id, ...error.toBody() });
  }

  authenticate(id: RequestId, token: string): void {
    const { tokens } = this.#host;
    const identity = tokens === undefined ? ANYBODY : tokens.verify(token, this.#socket.remoteAddress);
    if (identity === undefined) {
      this.#end(CLOSE_UNAUTHORIZED, { ...wrongToken(), id });
      return;
    }
    if (this.#identity !== undefined && this.#identity.subject !== identity.subject) {
      throw new RingcastError("forbidden", "This token is another subject's: use it on a connection of its own.");
    }
    this.#identity = identity;
    this.#host.wheel.hasten(this, 0);
    const { subject, expires } = identity;
    this.reply({ op: "authenticated", id, subject, expires });
  }

  // ---- what the host calls ----

  /** Says the first word: in the packet that accepts the connection, where the transport can do that. @param bytes hold until this returns */
  greet(bytes: Uint8Array): void {
    this.#outgoing.answer(bytes, this.dialect.isBinary);
  }

  /** The token is wrong, or no longer right. */
  rejectToken(): void {
    this.#end(CLOSE_UNAUTHORIZED, wrongToken());
  }

  /** Ends the session where its token is one that no longer counts. */
  revoke(isValid: (identity: Identity) => boolean): void {
    if (this.#identity !== undefined && !isValid(this.#identity)) this.rejectToken();
  }

  /** The operator wants it gone. */
  disconnect(reason: string): void {
    this.#end(CLOSE_POLICY, { op: "error", code: "forbidden", message: reason });
  }

  /** The hub is going away: answers what is left and closes. */
  leave(reconnectAfterMs: number): void {
    if (this.#state !== "open") return;
    this.#outgoing.sendLast(this.dialect.encode({ op: "draining", reconnectAfterMs }));
    this.#close(CLOSE_GOING_AWAY, "going away");
  }

  cut(): void {
    this.#socket.terminate();
  }

  report(): ConnectionReport {
    return {
      id: this.id,
      remoteAddress: this.#socket.remoteAddress,
      subject: this.subject,
      dialect: this.dialect.name,
      since: this.#since,
      bufferedBytes: this.#socket.bufferedBytes(),
      subscriptions: this.reader.subscriptionCount,
      receivedFrames: this.#receivedFrames,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#outgoing.sentBytes,
      silentMs: this.#times.silentMs(this.#host.runtime.monotonicMs()),
    };
  }

  /** Looks whether any of the connection's times is over. */
  look(nowMs: number): number | undefined {
    if (this.#state === "closing") return this.#lookAtClosing(nowMs);
    const next = this.#times.look(nowMs, {
      expiresInMs: this.#identity === undefined ? undefined : (this.#identity.expires ?? Infinity) - this.nowMs(),
      unsentBytes: this.#socket.bufferedBytes(),
    });
    if (typeof next === "string") {
      this.#overdue(next);
      return CLOSE_TIMEOUT_MS;
    }
    if (this.#times.takePing(nowMs)) this.#socket.ping();
    return Math.min(next, this.#carryOutDelayed());
  }

  // ---- requests ----

  #carryOut(request: Request): void {
    if (!this.#mayAsk(request.op)) {
      this.#replyError(notAuthenticated(nameOf(request)));
      return;
    }
    try {
      const delayMs = this.#limitedRates?.admit(request) ?? 0;
      if (delayMs > 0) this.#host.wheel.hasten(this, delayMs);
      else carryOut(this, request);
    } catch (error) {
      this.#refuseRequest(request, error);
    }
  }

  /** Before authentication only `auth` and `ping` are carried out. */
  #mayAsk(op: string | undefined): boolean {
    return this.#identity !== undefined || op === "auth" || op === "ping";
  }

  #refuseMalformed({ op, error }: Extract<DecodedRequest, { ok: false }>): void {
    if (!this.#mayAsk(op)) {
      this.#replyError(notAuthenticated(error));
      return;
    }
    const excess = this.#limitedRates?.judgeMalformed();
    const name = error.id === undefined ? {} : { id: error.id };
    this.#replyError(excess === undefined ? error : { op: "error", ...name, ...excess.toBody() });
  }

  #refuseRequest(request: Request, error: unknown): void {
    this.#replyError({ op: "error", ...toRingcastError(error).toBody(), ...nameOf(request) });
  }

  /** @returns milliseconds until there is something to do again */
  #carryOutDelayed(): number {
    const rates = this.#rates;
    if (rates === undefined) return Infinity;
    for (let ack = rates.nextDelayed(); ack !== undefined; ack = rates.nextDelayed()) {
      try {
        carryOut(this, ack);
      } catch (error) {
        this.#refuseRequest(ack, error);
      }
    }
    return rates.delayMs;
  }

  /** Undefined while no rate is limited. */
  get #limitedRates(): ConnectionRates | undefined {
    if (this.#host.isRateLimited) this.#rates ??= new ConnectionRates(this.#host);
    return this.#rates;
  }

  #replyError(frame: ErrorFrame): void {
    this.#host.refused(frame.code);
    this.reply(frame);
  }

  // ---- the end ----

  #overdue(overdue: Overdue): void {
    const frame = overdueFrame(overdue);
    if (frame === undefined) this.#close(CLOSE_CODES[overdue], overdue);
    else this.#end(CLOSE_CODES[overdue], frame);
  }

  /** Says why, and closes. */
  #end(code: number, error: ErrorFrame): void {
    if (this.#state !== "open") return;
    this.#host.refused(error.code);
    this.#outgoing.sendLast(this.dialect.encode(error));
    this.#close(code, error.code);
  }

  #close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#closeBy = this.#host.wheel.nowMs + CLOSE_TIMEOUT_MS;
    this.#host.wheel.hasten(this, CLOSE_TIMEOUT_MS);
    this.#host.closing(code);
    this.reader.close();
    this.#socket.close(code, reason);
  }

  #lookAtClosing(nowMs: number): number {
    if (nowMs < this.#closeBy) return this.#closeBy - nowMs;
    this.#socket.terminate();
    return CLOSE_TIMEOUT_MS;
  }

  get #limits(): Limits {
    return this.#host.limits;
  }
}

/** Who is served where no token is required. */
export const ANYBODY: Identity = { subject: "anonymous", expires: null };
