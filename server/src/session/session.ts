/**
 * One connection: understands its frames, carries out its requests, and hands the flush what it has to say.
 */
import {
  RingcastError,
  decodeRequest,
  encodeFrame,
  type ErrorFrame,
  type HubFrame,
  type Limits,
  type Request,
  type RequestId,
} from "@ringcast/protocol";
import type { Frame, Hub, Outlet, Publisher, Reader, SendResult } from "../hub/index.js";
import { WHEEL_STEP_MS, type Timed } from "../runtime/index.js";
import { carryOut, textFrame, type Requester } from "./operations.js";
import type { Identity } from "./port.js";
import { Replies } from "./replies.js";
import type { SessionHost } from "./session-host.js";
import type { Socket, SocketHandler } from "./socket.js";

/** Answers that may wait for a socket that takes nothing. */
const MAX_WAITING_BYTES = 1_048_576;
/** Answers that may be large are made at once while no more than this waits. */
const MAX_READY_BYTES = 65_536;
/** A closing handshake that takes longer is cut. */
const CLOSE_TIMEOUT_MS = 5_000;

export const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_LARGE = 1009;
const CLOSE_INTERNAL = 1011;
const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_STALLED = 4408;

/** What an error carries of the request that it answers. */
type RequestName = Pick<ErrorFrame, "id" | "subscription" | "partition" | "offset">;

/** `open`: requests are carried out. `closing`: the close frame is on its way. `closed`: the socket is gone. */
type SessionState = "open" | "closing" | "closed";

export class Session implements SocketHandler, Outlet, Requester, Timed {
  readonly reader: Reader;
  // The links of the timer wheel.
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  wheelSlot = -1;
  readonly #host: SessionHost;
  readonly #socket: Socket;
  readonly #replies = new Replies();
  #identity: Identity | undefined;
  #publisher: Publisher | undefined = undefined;
  #state: SessionState = "open";
  readonly #openedAt: number;
  #heardAt: number;
  #pingedAt: number;
  /** Since when the socket holds the same number of bytes; only while it holds any. */
  #stalledAt = 0;
  #unsentBytes = 0;
  /** The hub's socket took no more at the last write. */
  #isBlocked = false;
  #closeBy = Infinity;

  /** @param identity undefined where a token is required and did not come with the handshake */
  constructor(host: SessionHost, socket: Socket, identity: Identity | undefined) {
    this.#host = host;
    this.#socket = socket;
    this.#identity = identity;
    // Not the wheel's clock, which stands still while there is no connection.
    this.#openedAt = this.#heardAt = this.#pingedAt = host.runtime.monotonicMs();
    this.reader = host.hub.openReader(this, "json");
  }

  // ---- the socket's events ----

  message(bytes: Uint8Array, binary: boolean): void {
    if (this.#state !== "open") return;
    this.#heardAt = this.#host.wheel.nowMs;
    this.#host.received(bytes.length);
    if (binary) {
      this.#end(CLOSE_POLICY, badFrame("Send text messages in the JSON dialect, not binary ones."));
      return;
    }
    const decoded = decodeRequest(bytes, this.#limits);
    if (decoded.ok) this.#carryOut(decoded.request);
    else if (decoded.closeCode !== undefined) this.#end(decoded.closeCode, decoded.error);
    else this.#replyError(this.#mayAsk(decoded.op) ? decoded.error : notAuthenticated(decoded.error));
  }

  alive(): void {
    this.#heardAt = this.#host.wheel.nowMs;
  }

  drain(): void {
    this.#isBlocked = false;
    if (this.#state === "open") this.reader.drained();
  }

  oversized(): void {
    const { maxFrameBytes } = this.#limits;
    this.#end(CLOSE_TOO_LARGE, {
      op: "error",
      code: "too_large",
      message: `Keep each frame within ${maxFrameBytes} bytes.`,
      details: { maxFrameBytes },
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
    const next = this.#replies.take(frames, count);
    if (!this.#replies.isEmpty) this.reader.wake();
    return next;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    if (this.#state === "closed") return "closed";
    const result = this.#socket.send(frames, count);
    if (result === "full") {
      this.#isBlocked = true;
      this.#unsentBytes = this.#socket.bufferedBytes();
      this.#stalledAt = this.#host.wheel.nowMs;
      this.#host.wheel.hasten(this, this.#stallCheckMs);
      this.#checkWaiting();
    }
    return result;
  }

  failed(error: unknown): void {
    this.#end(CLOSE_INTERNAL, { op: "error", ...toRingcastError(error).toBody() });
  }

  // ---- what operations call ----

  get hub(): Hub {
    return this.#host.hub;
  }

  get publisher(): Publisher {
    return (this.#publisher ??= this.#host.hub.openPublisher());
  }

  get subject(): string | undefined {
    return this.#host.tokens === undefined ? undefined : this.#identity?.subject;
  }

  nowMs(): number {
    return this.#host.runtime.nowMs();
  }

  reply(frame: HubFrame): void {
    this.#queue(textFrame(encodeFrame(frame)));
  }

  replyLater(make: () => Frame): void {
    const isRoom = !this.#isBlocked && this.#replies.bytes < MAX_READY_BYTES;
    this.#queue(isRoom ? make() : make);
  }

  refuse(id: RequestId, error: unknown): void {
    this.#replyError({ op: "error", id, ...toRingcastError(error).toBody() });
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
    this.reply({ op: "authenticated", id, ...identity });
  }

  // ---- what the host calls ----

  /** The token of the handshake is wrong. */
  rejectToken(): void {
    this.#end(CLOSE_UNAUTHORIZED, wrongToken());
  }

  /** The hub is going away: answers what is left and closes. */
  leave(reconnectAfterMs: number): void {
    if (this.#state !== "open") return;
    this.#sendLast({ op: "draining", reconnectAfterMs });
    this.#close(CLOSE_GOING_AWAY, "going away");
  }

  cut(): void {
    this.#socket.terminate();
  }

  /** Looks whether any of the connection's times is over. */
  look(nowMs: number): number | undefined {
    if (this.#state === "closing") return this.#lookAtClosing(nowMs);
    return this.#lookAtIdentity(nowMs) ?? this.#lookAtStall(nowMs) ?? this.#lookAtSilence(nowMs);
  }

  // ---- requests ----

  #carryOut(request: Request): void {
    if (!this.#mayAsk(request.op)) {
      this.#replyError(notAuthenticated(nameOf(request)));
      return;
    }
    try {
      carryOut(this, request);
    } catch (error) {
      this.#replyError({ op: "error", ...toRingcastError(error).toBody(), ...nameOf(request) });
    }
  }

  /** Before authentication only `auth` and `ping` are carried out. */
  #mayAsk(op: string | undefined): boolean {
    return this.#identity !== undefined || op === "auth" || op === "ping";
  }

  #replyError(frame: ErrorFrame): void {
    this.#host.refused(frame.code);
    this.reply(frame);
  }

  #queue(reply: Frame | (() => Frame)): void {
    if (this.#state !== "open") return;
    this.#replies.push(reply);
    if (!this.#isBlocked) this.reader.wake();
    if (this.#replies.bytes > MAX_WAITING_BYTES) this.#relieve();
  }

  /** A peer that asks more in one turn than may wait: it gets its answers now, or none any more. */
  #relieve(): void {
    const frames: Frame[] = [];
    while (!this.#isBlocked && !this.#replies.isEmpty) {
      if (this.send(frames, this.#replies.take(frames, 0)) === "full") this.reader.blocked();
    }
    this.#checkWaiting();
  }

  #checkWaiting(): void {
    if (this.#isBlocked && this.#replies.bytes > MAX_WAITING_BYTES) {
      this.#close(CLOSE_STALLED, "replies are not read");
    }
  }

  // ---- the end ----

  /** Says why, and closes. */
  #end(code: number, error: ErrorFrame): void {
    if (this.#state !== "open") return;
    this.#host.refused(error.code);
    this.#sendLast(error);
    this.#close(code, error.code);
  }

  /** Answers that wait go before it, unless the socket takes nothing. */
  #sendLast(frame: HubFrame): void {
    const frames: Frame[] = [];
    let count = 0;
    while (!this.#isBlocked && !this.#replies.isEmpty) count = this.#replies.take(frames, count);
    frames[count++] = textFrame(encodeFrame(frame));
    this.#socket.send(frames, count);
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

  // ---- times ----

  get #limits(): Limits {
    return this.#host.limits;
  }

  get #stallCheckMs(): number {
    return this.#host.stallTimeoutMs / 4;
  }

  #lookAtClosing(nowMs: number): number {
    if (nowMs >= this.#closeBy) this.#socket.terminate();
    return CLOSE_TIMEOUT_MS;
  }

  #lookAtIdentity(nowMs: number): number | undefined {
    const { authTimeoutMs } = this.#host;
    if (this.#identity === undefined) {
      const left = this.#openedAt + authTimeoutMs - nowMs;
      if (left > 0) return Math.min(left, this.#lookAtSilence(nowMs));
      this.#end(CLOSE_UNAUTHORIZED, notAuthenticated({}));
      return CLOSE_TIMEOUT_MS;
    }
    const { expires } = this.#identity;
    if (expires === null || this.nowMs() < expires) return undefined;
    this.#end(CLOSE_UNAUTHORIZED, {
      op: "error",
      code: "unauthorized",
      message: "The token has expired: connect again with a new one.",
    });
    return CLOSE_TIMEOUT_MS;
  }

  /** A socket that holds unsent bytes is not silent but stalled: its reader sees no ping either. */
  #lookAtStall(nowMs: number): number | undefined {
    const unsent = this.#socket.bufferedBytes();
    if (unsent === 0) {
      if (this.#unsentBytes > 0) this.#heardAt = nowMs;
      this.#unsentBytes = 0;
      return undefined;
    }
    if (unsent !== this.#unsentBytes) {
      this.#unsentBytes = unsent;
      this.#stalledAt = nowMs;
    }
    const left = this.#stalledAt + this.#host.stallTimeoutMs - nowMs;
    if (left > 0) return Math.min(left, this.#stallCheckMs);
    this.#close(CLOSE_STALLED, "nothing is read");
    return CLOSE_TIMEOUT_MS;
  }

  #lookAtSilence(nowMs: number): number {
    const { idleTimeoutMs, pingIntervalMs } = this.#limits;
    const left = this.#heardAt + idleTimeoutMs + WHEEL_STEP_MS - nowMs;
    if (left <= 0) {
      this.#close(CLOSE_GOING_AWAY, "idle");
      return CLOSE_TIMEOUT_MS;
    }
    if (nowMs - this.#pingedAt >= pingIntervalMs) {
      this.#pingedAt = nowMs;
      this.#socket.ping();
    }
    const untilExpiry = (this.#identity?.expires ?? Infinity) - this.nowMs();
    return Math.min(left, this.#pingedAt + pingIntervalMs - nowMs, Math.max(0, untilExpiry));
  }
}

/** Who is served where no token is required. */
export const ANYBODY: Identity = { subject: "anonymous", expires: null };

function badFrame(message: string): ErrorFrame {
  return { op: "error", code: "bad_frame", message };
}

function wrongToken(): ErrorFrame {
  return { op: "error", code: "unauthorized", message: "The token is wrong or no longer valid: use another one." };
}

function notAuthenticated({ id, subscription, partition, offset }: RequestName): ErrorFrame {
  const message = "Give a token first: as a header, as a subprotocol, or with the operation auth.";
  const name = {
    ...(id === undefined ? {} : { id }),
    ...(subscription === undefined ? {} : { subscription }),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
  };
  return { op: "error", ...name, code: "unauthorized", message };
}

/** How an error says which request it answers: by its id, or an `ack` without one by its record. */
function nameOf(request: Request): RequestName {
  if (request.op !== "ack" || request.id !== undefined) return { id: request.id as RequestId };
  const { subscription, partition, offset } = request;
  return { subscription, partition, offset };
}

function toRingcastError(error: unknown): RingcastError {
  if (error instanceof RingcastError) return error;
  return new RingcastError(
    "internal",
    "The hub failed at this request: that is a fault of ours.",
    {},
    { cause: error },
  );
}
