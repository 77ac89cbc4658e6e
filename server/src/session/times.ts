/**
 * The times of one connection: until it has authenticated, until its token ends, how long it may be silent or take nothing. Decides only;
 * the session acts.
 */
import { WHEEL_STEP_MS } from "../runtime/index.js";

/** All in milliseconds. */
export interface TimeLimits {
  readonly idleTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly authTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** A time that is over. */
export type Overdue = "unauthenticated" | "expired" | "stalled" | "idle";

/** What there is to know of the connection at a look. */
export interface TimesInput {
  /** Milliseconds until its token ends: Infinity for never; undefined: it has not authenticated. */
  readonly expiresInMs: number | undefined;
  /** Bytes that its socket has not taken. */
  readonly unsentBytes: number;
}

/** Looks at a socket that takes nothing come so often within `stallTimeoutMs`. */
const STALL_LOOKS = 4;

export class ConnectionTimes {
  readonly #limits: TimeLimits;
  readonly #openedAt: number;
  #heardAt: number;
  #pingedAt: number;
  /** Since when the socket holds the same number of bytes; only while it holds any. */
  #stalledAt = 0;
  #unsentBytes = 0;

  /** @param nowMs whole milliseconds on a clock that never runs back, as in all methods: any other number is an object of its own in each connection */
  constructor(limits: TimeLimits, nowMs: number) {
    this.#limits = limits;
    this.#openedAt = this.#heardAt = this.#pingedAt = nowMs;
  }

  get stallCheckMs(): number {
    return this.#limits.stallTimeoutMs / STALL_LOOKS;
  }

  /** A message, a ping or a pong came. */
  heard(nowMs: number): void {
    this.#heardAt = nowMs;
  }

  silentMs(nowMs: number): number {
    return Math.max(0, Math.round(nowMs - this.#heardAt));
  }

  /** The socket took no more. The next look is due after {@link stallCheckMs}. */
  blocked(nowMs: number, unsentBytes: number): void {
    this.#stalledAt = nowMs;
    this.#unsentBytes = unsentBytes;
  }

  /** @returns milliseconds until the next look, or what is over */
  look(nowMs: number, input: TimesInput): number | Overdue {
    const { expiresInMs } = input;
    if (expiresInMs === undefined) return this.#lookAtAuthentication(nowMs);
    if (expiresInMs <= 0) return "expired";
    return this.#lookAtStall(nowMs, input.unsentBytes) ?? this.#lookAtSilence(nowMs, expiresInMs);
  }

  /** Whether a ping is to be sent now; asked after each look, and answered once. */
  takePing(nowMs: number): boolean {
    const isDue = this.#unsentBytes === 0 && nowMs - this.#pingedAt >= this.#limits.pingIntervalMs;
    if (isDue) this.#pingedAt = nowMs;
    return isDue;
  }

  #lookAtAuthentication(nowMs: number): number | Overdue {
    const left = this.#openedAt + this.#limits.authTimeoutMs - nowMs;
    if (left <= 0) return "unauthenticated";
    return this.#lookAtSilence(nowMs, left);
  }

  /** A socket that holds unsent bytes is not silent but stalled: its reader sees no ping either. */
  #lookAtStall(nowMs: number, unsentBytes: number): number | Overdue | undefined {
    if (unsentBytes === 0) {
      if (this.#unsentBytes > 0) this.#heardAt = nowMs;
      this.#unsentBytes = 0;
      return undefined;
    }
    if (unsentBytes !== this.#unsentBytes) this.blocked(nowMs, unsentBytes);
    const left = this.#stalledAt + this.#limits.stallTimeoutMs - nowMs;
    return left > 0 ? Math.min(left, this.stallCheckMs) : "stalled";
  }

  /** @param atMost something else is over by then */
  #lookAtSilence(nowMs: number, atMost: number): number | Overdue {
    const { idleTimeoutMs, pingIntervalMs } = this.#limits;
    const left = this.#heardAt + idleTimeoutMs + WHEEL_STEP_MS - nowMs;
    if (left <= 0) return "idle";
    const sincePing = nowMs - this.#pingedAt;
    const untilPing = sincePing >= pingIntervalMs ? pingIntervalMs : pingIntervalMs - sincePing;
    return Math.min(left, untilPing, atMost);
  }
}
